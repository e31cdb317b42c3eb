"""A server from end to end, with an engine whose words follow from the sound."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from simulst.audio.resampling import Resampler
from simulst.types import Word
from tests.server.client import Echo, alone, server, sound, texts


def test_a_session_gives_what_the_engine_gives() -> None:
    """Over the wire come the words and emissions of the engine alone, once and in order."""
    expected = alone(Echo(), sound())

    async def run() -> None:
        async with server() as running:
            client = await running.interpret(sound(), tentative=True)
            assert client.texts() == texts(expected)
            assert [unit["index"] for unit in client.emissions()] == list(
                range(len(client.texts()))
            )
            heard = [word for update in client.of("update") for word in update["words"]]
            assert [word["text"] for word in heard if "text" in word] == [
                word.text for u in expected for word in u.committed if isinstance(word, Word)
            ]
            assert client.of("partial")[0]["source"].startswith("...")
            acks = [event["samples"] for event in client.of("ack")]
            assert acks == [*range(3_200, len(sound()), 3_200), len(sound())]
            assert (await client.closed())[0] == 1000

    asyncio.run(run())


def test_any_rate_is_resampled() -> None:
    """Sound at 48 kHz in odd packets is the same as what the resampler makes of it in one."""
    samples = sound(rate=48_000)
    resampler = Resampler(48_000)
    state, first = resampler.step(resampler.open(), samples)
    whole = np.concatenate([first, resampler.finish(state)])

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=48_000, encoding="f32le")
            for start in range(0, len(samples), 1_237):
                await client.socket.send(samples[start : start + 1_237].astype("<f4").tobytes())
            await client.tell("finish")
            await client.until("done")
            assert client.texts() == texts(alone(Echo(), whole))

    asyncio.run(run())


def test_sessions_do_not_touch_each_other() -> None:
    """Eight sessions at once, into two languages, each get their own words; calls are shared."""
    engines = {"de": Echo("de", 0.002), "fr": Echo("fr", 0.002)}

    async def run() -> None:
        async with server(engines) as running:
            whole = await asyncio.gather(
                *(
                    running.interpret(sound(seed=seed), target=("de", "fr")[seed % 2])
                    for seed in range(8)
                )
            )
            for seed, client in enumerate(whole):
                assert client.texts() == texts(alone(Echo(), sound(seed=seed)))
                assert client.of("opened")[0]["target"] == ("de", "fr")[seed % 2]
        assert max(engines["de"].calls) > 1

    asyncio.run(run())


def test_a_failure_stays_with_its_session() -> None:
    """Sound that the engine fails on ends its own session with an error, and no other."""
    bad = sound()
    bad[30_000] = 0.9

    async def run() -> None:
        async with server() as running:
            async with running.client() as client:
                good = asyncio.gather(*(running.interpret(sound(seed=seed)) for seed in range(3)))
                await client.tell("start", rate=16_000)
                await client.hear(bad)
                error = await client.until("error")
                assert (error["code"], error["fatal"]) == ("internal", True)
                assert "trouble" not in error["message"]
                assert (await client.closed())[0] == 1011
                for seed, other in enumerate(await good):
                    assert other.texts() == texts(alone(Echo(), sound(seed=seed)))
            _, _, figures = await running.get("/metrics")
            assert "simulst_failed_total 1\n" in figures

    asyncio.run(run())


def test_a_full_server_says_so_before_the_handshake() -> None:
    """Beyond the last place a client gets 503 with Retry-After, until somebody leaves."""

    async def run() -> None:
        async with server(sessions=1) as running:
            async with running.client() as client:
                await client.tell("start", rate=16_000)
                await client.until("opened")
                status, headers, body = await running.get("/v1/interpret")
                assert (status, headers["retry-after"]) == (503, "5")
                assert "1 places" in body
            await asyncio.sleep(0.6)
            assert (await running.get("/v1/interpret"))[0] == 426
            assert (await running.interpret(sound())).texts()
            _, _, figures = await running.get("/metrics")
            assert 'simulst_refused_total{why="full"} 1\n' in figures

    asyncio.run(run())


def test_who_sends_too_much_is_slowed_down() -> None:
    """A file that is sent faster than the engine hears waits at the client; nothing is dropped."""
    samples = sound(20)

    async def run() -> None:
        async with server({"de": Echo(slow_s=0.002)}, queue_s=0.5) as running:
            most = 0

            async def look() -> None:
                nonlocal most
                while True:
                    await asyncio.sleep(0.001)
                    for session in running.app.sessions.running():
                        most = max(most, session.waiting)

            watch = asyncio.create_task(look())
            client = await running.interpret(samples)
            watch.cancel()
            assert client.texts() == texts(alone(Echo(), samples))
            assert 0 < most <= 8_000 + 3_200  # half a second, and one packet

    asyncio.run(run())


def test_marks_come_after_the_sound_before_them() -> None:
    """A mark is answered when what was sent before it was taken in, one after the other."""

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=16_000)
            for name in ("a", "b"):
                await client.hear(sound()[:16_000])
                await client.tell("mark", name=name)
            await client.until("marked")
            await client.until("marked")
            kinds = [e["name"] if e["type"] == "marked" else e["type"] for e in client.events]
            assert kinds.count("ack") == 10
            assert kinds[: kinds.index("a")].count("ack") == 5
            assert kinds.index("a") < kinds.index("b") == len(kinds) - 1
            assert len(client.texts()) == 20

    asyncio.run(run())


@pytest.mark.parametrize("asked", [{"target": "xx"}, {"source": "fr"}])
def test_an_unknown_language_is_refused(asked: dict[str, str]) -> None:
    """A pair that the server does not have is named in the error, with those that it has."""

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=16_000, **asked)
            error = await client.until("error")
            assert error["code"] == "unsupported_language"
            assert "en to de" in error["message"]
            assert (await client.closed())[0] == 1008

    asyncio.run(run())


def test_a_server_that_is_left_does_not_wait_for_who_is_held_back() -> None:
    """A client whose sound waits for room keeps nobody from closing the server."""

    async def run() -> None:
        slow = {"de": Echo(slow_s=0.3)}
        async with (
            asyncio.timeout(15),
            server(slow, queue_s=0.2) as running,
            running.client() as client,
        ):
            await client.tell("start", rate=16_000)
            await client.hear(sound())
            await client.until("ack")
            client.socket.transport.abort()

    asyncio.run(run())
