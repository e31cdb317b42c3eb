"""What clients do wrong, and what becomes of them; others never notice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from simulst.server import connection, pulse, tracks
from tests.server.client import Client, Echo, alone, pcm, server, sound, texts

START = json.dumps({"type": "start", "rate": 16_000})
WRONG: list[tuple[list[str | bytes], str, bool]] = [
    (["{"], "invalid_json", True),
    (["[1]"], "invalid_json", True),
    (["[" * 100_000], "invalid_json", True),
    (['{"type": 3}'], "unknown_type", False),
    (['{"type": "sing"}'], "unknown_type", False),
    (['{"type": "start"}'], "invalid_request", False),
    (['{"type": "start", "rate": "fast"}'], "invalid_request", False),
    (['{"type": "start", "rate": true}'], "invalid_request", False),
    (['{"type": "start", "rate": 1e99}'], "invalid_sample_rate", True),
    (['{"type": "start", "rate": 100}'], "invalid_sample_rate", True),
    (['{"type": "start", "rate": 16000, "resumeable": true}'], "invalid_request", False),
    (['{"type": "start", "rate": 16000, "encoding": "mp3"}'], "invalid_request", False),
    (['{"type": "start", "rate": 16000, "target": "../de"}'], "invalid_language", True),
    ([b"\0\0"], "not_started", False),
    (['{"type": "finish"}'], "not_started", False),
    (['{"type": "resume", "session": "x", "after": -1}'], "invalid_request", False),
    (['{"type": "resume", "session": "nobody", "after": 0}'], "unknown_session", True),
    ([START, START], "already_started", False),
    ([START, b"\0"], "invalid_audio", False),
    ([START, '{"type": "mark", "name": ["a"]}'], "invalid_request", False),
    ([START, '{"type": "mark", "name": "%s"}' % ("a" * 999)], "invalid_request", False),
    ([START, '{"type": "mark", "name": "\\ud800"}'], "invalid_request", False),
    ([START, '{"type": "finish"}', b"\0\0"], "finished", False),
    ([START, bytes(2**20 + 2)], "too_large", True),
]


@pytest.mark.parametrize(("frames", "code", "fatal"), WRONG, ids=range(len(WRONG)))
def test_what_does_not_belong_is_answered(
    frames: list[str | bytes], code: str, fatal: bool
) -> None:
    """A wrong frame leads to an error in the wire's form, and to the end only if it must."""

    async def run() -> None:
        async with server({"de": Echo(slow_s=0.02)}) as running, running.client() as client:
            for frame in frames:
                await client.socket.send(frame)
            error = await client.until("error")
            assert (error["code"], error["fatal"]) == (code, fatal)
            assert len(error["message"]) < 500
            if fatal:
                assert (await client.closed())[0] == 1008
            else:
                await client.tell("sing")
                assert (await client.until("error"))["code"] == "unknown_type"
            # another client never notices
            other = await running.interpret(sound(1))
            assert other.texts() == texts(alone(Echo(), sound(1)))

    asyncio.run(run())


def test_a_frame_beyond_all_bounds_closes_the_connection() -> None:
    """A message that is not even read to its end is answered with code 1009."""

    async def run() -> None:
        async with server(frame_bytes=2_000) as running, running.client() as client:
            await client.socket.send(bytes(10_000))
            assert (await client.closed())[0] == 1009

    asyncio.run(run())


def test_nonsense_without_end_is_not_listened_to() -> None:
    """After a hundred wrong frames the connection is closed."""

    async def run() -> None:
        async with server() as running, running.client() as client:
            for _ in range(connection.MOST_ERRORS):
                await client.tell("sing")
            assert (await client.closed())[0] == 1008
            assert len(client.of("error")) == connection.MOST_ERRORS

    asyncio.run(run())


def test_an_odd_frame_is_left_out_and_the_session_goes_on() -> None:
    """Half a sample is refused with its message; what comes before and after is interpreted."""

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=16_000)
            await client.hear(sound()[:16_000])
            await client.socket.send(b"odd")
            await client.hear(sound()[16_000:])
            await client.tell("finish")
            await client.until("done")
            assert [error["code"] for error in client.of("error")] == ["invalid_audio"]
            assert client.texts() == texts(alone(Echo(), sound()))

    asyncio.run(run())


def test_nan_is_silence() -> None:
    """Floats that are no numbers do not reach the engine."""
    samples = np.full(1_600, np.nan, "<f4")

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=16_000, encoding="f32le")
            await client.socket.send(samples.tobytes())
            await client.tell("finish")
            await client.until("done")
            assert client.texts() == texts(alone(Echo(), np.zeros(1_600, np.float32)))

    asyncio.run(run())


def test_who_does_not_begin_is_sent_away() -> None:
    """A connection that begins no session gives its place back after a while."""

    async def run() -> None:
        async with server(begin_s=1) as running, running.client() as client:
            assert running.app.admission.taken == 1
            assert (await client.until("error"))["code"] == "timeout"
            assert (await client.closed())[0] == 1008
            await asyncio.sleep(0.1)
            assert running.app.admission.taken == 0

    asyncio.run(run())


