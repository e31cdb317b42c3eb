"""A session on a clock: source, engine and sinks, and the signals that end it early.

The engine has no clock, no files and no signals. Here each emission is stamped with the time
when it could be read, and whatever ends a session, what was emitted is stored.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from simulst.emit.jsonl import Journal
from simulst.emit.recording import Recording, Sound
from simulst.errors import AudioError, OutputError
from simulst.protocols import Sink
from simulst.types import SAMPLE_RATE, AudioChunk, Samples, Update

if TYPE_CHECKING:
    from simulst.evaluate.session import SessionScores, Summary

__all__ = ["Clock", "Engine", "Session", "Stop", "VirtualClock", "WallClock", "stamped"]


class Engine(Protocol):
    """What is asked of `simulst.pipeline.Interpreter` and `simulst.conference.Conference`."""

    step_samples: int

    def open(self) -> Any:
        """The state of a session that has heard nothing."""
        ...

    def step(
        self, states: Sequence[Any], inputs: Sequence[Samples | None]
    ) -> Sequence[tuple[Any, Any]]:
        """Feed each session more audio, or None to end it."""
        ...


class Clock(Protocol):
    """Says when a step's result could be read, in samples since the stream began."""

    def wait(self, end: int) -> None:
        """Return when the audio up to sample `end` has been spoken."""
        ...

    def done(self, end: int, compute_s: float) -> int:
        """The time after a step over audio up to `end` that computed so long."""
        ...


class VirtualClock:
    """Time as it would be with a live speaker, for a source that is fed without waiting.

    A step begins when its audio is there and the step before is done; SimulEval's
    computation-aware delays count the same.
    """

    def __init__(self) -> None:
        self._at = 0

    def wait(self, end: int) -> None:
        """Return at once."""

    def done(self, end: int, compute_s: float) -> int:
        """Go on to the end of the step."""
        self._at = max(self._at, end) + round(compute_s * SAMPLE_RATE)
        return self._at


class WallClock:
    """Real time.

    Args:
        paced: hold a file's audio back until it would have been spoken; a microphone's comes
            by itself.
        now, sleep: in seconds.
    """

    def __init__(
        self,
        paced: bool,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._paced = paced
        self._now = now
        self._sleep = sleep
        self._begun_s: float | None = None

    def wait(self, end: int) -> None:
        """Sleep until then, if the source is paced."""
        if self._begun_s is None:
            self._begun_s = self._now() - (0 if self._paced else end / SAMPLE_RATE)
        if self._paced:
            self._sleep(max(0.0, self._begun_s + end / SAMPLE_RATE - self._now()))

    def done(self, end: int, compute_s: float) -> int:
        """Look at the clock."""
        assert self._begun_s is not None, "audio comes first"
        return round((self._now() - self._begun_s) * SAMPLE_RATE)


class _Stopped(BaseException):  # not an Exception: no library on the way may take it for its own
    """A signal came while the session waited for audio."""


class Stop:
    """Turns the first SIGINT or SIGTERM into an orderly end; the second one kills.

    Attributes:
        signal: number of the signal that came, or 0.
        before: called when one comes, while nothing can be killed yet.
    """

    def __init__(self) -> None:
        self.signal = 0
        self.before: list[Callable[[], None]] = []
        self._waiting = False
        self._before: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        for call in self.before:
            call()
        for each in self._before:
            signal.signal(each, signal.SIG_DFL)
        if self._waiting:
            raise _Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """A stretch that a signal breaks off at once; elsewhere it is only noted."""
        self._waiting = True
        try:
            if self.signal:
                raise _Stopped
            yield
        finally:
            self._waiting = False


@dataclass
class Session:
    """One session with its sinks.

    Attributes:
        sinks: each gets every update, whatever becomes of the others.
        fed: samples given to the engine.
        compute_s: time the engine took.
        recognised: any word was.
        failure: the first thing that went wrong outside the engine.
    """

    interpreter: Engine
    clock: Clock
    scores: SessionScores
    sinks: list[Sink] = field(default_factory=list)
    fed: int = 0
    compute_s: float = 0.0
    recognised: bool = False
    failure: AudioError | OutputError | None = None

    def __post_init__(self) -> None:
        self._state = self.interpreter.open()

    def interpret(self, source: Iterable[AudioChunk], stop: Stop) -> None:
        """Feed the source until it ends, a sink or the source fails, or a signal comes."""
        pieces = self._pieces(source)
        try:
            while not isinstance(self.failure, OutputError):
                with stop.interruptible():
                    piece = next(pieces, None)
                    if piece is not None:
                        self.clock.wait(self.fed + len(piece))
                if piece is None:
                    break
                self._feed(piece)
        except _Stopped:
            pass
        except AudioError as error:  # what was heard before is still translated
            self.failure = error
        if self.fed and not isinstance(self.failure, OutputError):
            self._feed(None)

    def _pieces(self, chunks: Iterable[AudioChunk]) -> Iterator[Samples]:
        """Cut at the engine's steps, so that each one's computing time is its own."""
        step = self.interpreter.step_samples
        for chunk in chunks:
            samples = chunk.samples
            while len(samples):
                size = step - self.fed % step
                yield samples[:size]
                samples = samples[size:]

    def _feed(self, samples: Samples | None) -> None:
        if samples is not None:
            self.fed += len(samples)
            self._record(samples)
        begun_s = time.perf_counter()
        ((self._state, given),) = self.interpreter.step([self._state], [samples])
        compute_s = time.perf_counter() - begun_s
        self.compute_s += compute_s
        self._take(given, self.clock.done(self.fed, compute_s))

    def _take(self, given: Any, now: int) -> None:
        """Hand on what the engine gave; `now` is the time when it could be read."""
        update = stamped(given, now)
        self.recognised = self.recognised or bool(update.committed)
        self.scores.add(update)
        for sink in self.sinks:
            with self._noting():
                sink.write(update)

    def _record(self, samples: Samples) -> None:
        """Store the sound before the engine has it: it is there whatever becomes of the step."""
        for sink in self.sinks:
            if isinstance(sink, Recording | Sound):
                with self._noting():
                    sink.hear(samples)

    def summary(self) -> Summary:
        """The figures so far."""
        return self.scores.summary(self.fed, self.compute_s)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Close every sink in the end, also after an error."""
        try:
            yield
        finally:
            for sink in self.sinks:
                with self._noting():
                    if isinstance(sink, Journal | Recording):
                        sink.summarise(asdict(self.summary()))
                with self._noting():
                    sink.close()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OutputError as error:
            self.failure = self.failure or error


def stamped(update: Update, now: int) -> Update:
    """The update, with the time when its emissions could be read."""
    units = tuple(replace(unit, elapsed=max(now, unit.delay)) for unit in update.emissions)
    return replace(update, emissions=units)
