"""Clients that no package brings, frame by frame as their sources send and read.

FreeSWITCH, Asterisk and Jigasi are programs in C and Java; WhisperLive's client is in a package
that pins older versions of what this project needs. Each sends a talk as fast as the server takes
it, and gives what its user would have read.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from simulst.types import Samples
from tests.server.client import pcm
from tests.server.wire.whisperlive_client import Stock, options

__all__ = ["BLOCK", "asterisk", "freeswitch", "jigasi", "whisperlive"]

BLOCK = 1_600  # samples at 8 kHz in a frame of FreeSWITCH and Asterisk; what fills none is not sent
HEADER = 60  # bytes that Jigasi puts before each 20 ms
LIVE = 4_096  # samples in a frame of WhisperLive's client
PLAIN: dict[str, Any] = {"proxy": None, "ping_interval": None}  # none of them pings


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


async def _answers(link: ClientConnection, frames: list[bytes]) -> AsyncIterator[str]:
    """Send frames, and read exactly one answer to each."""

    async def send() -> None:
        for frame in frames:
            await link.send(frame)

    sending = asyncio.create_task(send())
    for _ in frames:
        answer = await link.recv()
        assert isinstance(answer, str)
        yield answer
    await sending


async def freeswitch(url: str, samples: Samples) -> list[str]:
    """mod_vosk on a call at 8 kHz: no config, no end; what it takes for final results.

    Args:
        url: of the server.
        samples: (n,), n a multiple of `BLOCK`.
    """
    finals = []
    async with connect(url, **PLAIN) as link:
        async for answer in _answers(link, _cut(pcm(samples), 2 * BLOCK)):
            # it searches the text, and leaves out what looks empty
            if '""' not in answer and '"partial"' not in answer:
                finals.append(str(json.loads(answer)["text"]))
    return finals


async def asterisk(url: str, samples: Samples) -> list[str]:
    """res_speech_vosk on a call at 8 kHz: no config; its results, each of which ends a recognition.

    Args:
        url: of the server.
        samples: (n,), n a multiple of `BLOCK`.
    """
    finals = []
    async with connect(url, **PLAIN) as link:
        async for answer in _answers(link, _cut(pcm(samples), 2 * BLOCK)):
            fields = json.loads(answer)
            # a partial counts first, and leaves the recognition open
            if not fields.get("partial") and fields.get("text"):
                finals.append(str(fields["text"]))
        await link.send('{"eof" : 1}')  # it closes without reading on
    return finals


async def jigasi(url: str, samples: Samples) -> list[str]:
    """A participant of a Jitsi room at 16 kHz; the final captions, each grown from its interims."""
    header = b"a1b2c3d4|de".ljust(HEADER, b"\0")
    frames = [header + piece for piece in _cut(pcm(samples), 640)]
    finals: list[str] = []
    interims: dict[uuid.UUID, str] = {}
    headers = {"Authorization": "Bearer none"}
    async with connect(
        f"{url}/streaming-whisper/ws/{uuid.uuid4()}", additional_headers=headers, **PLAIN
    ) as link:

        async def send() -> None:
            for frame in frames:
                await link.send(frame)
            await link.send(b"\0")

        sending = asyncio.create_task(send())
        async for message in link:
            fields = json.loads(message)
            # it casts what it reads, and fails on what is not there
            types = [type(fields[name]) for name in ("participant_id", "ts", "text", "variance")]
            assert types == [str, int, str, float]
            number = uuid.UUID(fields["id"])
            assert fields["participant_id"] == "a1b2c3d4"
            assert fields["text"].startswith(interims.get(number, ""))
            interims[number] = fields["text"]
            if fields["type"] == "final":
                finals.append(fields["text"])
        await sending
    return finals


async def whisperlive(url: str, samples: Samples) -> list[str]:
    """The client that plays a file at 16 kHz, task "translate"; the lines of its subtitles.

    It waits until nothing new has come for 15 s before it says that the sound has ended, and stores
    the subtitles at once: so it is not waited for what follows here either, but for all the words.
    """
    floats = np.rint(samples * 32_768).astype("<i2").astype("<f4") / np.float32(32_768)
    stock = Stock()
    async with connect(url, **PLAIN) as link:
        await link.send(options(language="en", task="translate"))
        stock.read([await link.recv()])
        assert stock.ready

        async def send() -> None:
            for frame in _cut(floats.tobytes(), 4 * LIVE):
                await link.send(frame)
            await link.send(b"END_OF_AUDIO")

        sending = asyncio.create_task(send())
        async for message in link:
            stock.read([message])
        await sending
    return stock.srt()
