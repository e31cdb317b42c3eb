"""A server whose words follow from the amount of sound, behind a cable that can be cut.

A test then knows what must be on the screen, and a word that is lost or doubled shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulst.server.app import App
from simulst.server.gate import Door
from simulst.server.limits import Limits
from simulst.server.session import Session
from simulst.server.tokens import Tokens
from simulst.server.wire.base import News
from simulst.types import SAMPLE_RATE, Emission, Reason, Samples, SentenceEnd, Update, Word
from tests.server.client import Together

__all__ = ["SENTENCE", "Metronome", "Server", "running", "written"]

BEAT = SAMPLE_RATE // 10
"""Samples of a word, and of a step."""
SENTENCE = 7  # words
BEHIND = 4  # words that are heard before the first one is written
PATIENCE_S = 20


def written(count: int) -> list[str]:
    """The first words of every translation."""
    return [f"Wort{i}" + ("." if i % SENTENCE == SENTENCE - 1 else "") for i in range(count)]


@dataclass(frozen=True, slots=True)
class Beat:
    """A session: samples heard, source words committed, words written."""

    heard: int = 0
    words: int = 0
    units: int = 0


class Metronome:
    """An engine that hears a word at each beat, and writes it some beats later.

    Attributes:
        sound: what the one session heard, at 16 kHz.
        updates: what it gave.
    """

    source_language = "en"
    target_language = "de"
    step_samples = BEAT

    def __init__(self) -> None:
        self.sound: list[Samples] = []
        self.updates: list[Update] = []

    def open(self) -> Beat:
        """Nothing heard."""
        return Beat()

    def step(
        self,
        states: Sequence[Beat],
        inputs: Sequence[Samples | None],
        strides: Sequence[int] | None = None,
    ) -> list[tuple[Beat, Update]]:
        """Count."""
        return [self._one(*row) for row in zip(states, inputs, strict=True)]

    def _one(self, beat: Beat, samples: Samples | None) -> tuple[Beat, Update]:
        if samples is not None:
            self.sound.append(samples)
            beat = replace(beat, heard=beat.heard + len(samples))
        words, last = beat.heard // BEAT, samples is None
        committed: list[Word | SentenceEnd] = []
        for i in range(beat.words, words):
            committed.append(Word(f"word{i}", i * BEAT, (i + 1) * BEAT))
            if i % SENTENCE == SENTENCE - 1:
                committed.append(SentenceEnd((i + 1) * BEAT))
        until = words if last else max(words // SENTENCE * SENTENCE, words - BEHIND)
        units = tuple(
            Emission(
                index=i,
                sentence=i // SENTENCE,
                text=written(i + 1)[-1],
                space=" " if i else "",
                read=i % SENTENCE + 1,
                delay=beat.heard // 16 * 16,
                spoken=(i + 1) * BEAT,
                reason=Reason.RATIO,
            )
            for i in range(beat.units, until)
        )
        tentative = ("", "") if last else (f"perhaps{words}", f"vielleicht{until}")
        update = Update(beat.heard, tuple(committed), units, (), *tentative, ended=last)
        self.updates.append(update)
        return Beat(beat.heard, words, max(until, beat.units)), update

    @property
    def words(self) -> int:
        """Source words in the sound that came."""
        return sum(map(len, self.sound)) // BEAT

    def tone_s(self) -> float:
        """From the first loud sample to the last."""
        loud = np.flatnonzero(np.abs(np.concatenate(self.sound)) > 0.02)
        return float(loud[-1] - loud[0]) / SAMPLE_RATE if len(loud) else 0.0


class Server:
    """The real server, and a cable to it.

    Args:
        tokens: that are good; without any, everybody is let in.
        further: languages beside German.
        limits: of `Limits`.

    Attributes:
        engine: of the server that runs now, for German.
    """

    def __init__(self, tokens: Tokens, further: Sequence[str] = (), **limits: Any) -> None:
        self._tokens = tokens
        self._further = further
        self._limits = {"sessions": 8, "drain_s": 0.1, **limits}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._block = contextlib.AsyncExitStack()
        self._cable: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._port = 0
        self._thread.start()
        self.restart()

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def session(self) -> Session:
        """The one that runs."""
        (session,) = self._app.sessions.running()
        return session

    def restart(self) -> None:
        """Begin again at the same address, knowing nothing of before."""
        self._do(self._restart())

    def cut(self) -> None:
        """Break every connection and take no other."""
        self._do(self._cut())

    def mend(self) -> None:
        """Take connections again."""
        self._do(self._mend())

    def drain(self) -> None:
        """As SIGTERM does: sessions are ended with their last words."""
        self._do(self._app.sessions.drain())

    def tell(self, news: News) -> None:
        """Tell the one session's client."""
        self._loop.call_soon_threadsafe(self.session.tell, news)

    def enter(self) -> None:
        """Take the place of a session."""
        self._app.sessions.enter("somebody")

    def leave(self) -> None:
        """Give it back."""
        self._app.sessions.leave("somebody")

    def end(self) -> None:
        """Stop for good."""
        self._do(self._cut())
        self._do(self._block.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE_S)

    async def _restart(self) -> None:
        await self._cut()
        await self._block.aclose()
        self.engine = Metronome()
        door = Door(port=0, tokens=self._tokens)
        engines = {"de": self.engine, **{target: Metronome() for target in self._further}}
        self._app = App(Together(engines), 0.01, door, Limits(**self._limits))
        listening = await self._block.enter_async_context(self._app.listening())
        self._behind = next(iter(listening.sockets)).getsockname()[1]
        await self._mend()

    async def _mend(self) -> None:
        self._cable = await asyncio.start_server(self._plugged, "127.0.0.1", self._port)
        self._port = self._cable.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._cable is not None:
            self._cable.close()
        for end in list(self._ends):
            end.transport.abort()

    async def _plugged(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", self._behind)
        self._ends |= {back, forth}
        await asyncio.gather(self._carry(near, forth), self._carry(far, back))
        self._ends -= {back, forth}

    @staticmethod
    async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        target.close()


@contextlib.contextmanager
def running(
    tokens: Tokens | None = None, further: Sequence[str] = (), **limits: Any
) -> Iterator[Server]:
    """A server for a test."""
    server = Server(tokens or Tokens(), further, **limits)
    try:
        yield server
    finally:
        server.end()
