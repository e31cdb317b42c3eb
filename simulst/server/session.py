"""One session of the server: its sound and the steps that are made of it.

It outlives its connection if it is resumable. All of it happens on the event loop; what computes
is a `Task`, which the conductor takes from here and brings back done.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from simulst.server.audience import Audience
from simulst.server.backlog import Backlog
from simulst.server.history import KEPT, History
from simulst.server.interpretation import Interpretation
from simulst.server.lag import Lag
from simulst.server.languages import Languages
from simulst.server.protocols import Engine, Outlet, Recorder
from simulst.server.speech import Speech
from simulst.server.task import Task
from simulst.server.wire.base import Audio, Begin, Ended, Failed, Mark, News, Opened
from simulst.types import Update

__all__ = ["Session"]

MOST_ITEMS = 1_000  # packets and marks that may wait, however short


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
        record: begins a recording in the client's languages, or gives None; asked again after a
            restart.
        retire: takes a recording that is done.
        wall: in seconds, Unix time.
        id, follow: its name, and the key for those who read along; neither can be guessed.
        speech: of the translation, for a client who asked for it.
        last: Ended or Failed, once it is over.
        over, over_s: nothing happens in it any more, since then.
        ended: set when it is over.
        languages: that it is interpreted into.
        audience: its client, and who reads along.
    """

    engine: Engine
    begin: Begin
    owner: str
    queue_s: float
    wake: Callable[[], None]
    now: Callable[[], float] = time.monotonic
    record: Callable[[], Recorder | None] = lambda: None
    retire: Callable[[Recorder], None] = lambda recording: None
    wall: Callable[[], float] = time.time
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    follow: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    speech: Speech | None = None
    last: Ended | Failed | None = None
    over: bool = False
    over_s: float = 0.0

    def __post_init__(self) -> None:
        self.begun_s = self.now()
        self.ended = asyncio.Event()
        self.lag = Lag()
        asked = (self.begin.target or self.engine.targets[0], *self.begin.more)
        self.languages = Languages(asked)
        self.audience = Audience(History(KEPT if self.begin.resumable else 0), asked)
        self._wall_s = self.wall() - self.begun_s
        self._backlog = Backlog(self.begun_s)
        self._at_ms = self._unix_ms(self.begun_s)
        self._interpretation = Interpretation(self.engine, self.languages)
        self._task: Task | None = None
        self._why: Ended | None = None  # the server ends it
        self._room = asyncio.Event()
        self._room.set()
        self.recording: Recorder | None = None
        self._record()

    # -- from the client -----------------------------------------------------------------------

    def hear(self, audio: Audio) -> None:
        """Take in sound; whoever brings it waits for `room` before the next.

        Raises:
            ProtocolError: its rate is none of speech or has changed, or nothing was to follow.
        """
        if self.over or self._why is not None:
            return  # the client will read that it is over
        self._backlog.hear(audio, self.now())
        self._changed()

    @property
    def ahead_s(self) -> float:
        """How much sooner the last sound came than it would have been spoken live."""
        return self._backlog.ahead_s(self.now())

    def pause(self) -> None:
        """The client has stopped sending for now: hear some silence, once, after what it sent."""
        if not self.over and self._backlog.pause():
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

    @property
    def ending(self) -> bool:
        """Nothing more is taken in."""
        return self.over or self._backlog.ended

    def finish(self, why: Ended | None = None) -> None:
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
        self._backlog = Backlog(self.now())
        self._interpretation.restart()
        self._at_ms = self._unix_ms(self.now())
        self._task = None  # what is being computed will not be taken back
        if self.speech is not None:
            self.speech.restart()
        self._record()
        self._changed()
        self.audience.restart(self.opened())

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
        first, *more = self.languages.client or self.languages.asked
        return Opened(
            self.id,
            self.engine.source_language,
            first,
            self._backlog.received,
            resumed,
            self.follow,
            self.begin.memo,
            self._at_ms,
            self.speech is not None,
            tuple(more),
            self.engine.targets,
        )

    def _unix_ms(self, at_s: float) -> int:
        return round((self._wall_s + at_s) * 1000)

    @property
    def cut_s(self) -> float | None:
        """When the client's connection was lost; None while there is one."""
        return self.audience.cut_s

    def tell(self, news: News) -> None:
        """Tell the client and those who read along."""
        self.audience.tell(news)

    def attach(self, outlet: Outlet) -> None:
        """Begin with a connection."""
        self.audience.attach(outlet, self.opened())

    def resume(self, outlet: Outlet, after: int) -> None:
        """Go on with another connection; the one before is closed.

        Raises:
            ProtocolError: news that the client has not seen are not kept any more.
        """
        self.audience.resume(outlet, self.opened(resumed=True), after)
        if self.last is not None:
            outlet.tell(self.last)
            outlet.leave(1000, "")

    def read_along(self, outlet: Outlet, after: int | None, target: str = "") -> None:
        """Tell somebody else, too, in the client's first language or another, which then joins.

        Raises:
            ProtocolError: what came after a number is not kept any more.
        """
        target = target or self.languages.asked[0]
        self.audience.read_along(outlet, self.opened(), after, target)
        self.languages.want(target)
        self.wake()

    def part(self, outlet: Outlet) -> None:
        """Somebody reads along no more."""
        if (target := self.audience.part(outlet)) is not None:
            self.languages.unread(target, self.now())

    def cut(self) -> None:
        """The connection is lost; the session waits."""
        self.audience.outlet, self.audience.cut_s = None, self.now()

    def close(self, last: Ended | Failed | None) -> None:
        """It is over: tell so, and close all connections to it."""
        if self.over:
            return
        self.over, self.last, self.over_s = True, last, self.now()
        self.ended.set()
        if self.speech is not None:
            self.speech.cancel()
        self._record()
        if last is not None:
            self.tell(last)
        code = 1000 if isinstance(last, Ended) else 1011 if last else 1001
        self.audience.dismiss(code, last.message[:100] if isinstance(last, Failed) else "")
        self._changed()

    # -- for the conductor ---------------------------------------------------------------------

    @property
    def due_s(self) -> float | None:
        """When its next sound was spoken; None if there is nothing to do or it is being done."""
        if self.over or self._task is not None:
            return None
        if len(self._backlog):
            return self._backlog.next_due_s()
        return -math.inf if self._interpretation.waits else None

    def task(self) -> Task:
        """The next portion of work: a step of the engine, or several if it is late."""
        feed, portion, there, joins = self._interpretation.next(self._backlog, self.lag.stride)
        self._task = Task(self, feed, portion, self.recording, there, joins)
        self._changed()
        return self._task

    def settle(self, task: Task) -> dict[str, list[Update]]:
        """Take a task back that is done, and tell what came of it.

        Returns:
            The updates that it gave, by language; none if nobody waits for them any more.
        """
        if task is not self._task or self.over:
            return {}
        self._task = None
        assert task.result is not None, "the task is done"
        now_ms = self._unix_ms(self.now())
        self.languages.lose(task.lost)
        if isinstance(task.result, Exception) or not self.languages.client:
            message = "the engine failed on this session; begin another"
            self.close(Failed("internal", message, now_ms))
            return {}
        for target in task.lost:
            message = f"the engine failed on the translation into {target}"
            self.audience.lose(target, Failed("internal", message, now_ms))
        at_ms = self._unix_ms(task.portion.origin_s)
        given: dict[str, list[Update]] = {}
        for step in self._interpretation.took(task.result, task.joined):
            for target, update in step.items():
                self.audience.give(target, update, at_ms)
                given.setdefault(target, []).append(update)
                if self.speech is not None and target == self.languages.asked[0]:
                    self.speech.take(update, heard=self.audience.outlet is not None)
        for answer in task.portion.answers:
            self.tell(answer)
        if math.isfinite(task.portion.due_s) and (
            lagging := self.lag.measure(task.portion.due_s, self.now())
        ):
            self.tell(lagging)
        if task.portion.end:
            self._interpretation.restart()  # nobody joins any more
            if self.speech is not None:
                self.speech.finish(lambda: self.close(self._why or Ended()))
            else:
                self.close(self._why or Ended())
        self._changed()
        return given
