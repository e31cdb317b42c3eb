"""A server in the test's own loop, and a client of our own wire."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from simulst import batcher
from simulst.server.app import App
from simulst.server.gate import Door
from simulst.server.limits import Limits
from simulst.server.protocols import Engine, Recorder
from simulst.types import SAMPLE_RATE, Emission, Reason, Samples, SentenceEnd, Update, Word

PATIENCE_S = 20  # for anything; nothing here takes a tenth of it
COST = 0.01


class Echo:
    """An engine whose words are the checksums of the sound, one for each 0.1 s.

    A session's state is a value, as the real one's. So every sample that is lost, doubled or out
    of order shows in what is written.

    Args:
        target: language.
        slow_s: that each call takes.
    """

    source_language = "en"
    step_samples = 1_600
    TROUBLE = 0.75  # a sample of this size makes it fail

    def __init__(self, target: str = "de", slow_s: float = 0.0) -> None:
        self.target_language = target
        self.slow_s = slow_s
        self.calls: list[int] = []  # sessions in each
        self.strides: list[int] = []

    def signature(self) -> dict[str, object]:
        return {"target": self.target_language}

    def open(self) -> tuple[int, Samples]:
        return 0, np.zeros(0, np.float32)

    def step(
        self,
        states: Sequence[tuple[int, Samples]],
        inputs: Sequence[Samples | None],
        strides: Sequence[int] | None = None,
    ) -> list[tuple[tuple[int, Samples], Update]]:
        self.calls.append(len(states))
        self.strides += strides or []
        time.sleep(self.slow_s)
        return [self._one(*state, given) for state, given in zip(states, inputs, strict=True)]

    def _one(
        self, heard: int, held: Samples, given: Samples | None
    ) -> tuple[tuple[int, Samples], Update]:
        if given is not None:
            if len(given) and given.max() > self.TROUBLE:
                raise ValueError("trouble")
            held = np.concatenate([held, given])
        size = self.step_samples
        pieces = [held[at : at + size] for at in range(0, len(held), size)]
        held = pieces.pop() if pieces and given is not None and len(pieces[-1]) < size else held[:0]
        committed: list[Word | SentenceEnd] = []
        emissions = []
        for piece in pieces:
            number, start = heard // size, heard
            heard += len(piece)
            text = f"{zlib.crc32(np.rint(piece * 32_768).astype('<i2').tobytes()):08x}"
            committed.append(Word(text, start, heard))
            emissions.append(
                Emission(number, number // 5, text, " ", 1, heard, heard, Reason.RATIO)
            )
            if number % 5 == 4:
                committed.append(SentenceEnd(heard))
        update = Update(
            heard,
            tuple(committed),
            tuple(emissions),
            tentative_source=f"... {len(held)}" if len(held) else "",
            ended=given is None,
        )
        return (heard, held), update


@dataclass(frozen=True)
class Hall:
    """A session of `Together`: the states of its engines, by language."""

    booths: Mapping[str, Any]


class Together:
    """Engines of one language each as the engine that a server asks for.

    They share no recognition; the real one does. A language that joins begins with what its
    engine makes of the sound to come.
    """

    source_language = "en"

    def __init__(self, engines: Mapping[str, Any]) -> None:
        self.booths = dict(engines)
        self.step_samples: int = next(iter(engines.values())).step_samples

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.booths)

    def open(self, targets: Iterable[str] | None = None) -> Hall:
        wanted = self.targets if targets is None else targets
        return Hall({target: self.booths[target].open() for target in wanted})

    def step(
        self,
        states: Sequence[Hall],
        inputs: Sequence[Samples | None],
        strides: Sequence[int] | None = None,
    ) -> list[tuple[Hall, dict[str, Update]]]:
        booths = [dict(state.booths) for state in states]
        updates: list[dict[str, Update]] = [{} for _ in states]
        for target, engine in self.booths.items():
            rows = [row for row, state in enumerate(states) if target in state.booths]
            if not rows:
                continue
            given = engine.step(
                [booths[row][target] for row in rows],
                [inputs[row] for row in rows],
                [(strides or [1] * len(states))[row] for row in rows],
            )
            for row, (state, update) in zip(rows, given, strict=True):
                booths[row][target], updates[row][target] = state, update
        return list(zip(map(Hall, booths), updates, strict=True))

    def join(self, state: Hall, target: str) -> tuple[Hall, Update]:
        return Hall({**state.booths, target: self.booths[target].open()}), Update(0)

    def leave(self, state: Hall, target: str) -> Hall:
        return Hall({name: each for name, each in state.booths.items() if name != target})


def sound(seconds: float = 4.05, seed: int = 0, rate: int = SAMPLE_RATE) -> Samples:
    """Something that is not silent, as 16-bit samples hold it."""
    dice = np.random.default_rng(seed)
    levels = np.rint(dice.normal(0, 3_000, round(seconds * rate))).clip(-20_000, 20_000)
    samples: Samples = (levels / 32_768).astype(np.float32)
    return samples


def pcm(samples: Samples) -> bytes:
    """16-bit samples, little-endian."""
    return np.rint(samples * 32_768).astype("<i2").tobytes()


def alone(using: batcher.Engine, samples: Samples) -> list[Update]:
    """What the engine gives without a server."""
    state, updates = using.open(), []
    for piece in (samples, None):
        ((state, update),) = using.step([state], [piece])
        updates.append(update)
    return updates


def texts(updates: Sequence[Update]) -> list[str]:
    """Their emissions."""
    return [unit.text for update in updates for unit in update.emissions]


class Client:
    """A client of our own wire."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def tell(self, kind: str, **fields: object) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def hear(self, samples: Samples, size: int = 3_200) -> None:
        """Send sound in packets."""
        for start in range(0, len(samples), size):
            await self.socket.send(pcm(samples[start : start + size]))

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of a kind; those before it are kept."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = json.loads(await self.socket.recv())
                self.events.append(event)
                if event["type"] == kind:
                    return dict(event)

    async def closed(self) -> tuple[int, str]:
        """How the server ends the connection; events until then are kept."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while True:
                    self.events.append(json.loads(await self.socket.recv()))
            except ConnectionClosed as end:
                assert end.rcvd is not None, "the server said why"
                return end.rcvd.code, end.rcvd.reason

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of a kind so far."""
        return [event for event in self.events if event["type"] == kind]

    def emissions(self) -> list[dict[str, Any]]:
        """All that was written so far."""
        return [unit for update in self.of("update") for unit in update.get("emissions", ())]

    def texts(self) -> list[str]:
        """... as texts."""
        return [unit["text"] for unit in self.emissions()]


