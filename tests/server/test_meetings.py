"""Meetings over the wire of Jigasi, against the whole server."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from simulst import packs
from simulst.conference import build
from simulst.config import load
from simulst.server.backlog import SILENCE_S
from simulst.server.protocols import Engine
from simulst.types import SAMPLE_RATE, Samples
from tests.server.client import PATIENCE_S, Client, Echo, Running, alone, pcm, server, sound, texts

PATH = "/streaming-whisper/ws/7c1d9c1e-3b2f-4f0c-9a39-0d7b1d0ad0aa"
TALK = Path(__file__).parents[2] / "demos" / "talk" / "audio.flac"
PACKET = 320  # samples, 20 ms


class Room:
    """Jigasi in a meeting: sends packets of its participants, and reads captions."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def hear(self, sounds: Mapping[str, Samples]) -> None:
        """Send what participants say at the same time, a packet of each in turn."""
        for start in range(0, max(map(len, sounds.values())), PACKET):
            for who, samples in sounds.items():
                if len(piece := samples[start : start + PACKET]):
                    header = f"{who}|de".encode().ljust(60, b"\0")
                    await self.client.socket.send(header + pcm(piece))

    async def until(self, who: str, count: int) -> list[str]:
        """The words of a participant, as soon as there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while len(words := self.words(who)) < count:
                self.client.events.append(json.loads(await self.client.socket.recv()))
        return words

    async def end(self) -> int:
        """Say that it is over, and read to the end; the code that the server closes with."""
        await self.client.socket.send(b"\0")
        return (await self.client.closed())[0]

    def captions(self, who: str) -> list[dict[str, Any]]:
        """The latest of each id, in order."""
        latest: dict[str, dict[str, Any]] = {}
        for each in self.client.events:
            if each["participant_id"] == who:
                assert each["text"].startswith(latest.get(each["id"], {"text": ""})["text"])
                latest[each["id"]] = each
        return list(latest.values())

    def words(self, who: str) -> list[str]:
        """... as words."""
        return [word for each in self.captions(who) for word in each["text"].split()]


async def meet(running: Running, sounds: Mapping[str, Samples]) -> Room:
    """A whole meeting."""
    async with running.client(PATH) as client:
        room = Room(client)
        sending = asyncio.create_task(room.hear(sounds))
        reading = asyncio.create_task(client.closed())
        await sending
        await client.socket.send(b"\0")
        assert (await reading)[0] == 1000
        return room


def test_three_who_speak_at_once_are_three_who_speak_alone() -> None:
    """Captions of interleaved participants are word for word those of each in a meeting alone."""
    sounds = {who: sound(2.05 + seed, seed) for seed, who in enumerate(("ann", "bob", "eve"))}

    async def run() -> None:
        async with server() as running:
            begun_ms = time.time() * 1000
            room = await meet(running, sounds)
            for who, samples in sounds.items():
                single = await meet(running, {who: samples})
                captions = room.captions(who)
                assert room.words(who) == single.words(who) == texts(alone(Echo(), samples))
                assert [each["text"] for each in captions] == [
                    each["text"] for each in single.captions(who)
                ]
                assert all(each["type"] == "final" for each in captions)
                for number, each in enumerate(captions):  # a sentence each half second
                    assert each["ts"] - begun_ms == pytest.approx(number * 500, abs=3_000)
            assert running.app.sessions.running() == []

    asyncio.run(run())


def test_who_is_muted_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """When Jigasi sends nothing for one any more, their last words come while others speak."""
    monkeypatch.setattr("simulst.server.wire.skynet.PAUSE_S", 0.3)
    said = sound(0.95)  # half a step is held back

    async def run() -> None:
        async with server() as running, running.client(PATH) as client:
            room = Room(client)
            await room.hear({"ann": said, "bob": sound(0.1, 1)})
            speaking = asyncio.create_task(_forever(room, {"bob": sound(0.1, 1)}))
            silence = np.zeros(round(SILENCE_S * SAMPLE_RATE), np.float32)
            heard = np.concatenate([said, silence])
            expected = texts(alone(Echo(), heard))[: len(heard) // 1_600]
            assert await room.until("ann", len(expected)) == expected
            speaking.cancel()
            zeros = texts(alone(Echo(), silence[:1_600]))[0]
            assert zeros not in room.words("bob")
            assert await room.end() == 1000
            assert len(room.words("ann")) == len(expected) + 1  # no other silence was heard

    asyncio.run(run())


async def _forever(room: Room, sounds: Mapping[str, Samples]) -> None:
    while True:
        await room.hear(sounds)
        await asyncio.sleep(0.1)


def test_who_finds_no_place_reads_so() -> None:
    """A full server says so in a caption of who is left out, once, and the others never notice."""

    async def run() -> None:
        async with server(sessions=2) as running:
            sounds = {who: sound(3, seed) for seed, who in enumerate(("ann", "bob", "eve"))}
            room = await meet(running, sounds)
            (told,) = room.captions("eve")
            assert told["text"].startswith("[not translated: all 2 places are taken")
            assert told["ts"] == pytest.approx(time.time() * 1000, abs=60_000)
            for who in ("ann", "bob"):
                assert room.words(who) == texts(alone(Echo(), sounds[who]))
            metrics = (await running.get("/metrics"))[2]
            assert "simulst_sessions_total 2" in metrics

    asyncio.run(run())


def test_one_who_fails_takes_nobody_along() -> None:
    """Sound that the engine fails on ends the captions of its participant, who reads why."""
    trouble = np.full(PACKET * 20, 0.9, np.float32)

    async def run() -> None:
        async with server() as running:
            room = await meet(running, {"ann": sound(), "bob": trouble})
            assert room.words("ann") == texts(alone(Echo(), sound()))
            (told,) = room.captions("bob")
            assert "the engine failed" in told["text"]

    asyncio.run(run())


def test_a_meeting_that_is_silent_keeps_no_place_and_goes_on() -> None:
    """Participants who say nothing give their places back, and are heard when they speak again."""

    async def run() -> None:
        async with server(silent_s=0.5) as running, running.client(PATH) as client:
            room = Room(client)
            await room.hear({"ann": sound(), "bob": sound(seed=1)})
            async with asyncio.timeout(PATIENCE_S):
                while running.app.admission.taken or running.app.sessions.running():
                    await asyncio.sleep(0.05)
            await room.hear({"ann": sound(seed=2)})
            assert await room.end() == 1000
            first, second = (texts(alone(Echo(), sound(seed=seed))) for seed in (0, 2))
            assert room.words("ann") == [*first, *second]

    asyncio.run(run())


@pytest.mark.parametrize("stops", [True, False])
def test_a_meeting_without_a_session_is_ended(stops: bool) -> None:
    """Without anybody who speaks it is closed when the server stops, or nothing comes for long."""

    async def run() -> None:
        async with (
            server(silent_s=0.5, idle_s=600 if stops else 1.2, drain_s=0.2) as running,
            running.client(PATH) as client,
        ):
            await Room(client).hear({"ann": sound(0.5)})
            async with asyncio.timeout(PATIENCE_S):
                while running.app.sessions.running() or not running.app.metrics._counts["ended"]:
                    await asyncio.sleep(0.05)
            if stops:
                await running.app.drain()
            assert (await client.closed())[0] == (1001 if stops else 1000)
            assert running.app.admission.taken == 0

    asyncio.run(run())


def test_a_lost_meeting_leaves_nothing_behind() -> None:
    """When the connection breaks, all sessions in it end and their places are free."""

    async def run() -> None:
        async with server({"de": Echo(slow_s=0.01)}) as running:
            async with running.client(PATH) as client:
                await Room(client).hear({who: sound(1) for who in ("ann", "bob", "eve")})
                async with asyncio.timeout(PATIENCE_S):
                    while len(running.app.sessions.running()) < 3:
                        await asyncio.sleep(0.01)
                client.socket.transport.abort()
            async with asyncio.timeout(PATIENCE_S):
                while running.app.admission.taken:
                    await asyncio.sleep(0.05)
            assert not running.app.sessions.running()

    asyncio.run(run())


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The packs that ship."""
    packs.find("listen-en", "asr")
    return build(load(), ("de",))


