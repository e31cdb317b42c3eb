"""One session of the server: its sound, its news, and who is told.

It outlives its connection if it is resumable. All of it happens on the event loop; what computes
is a `Task`, which the conductor takes from here and brings back done.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from simulst import batcher
from simulst.audio.resampling import check_rate
from simulst.emit.recording import Recording
from simulst.errors import AudioError, ProtocolError
from simulst.server.backlog import Backlog, Portion
from simulst.server.history import KEPT, History
from simulst.server.lag import Lag
from simulst.server.protocols import Engine, Outlet
from simulst.server.wire.base import (
    Audio,
    Begin,
    Ended,
    Failed,
    Mark,
    News,
    Opened,
)
from simulst.types import SAMPLE_RATE, Update

__all__ = ["Session", "Task"]

MOST_ITEMS = 1_000  # packets and marks that may wait, however short


@dataclass(slots=True, eq=False)
class Task:
    """A portion of a session's sound for the engine.

    Attributes:
        session: it belongs to.
        feed: for the batcher.
        portion: that it was made from.
        recording: that keeps what is heard and given.
        result: what came of it, or what went wrong; None until it is done.
    """

    session: Session
    feed: batcher.Feed
    portion: Portion
    recording: Recording | None = None
    result: batcher.Fed | Exception | None = None


@dataclass(eq=False)
class Session:
    """One session.

    Attributes:
        engine: that interprets it.
        begin: what was asked for.
        owner: whose token began it; only they may resume it.
        queue_s: sound that may wait.
        wake: called when there is something to do.
        now: in seconds.
        record: begins a recording, or gives None; asked again after a restart.
        retire: takes a recording that is done.
        id, follow: its name, and the key for those who read along; neither can be guessed.
        outlet: its client's connection.
        readers: who reads along.
        cut_s: when the connection was lost; None while there is one.
        last: Ended or Failed, once it is over.
        over, over_s: nothing happens in it any more, since then.
    """

    engine: Engine
    begin: Begin
    owner: str
    queue_s: float
    wake: Callable[[], None]
    now: Callable[[], float] = time.monotonic
    record: Callable[[], Recording | None] = lambda: None
    retire: Callable[[Recording], None] = lambda recording: None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    follow: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    outlet: Outlet | None = None
    readers: set[Outlet] = field(default_factory=set)
    cut_s: float | None = None
    last: Ended | Failed | None = None
    over: bool = False
    over_s: float = 0.0

    def __post_init__(self) -> None:
        self.begun_s = self.now()
        self.lag = Lag()
        self.history = History(KEPT if self.begin.resumable else 0)
        self._backlog = Backlog()
        self._stream: batcher.Stream | None = None
        self._task: Task | None = None
        self._tentative = ("", "")
        self._why: str | None = None  # the server ends it
        self._room = asyncio.Event()
        self._room.set()
        self.recording: Recording | None = None
        self._record()

    # -- from the client -----------------------------------------------------------------------

    def hear(self, audio: Audio) -> None:
        """Take in sound; whoever brings it waits for `room` before the next.

        Raises:
            ProtocolError: its rate is none of speech or has changed, or nothing was to follow.
        """
        if self.over or self._why is not None:
            return  # the client will read that it is over
        try:
            check_rate(audio.rate)
        except AudioError as error:
            raise ProtocolError(str(error), "invalid_sample_rate", fatal=True) from error
        self._backlog.hear(audio, self.now())
        self._changed()

    async def room(self) -> None:
        """Wait until there is room for more sound."""
        await self._room.wait()

    @property
    def waiting(self) -> int:
        """Samples that wait for the engine, at the client's rate."""
        return self._backlog.waiting

    def mark(self, mark: Mark) -> None:
        """Answer once all sound before it has been taken in; `room` holds for marks too."""
        self._backlog.mark(mark)
        self._changed()

    def finish(self, why: str | None = None) -> None:
        """No more sound: the last words are still given. Asking again changes nothing.

        Args:
            why: the server asks for it; what the client goes on to send is not taken.
        """
        if not self.over:
            self._why = self._why or why
            self._backlog.end()
            self._changed()

    def restart(self) -> None:
        """Drop what is unfinished and begin again; the news are numbered on."""
        self._backlog, self._stream = Backlog(), None
        self._task = None  # what is being computed will not be taken back
        self._tentative = ("", "")
        self._record()
        self._changed()
        self.tell(self.opened())

    def _record(self) -> None:
        if self.recording is not None:
            self.retire(self.recording)
        self.recording = None if self.over else self.record()

    def _changed(self) -> None:
        fits = self._backlog.waiting_s < self.queue_s and len(self._backlog) < MOST_ITEMS
        if fits or self.over:
            self._room.set()
        else:
            self._room.clear()
        self.wake()

    # -- to the client -------------------------------------------------------------------------

    def opened(self, resumed: bool = False) -> Opened:
        """The news that it is there."""
        return Opened(
            self.id,
            self.engine.source_language,
            self.engine.target_language,
            self._backlog.received,
            resumed,
            self.follow,
            self.begin.memo,
        )

    def tell(self, news: News) -> None:
        """Tell the client and those who read along."""
        for outlet in (self.outlet, *self.readers):
            if outlet is not None:
                outlet.tell(news)

    def attach(self, outlet: Outlet) -> None:
        """Begin with a connection."""
        self.outlet = outlet
        outlet.tell(self.opened())

    def resume(self, outlet: Outlet, after: int) -> None:
        """Go on with another connection; the one before is closed.

        Raises:
            ProtocolError: news that the client has not seen are not kept any more.
        """
        missed = self.history.after(after)
        before, self.outlet, self.cut_s = self.outlet, outlet, None
        if before is not None:
            before.leave(1008, "the session went on with another connection")
        outlet.tell(self.opened(resumed=True))
        for given in missed:
            outlet.tell(given)
        if self.last is not None:
            outlet.tell(self.last)
            outlet.leave(1000, "")

    def read_along(self, outlet: Outlet, after: int | None) -> None:
        """Tell somebody else, too.

        Raises:
            ProtocolError: what came after a number is not kept any more.
        """
        missed = [] if after is None else self.history.after(after)
        outlet.tell(replace(self.opened(), session="", memo=None))
        for given in missed:
            outlet.tell(given)
        self.readers.add(outlet)

    def cut(self) -> None:
        """The connection is lost; the session waits."""
        self.outlet, self.cut_s = None, self.now()

    def close(self, last: Ended | Failed | None) -> None:
        """It is over: tell so, and close all connections to it."""
        if self.over:
            return
        self.over, self.last, self.over_s = True, last, self.now()
        self._record()
        if last is not None:
            self.tell(last)
        code = 1000 if isinstance(last, Ended) else 1011 if last else 1001
        for outlet in (self.outlet, *self.readers):
            if outlet is not None:
                outlet.leave(code, last.message[:100] if isinstance(last, Failed) else "")
        self.outlet = None
        self.readers.clear()
        self._changed()

    # -- for the conductor ---------------------------------------------------------------------

    @property
    def due_s(self) -> float | None:
        """When its next sound was spoken; None if there is nothing to do or it is being done."""
        if self.over or self._task is not None or not len(self._backlog):
            return None
        return self._backlog.next_due_s()

    def task(self) -> Task:
        """The next portion of work: a step of the engine, or several if it is late."""
        rate = self._backlog.rate or SAMPLE_RATE
        if self._stream is None:
            self._stream = batcher.open_stream(self.engine, rate)
        stride = self.lag.stride
        portion = self._backlog.take(-(-stride * self.engine.step_samples * rate // SAMPLE_RATE))
        feed = batcher.Feed(self._stream, portion.samples, portion.end, stride)
        self._task = Task(self, feed, portion, self.recording)
        self._changed()
        return self._task

    def settle(self, task: Task) -> list[Update]:
        """Take a task back that is done, and tell what came of it.

        Returns:
            The updates that it gave; none if nobody waits for them any more.
        """
        if task is not self._task or self.over:
            return []
        self._task = None
        if isinstance(task.result, Exception):
            self.close(Failed("internal", "the engine failed on this session; begin another"))
            return []
        assert task.result is not None, "the task is done"
        self._stream = task.result.stream
        for update in task.result.updates:
            tentative = update.tentative_source, update.tentative_target
            lasting = update.committed or update.emissions or update.verdicts
            if lasting or tentative != self._tentative:
                self._tentative = tentative
                self.tell(self.history.add(update))
        for answer in task.portion.answers:
            self.tell(answer)
        if len(task.portion.samples) and (
            lagging := self.lag.measure(task.portion.due_s, self.now())
        ):
            self.tell(lagging)
        if task.portion.end:
            self.close(Ended(self._why or ""))
        self._changed()
        return list(task.result.updates)
