"""The translation as speech, for the sessions that asked for it.

Synthesisers run as programs of their own, and what waits for them are threads beside the event
loop and the engine's: a session has one at work at most, all together have a few. What they give
enters the session as news. Sound is sent as soon as there is any; the client plays one piece
behind the other, so the rate goes by when it will have played what it has.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from simulst.config import Speak
from simulst.errors import SpeechError
from simulst.server.wire.base import News, Silenced, Spoke
from simulst.speak.grouping import Group, Grouping
from simulst.speak.rates import words_a_minute
from simulst.speak.sound import RATE, prepare
from simulst.speak.spoken import MOST_WAITING, Failures, Spoken
from simulst.speak.synthesiser import Synthesiser
from simulst.types import SAMPLE_RATE, Samples, Update

__all__ = ["AT_ONCE", "Speech", "Voice", "Voices"]

AT_ONCE = 2  # synthesisers

log = logging.getLogger(__name__)


class Voice(Protocol):
    """What is asked of `Synthesiser`."""

    def speak(self, text: str, rate: int, unwanted: threading.Event) -> Samples:
        """The sound of a text.

        Raises:
            SpeechError: there is none, or it is not wanted any more.
        """
        ...


class Voices:
    """All speech of a server.

    Args:
        settings: of grouping, rate and synthesiser.
        voices: by target language.
        now: in seconds.
    """

    def __init__(
        self,
        settings: Speak,
        voices: dict[str, Voice],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._voices = voices
        self._now = now
        self._pool = ThreadPoolExecutor(AT_ONCE, "speech")

    @classmethod
    def open(cls, settings: Speak, languages: Iterable[str]) -> Voices:
        """Try the synthesiser in each language; one that it fails in is told of and left out."""
        prepare()
        found: dict[str, Voice] = {}
        for language in languages:
            voice = Synthesiser(settings, language)
            try:
                voice.speak("1", settings.rate)
            except SpeechError as error:
                log.warning("nothing is spoken in %s: %s", language, error)
            else:
                found[language] = voice
        return cls(settings, found)

    @property
    def languages(self) -> list[str]:
        """That can be spoken."""
        return list(self._voices)

    def speech(self, language: str, tell: Callable[[News], None]) -> Speech | None:
        """The speech of a session, or None if there is no voice; to be called on the event loop.

        Args:
            language: of the translation.
            tell: takes the news.
        """
        voice = self._voices.get(language)
        if voice is None:
            return None
        return Speech(self._settings, voice, self._pool, tell, self._now)

    def close(self) -> None:
        """Wait for what has been cancelled to end."""
        self._pool.shutdown(cancel_futures=True)


class Speech:
    """One session's. All of it happens on the event loop, but for the synthesiser.

    Args:
        settings: of grouping and rate.
        voice: that speaks.
        pool: where it works.
        tell: takes the news.
        now: in seconds.
    """

    def __init__(
        self,
        settings: Speak,
        voice: Voice,
        pool: ThreadPoolExecutor,
        tell: Callable[[News], None],
        now: Callable[[], float],
    ) -> None:
        self.spoken = Spoken()
        self._settings = settings
        self._voice = voice
        self._pool = pool
        self._tell = tell
        self._now = now
        self._grouping = Grouping(settings)
        self._failures = Failures()
        self._free_s = 0.0  # the client will have played all that it has been sent
        self._then: Callable[[], None] | None = None
        self._silent = False
        self._begin()

    def _begin(self) -> None:
        self._state = self._grouping.open()
        self._waiting: deque[tuple[Group, float]] = deque()
        self._unwanted: threading.Event | None = None  # of the one at work

    def take(self, update: Update, heard: bool = True) -> None:
        """Have the groups spoken that are complete.

        Args:
            update: the next of the session.
            heard: there is a client; what is complete while there is none is not spoken.
        """
        self._state, groups = self._grouping.step(self._state, update)
        for group in groups:
            if group.speakable and heard:
                self._waiting.append((group, self._now()))
        if len(self._waiting) > MOST_WAITING:
            self._give_up(f"speech is more than {MOST_WAITING} word groups behind the text")
        self._next()

    def restart(self) -> None:
        """Drop what has not been spoken, and begin again."""
        self.cancel()
        self._begin()

    def cancel(self) -> None:
        """Nobody wants it any more: what is at work is killed."""
        self._waiting.clear()
        if self._unwanted is not None:
            self._unwanted.set()
            self._unwanted = None

    def finish(self, then: Callable[[], None]) -> None:
        """Call back once all that was taken has been spoken, if it is not cancelled before."""
        self._then = then
        self._next()

    def _next(self) -> None:
        """Let the next group be spoken, if nobody is at work."""
        if self._unwanted is not None:
            return
        if self._silent:
            self.spoken.lost += len(self._waiting)
            self._waiting.clear()
        if not self._waiting:
            then, self._then = self._then, None
            if then is not None:
                log.info("a session's speech is over; %s", self.spoken.line())
                then()
            return
        group, ready_s = self._waiting.popleft()
        rate = words_a_minute(self._settings, max(self._free_s, self._now()) - ready_s)
        unwanted = self._unwanted = threading.Event()
        work = asyncio.get_running_loop().run_in_executor(
            self._pool, self._voice.speak, group.text, rate, unwanted
        )
        work.add_done_callback(partial(self._done, group, ready_s, rate, unwanted))

    def _done(
        self,
        group: Group,
        ready_s: float,
        rate: int,
        unwanted: threading.Event,
        work: asyncio.Future[Samples],
    ) -> None:
        """Back on the event loop."""
        if work.cancelled():
            return
        error = work.exception()
        if unwanted is not self._unwanted:  # it was cancelled
            return
        self._unwanted = None
        if error is None:
            self._failures.none()
            self._send(group, ready_s, rate, work.result())
        else:
            self.spoken.lost += 1
            if not isinstance(error, SpeechError):
                log.error("a session's speech failed", exc_info=error)
                error = SpeechError("the synthesiser failed", lasting=True)
            if why := self._failures.add(error):
                self._give_up(why)
        self._next()

    def _send(self, group: Group, ready_s: float, rate: int, samples: Samples) -> None:
        start_s = max(self._free_s, self._now())
        self._free_s = start_s + len(samples) / RATE
        formed_s = (group.ready - group.written) / SAMPLE_RATE
        self.spoken.add(len(samples) / RATE, start_s - ready_s + formed_s, rate)
        self._tell(Spoke(samples, group.heard))

    def _give_up(self, why: str) -> None:
        if not self._silent:
            self._silent = True
            log.warning("%s; a session goes on as text", why)
            self._tell(
                Silenced("speech has failed on this server; the translation goes on as text")
            )
