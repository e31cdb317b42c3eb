"""The sink that reads the translation aloud, a word group at a time, in one thread of its own.

Groups are spoken in order and never over each other. Nothing is skipped: speech that is behind
becomes faster. Where the synthesiser is missing or dies, a line says so and the session goes on
without speech.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol

from simulst.config import Speak
from simulst.errors import SpeechError
from simulst.speak.grouping import Group, Grouping
from simulst.speak.rates import words_a_minute
from simulst.speak.sound import RATE, prepare
from simulst.speak.spoken import MOST_WAITING, Failures, Spoken
from simulst.types import SAMPLE_RATE, Samples, Update

__all__ = ["Speaking", "Stage", "Voice"]

log = logging.getLogger(__name__)


class Voice(Protocol):
    """What is asked of `Synthesiser`."""

    def speak(self, text: str, rate: int) -> Samples:
        """The sound of a text, at `RATE`.

        Raises:
            SpeechError: there is none.
        """
        ...


class Stage(Protocol):
    """Where speech is heard, with a clock of its own in seconds."""

    @property
    def free_s(self) -> float:
        """When all that was placed will have been heard."""
        ...

    def clock(self, ready: int) -> float:
        """The time of a sample of the stream; asked when it has come."""
        ...

    def place(self, samples: Samples, earliest_s: float) -> float:
        """Put a sound behind the others, not before a time; return when it begins.

        Raises:
            SpeechError: nothing can be heard any more.
            OutputError: nothing can be stored any more.
        """
        ...

    def close(self) -> None:
        """Let all be heard, and close."""
        ...


class Speaking:
    """Implements `Sink`.

    Args:
        settings: of grouping and rate.
        voice: speaks a group.
        stage: where it is heard; closed with the sink.
        patient: where speech is too far behind, the session waits for it, as nobody waits for the
            session; else speech is given up.
        now: in seconds; measures the synthesiser.
    """

    def __init__(
        self,
        settings: Speak,
        voice: Voice,
        stage: Stage,
        patient: bool,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.spoken = Spoken()
        self._settings = settings
        self._voice = voice
        self._stage = stage
        self._patient = patient
        self._now = now
        self._grouping = Grouping(settings)
        self._state = self._grouping.open()
        self._heard = 0
        self._silent = False
        self._dropped = 0  # groups that the thread does not know of
        self._failures = Failures()
        self._error: Exception | None = None
        self._done_s = 0.0  # the synthesiser has nothing to do since then
        self._waiting: queue.Queue[tuple[Group, float] | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="speech", daemon=True)
        self._thread.start()

    def write(self, update: Update) -> None:
        """Have the groups spoken that are complete.

        Raises:
            OutputError: the file is full or gone; what was written before is kept.
        """
        self._heard = update.heard
        self._state, groups = self._grouping.step(self._state, update)
        for group in groups:
            self._bring(group)
        self._raise()

    def _bring(self, group: Group) -> None:
        item = group, self._stage.clock(group.ready)
        if self._silent or not group.speakable:
            self._dropped += group.speakable
        elif self._patient:
            self._waiting.put(item)
        else:
            try:
                self._waiting.put_nowait(item)
            except queue.Full:
                self._dropped += 1
                self.give_up(f"speech is {MOST_WAITING} word groups behind the text")

    def give_up(self, why: str) -> None:
        """Say so, once, and go on without speech."""
        if not self._silent:
            self._silent = True
            log.warning("%s; speech ends, the text goes on", why)

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def close(self) -> None:
        """Speak what is left, and close the stage.

        Raises:
            OutputError: the file cannot be written.
        """
        if self._state.units:  # the session broke off
            self._state, groups = self._grouping.step(self._state, Update(self._heard, ended=True))
            for group in groups:
                self._bring(group)
        self._waiting.put(None)
        self._thread.join()
        self.spoken.lost, self._dropped = self.spoken.lost + self._dropped, 0
        self._stage.close()
        self._raise()

    # -- in the thread -------------------------------------------------------------------------

    def _work(self) -> None:
        prepare()
        while (item := self._waiting.get()) is not None:
            if self._silent:
                self.spoken.lost += 1
                continue
            try:
                self._speak(*item)
                self._failures.none()
            except SpeechError as error:
                self.spoken.lost += 1
                if why := self._failures.add(error):
                    self.give_up(why)
            except Exception as error:  # raised where the sink is used; here it would be lost
                self._silent = True
                self._error = error

    def _speak(self, group: Group, ready_s: float) -> None:
        begin_s = max(ready_s, self._done_s)
        behind_s = max(begin_s, self._stage.free_s) - ready_s
        rate = words_a_minute(self._settings, behind_s)
        begun_s = self._now()
        samples = self._voice.speak(group.text, rate)
        self._done_s = begin_s + self._now() - begun_s
        start_s = self._stage.place(samples, self._done_s)
        lag_s = start_s - ready_s + (group.ready - group.written) / SAMPLE_RATE
        self.spoken.add(len(samples) / RATE, lag_s, rate)