class Running:
    """A server that listens."""

    def __init__(self, app: App, port: int) -> None:
        self.app = app
        self.port = port

    @contextlib.asynccontextmanager
    async def client(self, path: str = "/v1/interpret", **options: Any) -> AsyncIterator[Client]:
        """Connect."""
        url = f"ws://127.0.0.1:{self.port}{path}"
        async with asyncio.timeout(PATIENCE_S), connect(url, proxy=None, **options) as socket:
            yield Client(socket)

    async def interpret(self, samples: Samples, rate: int = SAMPLE_RATE, **start: Any) -> Client:
        """A whole session."""
        async with self.client() as client:
            await client.tell("start", rate=rate, **start)
            await client.hear(samples)
            await client.tell("finish")
            await client.until("done")
            return client

    async def get(self, path: str, *headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of a plain request."""
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            lines = (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", "")
            writer.write("\r\n".join(lines).encode())
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            writer.close()
            first, *rest = head.split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in rest)
            return int(first.split()[1]), fields, body


@contextlib.asynccontextmanager
async def server(
    engines: Mapping[str, batcher.Engine] | Engine | None = None,
    door: Door | None = None,
    record: Callable[[Sequence[str]], Recorder | None] = lambda targets: None,
    **limits: Any,
) -> AsyncIterator[Running]:
    """A server on a free port of this machine."""
    options = {"sessions": 8, **limits}
    given = {"de": Echo()} if engines is None else engines
    engine = Together(given) if isinstance(given, Mapping) else given
    app = App(engine, COST, door or Door(port=0), Limits(**options), record)
    async with app.listening() as listening:
        yield Running(app, next(iter(listening.sockets)).getsockname()[1])
