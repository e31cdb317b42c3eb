"""Connections that are cut, at any moment: no word is lost and none comes twice."""

from __future__ import annotations

import asyncio
import json
import os
import random
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from simulst.types import Samples
from tests.server.client import PATIENCE_S, Echo, Running, alone, pcm, server, sound, texts

CUTS = int(os.environ.get("SIMULST_CUTS", "12"))
"""How many connections are cut in all; a long run takes a thousand."""


class Stubborn:
    """A client that comes back, as the wire's description tells it to.

    Attributes:
        updates: all that arrived, in order.
        cuts: connections that it lost.
    """

    def __init__(self, running: Running, samples: Samples, dice: random.Random) -> None:
        self.running = running
        self.samples = samples
        self.dice = dice
        self.updates: list[dict[str, Any]] = []
        self.cuts = 0
        self.session = ""
        self.done = False

    async def interpret(self, cuts: int) -> None:
        """Go through a session, cut so many times."""
        while not self.done:
            async with self.running.client() as client:
                if not self.session:
                    await client.tell("start", rate=16_000, resumable=True)
                else:
                    after = self.updates[-1]["number"] if self.updates else 0
                    await client.tell("resume", session=self.session, after=after)
                opened = await client.until("opened")
                self.session = opened["session"]
                reading = asyncio.create_task(self._read(client.socket))
                # a random moment, also before anything was sent and after all was
                last = self.cuts >= cuts
                left = (len(self.samples) - opened["taken"]) // 1_600 + 2
                most = left if last else self.dice.randrange(0, left + 1)
                at = opened["taken"]
                try:
                    for _ in range(most):
                        if at < len(self.samples):
                            await client.socket.send(pcm(self.samples[at : at + 1_600]))
                            at += 1_600
                        else:
                            await client.tell("finish")
                            break
                    if last:
                        await asyncio.wait_for(reading, PATIENCE_S)
                    else:
                        await asyncio.sleep(self.dice.choice((0, 0, 0.01, 0.05)))
                except ConnectionClosed:
                    pass
                if not self.done:
                    self.cuts += 1
                    client.socket.transport.abort()
                await asyncio.wait_for(reading, PATIENCE_S)

    async def _read(self, socket: Any) -> None:
        try:
            while True:
                event = json.loads(await socket.recv())
                if event["type"] == "update":
                    self.updates.append(event)
                self.done = self.done or event["type"] == "done"
        except ConnectionClosed:
            pass


@pytest.mark.parametrize("seed", range(3))
def test_cuts_lose_and_double_nothing(seed: int) -> None:
    """A session cut at random moments gives the words and emissions of one that was not."""
    expected = alone(Echo(), sound(seed=seed))
    total = 0

    async def run() -> None:
        nonlocal total
        dice = random.Random(seed)
        async with server() as running:
            while total < CUTS / 3:
                client = Stubborn(running, sound(seed=seed), dice)
                await client.interpret(cuts=4)
                total += client.cuts
                units = [unit for update in client.updates for unit in update.get("emissions", ())]
                words = [word for update in client.updates for word in update.get("words", ())]
                assert [unit["text"] for unit in units] == texts(expected)
                assert [unit["index"] for unit in units] == list(range(len(units)))
                assert len(words) == sum(len(update.committed) for update in expected)
                numbers = [update["number"] for update in client.updates]
                assert numbers == sorted(set(numbers))

    asyncio.run(run())
    assert total >= CUTS / 3


def test_a_session_waits_no_longer_than_it_may() -> None:
    """After the time to resume is over, the session is gone and its place free."""

    async def run() -> None:
        async with server(resume_s=0.3) as running:
            async with running.client() as client:
                await client.tell("start", rate=16_000, resumable=True)
                session = (await client.until("opened"))["session"]
                client.socket.transport.abort()
            await asyncio.sleep(1.2)
            assert running.app.admission.taken == 0
            async with running.client() as client:
                await client.tell("resume", session=session, after=0)
                error = await client.until("error")
                assert error["code"] == "unknown_session"
                assert (await client.closed())[0] == 1008

    asyncio.run(run())


def test_the_end_waits_for_who_was_away() -> None:
    """A session that ended while its client was away gives the rest and its end to who resumes."""

    async def run() -> None:
        async with server() as running:
            async with running.client() as client:
                await client.tell("start", rate=16_000, resumable=True)
                session = (await client.until("opened"))["session"]
                await client.hear(sound())
                await client.tell("finish")
                await client.socket.close(1001)
            while running.app.sessions.running():
                await asyncio.sleep(0.01)
            async with running.client() as client:
                await client.tell("resume", session=session, after=0)
                await client.until("done")
                assert client.texts() == texts(alone(Echo(), sound()))
                assert (await client.closed())[0] == 1000

    asyncio.run(run())


def test_the_latest_connection_has_the_session() -> None:
    """Who resumes while the old connection still stands takes over, and the old one is closed."""

    async def run() -> None:
        async with server(sessions=1) as running, running.client() as old:
            await old.tell("start", rate=16_000, resumable=True)
            session = (await old.until("opened"))["session"]
            await old.hear(sound()[:48_000])
            await old.until("ack")
            async with running.client(f"/v1/interpret?session={session}") as new:
                await new.tell("resume", session=session, after=0)
                opened = await new.until("opened")
                assert (await old.closed())[0] == 1008
                await new.hear(sound()[opened["taken"] :])
                await new.tell("finish")
                await new.until("done")
                assert new.texts() == texts(alone(Echo(), sound()))

    asyncio.run(run())


def test_much_that_was_missed_is_no_sign_of_a_slow_reader() -> None:
    """News that are sent again may be more than what may wait for a client otherwise."""

    async def run() -> None:
        async with server(outbox_bytes=5_000) as running:
            async with running.client() as client:
                await client.tell("start", rate=16_000, resumable=True)
                session = (await client.until("opened"))["session"]
                await client.hear(sound(20))
                await client.tell("mark", name="all")
                await client.until("marked")
                client.socket.transport.abort()
            async with running.client() as client:
                await client.tell("resume", session=session, after=0)
                await client.tell("finish")
                await client.until("done")
                assert sum(len(str(event)) for event in client.events) > 20_000
                assert client.texts() == texts(alone(Echo(), sound(20)))

    asyncio.run(run())


def test_what_was_acknowledged_cannot_be_invented() -> None:
    """A number that the session never had is refused."""

    async def run() -> None:
        async with server() as running:
            async with running.client() as client:
                await client.tell("start", rate=16_000, resumable=True)
                session = (await client.until("opened"))["session"]
                client.socket.transport.abort()
            async with running.client() as client:
                await client.tell("resume", session=session, after=99)
                assert (await client.until("error"))["code"] == "gone"

    asyncio.run(run())


def test_leaving_on_purpose_ends_a_session() -> None:
    """Who closes with code 1000 is not waited for."""

    async def run() -> None:
        async with server() as running:
            async with running.client() as client:
                await client.tell("start", rate=16_000, resumable=True)
                await client.until("opened")
            await asyncio.sleep(0.6)
            assert running.app.sessions.running() == []
            assert running.app.admission.taken == 0

    asyncio.run(run())