def test_who_falls_silent_is_ended_with_the_last_words() -> None:
    """Without a message for too long a session is flushed and ended, and says why."""

    async def run() -> None:
        async with server(idle_s=0.3) as running, running.client() as client:
            await client.tell("start", rate=16_000)
            await client.hear(sound())
            done = await client.until("done")
            assert "nothing came from the client" in done["reason"] and done["code"] == "idle"
            assert client.texts() == texts(alone(Echo(), sound()))

    asyncio.run(run())


def test_a_session_may_be_limited_in_length() -> None:
    """A session that lasts too long gets its last words, and sound after it is no error."""

    async def run() -> None:
        async with server(session_s=0.5) as running, running.client() as client:
            await client.tell("start", rate=16_000)
            sending = asyncio.create_task(_forever(client))
            done = await client.until("done")
            assert "may last 0.5 s" in done["reason"] and done["code"] == "too_long"
            assert (await client.closed())[0] == 1000
            assert not client.of("error")
            sending.cancel()

    asyncio.run(run())


async def _forever(client: Client) -> None:
    while True:
        await client.socket.send(pcm(sound()[:1_600]))
        await asyncio.sleep(0.02)


def test_speed_can_be_limited() -> None:
    """Who may send twice as fast as life needs half the time for what exceeds the burst."""

    async def run() -> None:
        async with server(speed=20) as running:
            begun = asyncio.get_running_loop().time()
            client = await running.interpret(sound(15))
            assert client.texts() == texts(alone(Echo(), sound(15)))
            took = asyncio.get_running_loop().time() - begun
            assert took > (15 - tracks.BURST_S - 0.2) / 20

    asyncio.run(run())


@pytest.mark.parametrize("resumable", [False, True])
def test_who_does_not_read_is_let_go(resumable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that never reads is cut off when too much waits for it; others go on."""
    monkeypatch.setattr("simulst.server.app.CLOSE_S", 0.5)

    async def run() -> None:
        async with server(outbox_bytes=20_000) as running:
            narrow = socket.socket()
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            narrow.connect(("127.0.0.1", running.port))
            async with running.client(sock=narrow, max_queue=1, ping_interval=None) as client:
                await client.tell("start", rate=16_000, resumable=resumable)
                name = (await client.until("opened"))["session"]
                client.socket.transport.pause_reading()
                other = asyncio.create_task(running.interpret(sound()))
                with contextlib.suppress(ConnectionClosed):
                    for _ in range(4_000):
                        await client.tell("mark", name="m" * 250)
                assert (await other).texts() == texts(alone(Echo(), sound()))
                async with asyncio.timeout(10):
                    while (there := running.app.sessions.named(name)) and there.cut_s is None:
                        await asyncio.sleep(0.05)
                assert (there is not None) == resumable
                client.socket.transport.abort()

    asyncio.run(run())


def test_a_half_open_connection_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that vanished without a word is found out by a ping that nobody answers."""
    monkeypatch.setattr(pulse, "PING_S", 0.1)
    monkeypatch.setattr(pulse, "PONG_S", 1.0)

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=16_000)
            await client.until("opened")
            client.socket.transport.pause_reading()  # pings arrive and are not answered
            async with asyncio.timeout(10):
                while running.app.sessions.running():
                    await asyncio.sleep(0.05)
            client.socket.transport.abort()

    asyncio.run(run())


def test_who_is_held_back_is_not_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """While sound waits because the engine is slow, an answer to a ping may wait behind it."""
    monkeypatch.setattr(pulse, "PING_S", 0.1)
    monkeypatch.setattr(pulse, "PONG_S", 1.0)

    async def run() -> None:
        async with server({"de": Echo(slow_s=0.1)}, queue_s=0.1) as running:
            client = await running.interpret(sound(2))
            assert client.texts() == texts(alone(Echo(), sound(2)))

    asyncio.run(run())


def test_a_thousand_connects_leave_a_session_alone() -> None:
    """Connections that say nothing are bounded in number and do not disturb who has a session."""

    async def run() -> None:
        async with server(pending=16) as running, running.client() as client:
            await client.tell("start", rate=16_000)
            await client.hear(sound()[:32_000])
            writers = []
            for _ in range(1_000):
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
                    writers.append(writer)
                except OSError:
                    pass
            await client.hear(sound()[32_000:])
            await client.tell("finish")
            await client.until("done")
            assert client.texts() == texts(alone(Echo(), sound()))
            assert len(running.app._pending) <= 16
            for writer in writers:
                writer.transport.abort()

    asyncio.run(run())


def test_a_wire_that_fails_takes_nobody_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in a wire ends its connection with 1011, and the conductor goes on."""
    from simulst.server.wire.own import Own

    async def run() -> None:
        async with server() as running, running.client() as client:
            other = asyncio.create_task(running.interpret(sound()))
            await asyncio.sleep(0.05)
            send = Own.send

            def fail(self: Own, state: Any, news: Any) -> Any:
                if getattr(news, "name", "") == "now":
                    raise AssertionError("a bug")
                return send(self, state, news)

            monkeypatch.setattr(Own, "send", fail)
            await client.tell("start", rate=16_000)
            await client.tell("mark", name="now")
            assert (await client.closed())[0] == 1011
            assert (await other).texts() == texts(alone(Echo(), sound()))

    asyncio.run(run())