def excerpt(at_s: int, seconds: int) -> Samples:
    """A part of the sample talk."""
    with soundfile.SoundFile(TALK) as file:
        assert file.samplerate == SAMPLE_RATE
        file.seek(at_s * SAMPLE_RATE)
        samples: Samples = file.read(seconds * SAMPLE_RATE, dtype="float32")
        return samples


def test_three_people_and_the_packs(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the packs that ship, too, captions are word for word those of each one alone."""
    monkeypatch.setattr("simulst.server.lag.LATE_S", math.inf)
    sounds = {who: excerpt(at_s, 3) for who, at_s in (("ann", 0), ("bob", 4), ("eve", 8))}

    async def run() -> None:
        async with server(engine) as running:
            room = await meet(running, sounds)
            single = [meet(running, {who: samples}) for who, samples in sounds.items()]
            for who, other in zip(sounds, await asyncio.gather(*single), strict=True):
                assert len(room.words(who)) > 1
                assert room.words(who) == other.words(who)

    asyncio.run(run())


def test_who_is_muted_and_the_packs(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The silence heard in a pause is enough for the packs that ship to end the sentence."""
    monkeypatch.setattr("simulst.server.lag.LATE_S", math.inf)
    monkeypatch.setattr("simulst.server.wire.skynet.PAUSE_S", 0.3)

    async def run() -> None:
        async with server(engine) as running:
            ended = (await meet(running, {"ann": excerpt(0, 3)})).words("ann")
            async with running.client(PATH) as client:
                room = Room(client)
                await room.hear({"ann": excerpt(0, 3)})
                await room.until("ann", len(ended))
                async with asyncio.timeout(PATIENCE_S):
                    while room.captions("ann")[-1]["type"] != "final":
                        client.events.append(json.loads(await client.socket.recv()))
                shown = room.words("ann")
                assert await room.end() == 1000
                assert room.words("ann") == shown

    asyncio.run(run())
