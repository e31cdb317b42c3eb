"""Live sessions on servers of several protocols: what came, and when."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from simulst.types import SAMPLE_RATE, Samples
from tests.benchmarks.servers import send

__all__ = ["Ask", "Came", "Heard", "ask_simulst", "ask_simulstream", "ask_whisperlivekit"]

PATIENCE_S = 20.0  # after the talk; what has not come then is missing


@dataclass(frozen=True, slots=True)
class Came:
    """A word, and when it came, in seconds since the talk began."""

    text: str
    at_s: float


@dataclass(slots=True)
class Heard:
    """What one session got: source words, target words, and where each was spoken, if told."""

    words: list[Came] = field(default_factory=list)
    units: list[Came] = field(default_factory=list)
    word_ends_s: list[float] = field(default_factory=list)
    unit_ends_s: list[float] = field(default_factory=list)


Ask = Callable[[str, Samples, Heard], Awaitable[None]]


async def _listen(
    link: ClientConnection,
    samples: Samples,
    last: str | bytes,
    take: Callable[[str | bytes, float], bool],
) -> None:
    """Speak, and take what comes until it is the last, or too much time has passed."""
    now = asyncio.get_running_loop().time
    begun_s = now()
    sending = asyncio.create_task(send(link, samples, begun_s, last))
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        async with asyncio.timeout(len(samples) / SAMPLE_RATE + PATIENCE_S):
            async for message in link:
                if take(message, now() - begun_s):
                    break
    sending.cancel()


async def ask_simulst(url: str, samples: Samples, heard: Heard) -> None:
    """Our own wire."""

    def take(message: str | bytes, at_s: float) -> bool:
        event = json.loads(message)
        for word in event.get("words", ()):
            if "text" in word:
                heard.words.append(Came(word["text"], at_s))
                heard.word_ends_s.append(word["end_ms"] / 1000)
        for unit in event.get("emissions", ()):
            heard.units.append(Came(unit["text"], at_s))
            heard.unit_ends_s.append(unit["spoken_ms"] / 1000)
        return bool(event["type"] == "done")

    async with connect(f"{url}/v1/interpret", proxy=None, ping_interval=None) as link:
        await link.send(json.dumps({"type": "start", "rate": SAMPLE_RATE}))
        await _listen(link, samples, json.dumps({"type": "finish"}), take)


async def ask_simulstream(url: str, samples: Samples, heard: Heard) -> None:
    """Its own protocol."""

    def take(message: str | bytes, at_s: float) -> bool:
        event = json.loads(message)
        heard.units += [Came(text, at_s) for text in event.get("new", "").split()]
        return "end_of_processing" in event

    metadata = {"sample_rate": SAMPLE_RATE, "source_lang": "en", "target_lang": "de"}
    async with connect(url, proxy=None, ping_interval=None) as link:
        await link.send(json.dumps(metadata))
        await _listen(link, samples, json.dumps({"end_of_stream": True}), take)


async def ask_whisperlivekit(url: str, samples: Samples, heard: Heard) -> None:
    """Its own protocol: every message has the whole transcript, final lines first."""

    def take(message: str | bytes, at_s: float) -> bool:
        event = json.loads(message)
        texts = " ".join(line["text"] or "" for line in event.get("lines", ())).split()
        heard.words += [Came(text, at_s) for text in texts[len(heard.words) :]]
        return bool(event.get("type") == "ready_to_stop")

    async with connect(f"{url}/asr", proxy=None, ping_interval=None) as link:
        await _listen(link, samples, b"", take)
