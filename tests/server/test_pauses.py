"""Clients that stop sending while nobody speaks, against the whole server."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from simulst.server.backlog import SILENCE_S
from simulst.types import SAMPLE_RATE, Samples
from tests.server.client import PATIENCE_S, Client, Echo, Running, alone, pcm, server, sound, texts
from tests.server.wire.whisperlive_client import Stock, options

SAID = sound(1.05)  # half a step is held back
PAUSED_S = 0.3


def with_silence(*pieces: Samples) -> Samples:
    """What a session hears whose client pauses after each piece."""
    silence = np.zeros(round(SILENCE_S * SAMPLE_RATE), np.float32)
    return np.concatenate([part for piece in pieces for part in (piece, silence)])


def whole_steps(samples: Samples) -> list[str]:
    """What the engine has written before the end."""
    return texts(alone(Echo(), samples))[: len(samples) // Echo.step_samples]


async def until(client: Client, count: int) -> None:
    """Read until so much was written."""
    while len(client.texts()) < count:
        await client.until("update")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a whole second."""
    for wire in ("own_messages", "whisperlive"):
        monkeypatch.setattr(f"simulst.server.wire.{wire}.PAUSE_S", PAUSED_S)


def test_a_file_that_ends_without_a_word() -> None:
    """WhisperLive's client plays a file and falls silent: all of it is shown before it says so."""
    floats = SAID.astype("<f4")
    expected = whole_steps(with_silence(SAID))

    async def run() -> None:
        async with server() as running, running.client("/whisperlive") as client:
            stock = Stock()
            await client.socket.send(options(task="translate"))
            for start in range(0, len(floats), 4_096):
                await client.socket.send(floats[start : start + 4_096].tobytes())
            shown: list[str] = []
            async with asyncio.timeout(PATIENCE_S):
                while len(shown) < len(expected):
                    stock.read([await client.socket.recv()])
                    shown = " ".join(stock.srt()).split()
            assert shown == expected
            await client.socket.send(b"END_OF_AUDIO")
            async with asyncio.timeout(PATIENCE_S):
                async for message in client.socket:
                    stock.read([message])
            assert " ".join(stock.srt()).split() == texts(alone(Echo(), with_silence(SAID)))

    asyncio.run(run())


def test_each_pause_is_heard_once() -> None:
    """Who holds a key to talk gets the last words each time, and goes on behind the silence."""
    first, second = SAID, sound(0.55, 1)

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=SAMPLE_RATE, pauses=True)
            await client.hear(first)
            await until(client, len(whole_steps(with_silence(first))))
            await asyncio.sleep(4 * PAUSED_S)  # it is not heard again and again
            await client.hear(second)
            await until(client, len(whole_steps(with_silence(first, second))))
            await client.tell("finish")
            await client.until("done")
            assert client.texts() == texts(alone(Echo(), with_silence(first, second)))
            assert client.of("lag") == []
            acks = [event["samples"] for event in client.of("ack")]
            assert acks[-1] == len(first) + len(second)

    asyncio.run(run())


def test_a_cut_in_a_pause_loses_and_doubles_nothing() -> None:
    """Silence counts as none of the client's sound, and is not heard again after a resume."""

    async def run() -> None:
        async with server() as running:
            async with running.client() as client:
                start = {"rate": SAMPLE_RATE, "pauses": True, "resumable": True}
                await client.tell("start", **start)
                session = (await client.until("opened"))["session"]
                await client.hear(SAID)
                await until(client, len(whole_steps(with_silence(SAID))))
                client.socket.transport.abort()
            async with running.client() as client:
                await client.tell("resume", session=session, after=0)
                assert (await client.until("opened"))["taken"] == len(SAID)
                await asyncio.sleep(3 * PAUSED_S)
                await client.tell("finish")
                await client.until("done")
                assert client.texts() == texts(alone(Echo(), with_silence(SAID)))

    asyncio.run(run())


def test_who_does_not_say_so_is_waited_for() -> None:
    """Without `pauses` a client that stalls is not taken for one that has paused."""
    assert _stalled({}) == texts(alone(Echo(), np.concatenate([SAID, SAID])))


def _stalled(fields: dict[str, Any]) -> list[str]:
    async def run() -> Client:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=SAMPLE_RATE, **fields)
            await client.hear(SAID)
            await asyncio.sleep(3 * PAUSED_S)
            await client.hear(SAID)
            await client.tell("finish")
            await client.until("done")
            return client

    return asyncio.run(run()).texts()


def test_who_is_not_read_has_not_paused() -> None:
    """While sound waits because the engine is slow, nobody knows that none is coming."""

    async def interpret(running: Running) -> Client:
        async with running.client() as client:
            await client.tell("start", rate=SAMPLE_RATE, pauses=True)
            await client.hear(sound(2), 1_600)
            await client.tell("finish")
            await client.until("done")
            return client

    async def run() -> None:
        async with server({"de": Echo(slow_s=0.1)}, queue_s=0.1) as running:
            client = await interpret(running)
            assert client.texts() == texts(alone(Echo(), sound(2)))

    asyncio.run(run())


def test_pcm_of_silence_is_sound() -> None:
    """A client that sends silence does not pause, however long."""

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=SAMPLE_RATE, pauses=True)
            zeros = np.zeros(1_600, np.float32)
            for _ in range(10):
                await client.socket.send(pcm(zeros))
                await asyncio.sleep(0.1)
            await client.tell("finish")
            await client.until("done")
            assert len(client.texts()) == 10

    asyncio.run(run())
