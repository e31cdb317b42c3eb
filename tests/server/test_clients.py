"""Stock clients against the whole server; those that are not installed are skipped."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np
import pytest

from simulst.audio.resampling import Resampler
from simulst.types import Samples
from tests.server.client import Echo, alone, pcm, server, sound, texts

RATE = 24_000


def expected(samples: Samples) -> list[str]:
    """What the engine alone writes for sound at the clients' rate."""
    resampler = Resampler(RATE)
    state, first = resampler.step(resampler.open(), samples)
    return texts(alone(Echo(), np.concatenate([first, resampler.finish(state)])))


def test_the_openai_client_translates() -> None:
    """The SDK's realtime translation gets the whole translation, and the session's end."""
    openai = pytest.importorskip("openai", reason="openai is not installed")
    samples = sound(2, rate=RATE)

    async def run() -> None:
        async with server() as running, asyncio.timeout(20):
            address = f"127.0.0.1:{running.port}/v1"
            client = openai.AsyncOpenAI(
                api_key="none", base_url=f"http://{address}", websocket_base_url=f"ws://{address}"
            )
            text = ""
            async with client.realtime.translations.connect(model="any") as link:
                await link.session.update(session={"audio": {"output": {"language": "de"}}})
                for start in range(0, len(samples), RATE // 5):
                    piece = base64.b64encode(pcm(samples[start : start + RATE // 5])).decode()
                    await link.session.input_audio_buffer.append(audio=piece)
                await link.session.close()
                async for event in link:
                    assert event.type != "error", event
                    if event.type == "session.output_transcript.delta":
                        text += event.delta
                    if event.type == "session.closed":
                        break
            assert text.split() == expected(samples)

    asyncio.run(run())


def test_livekit_shows_the_translation_as_captions() -> None:
    """LiveKit's speech-to-text plugin gets a final for each sentence."""
    plugin = pytest.importorskip("livekit.plugins.openai", reason="LiveKit is not installed")
    rtc = pytest.importorskip("livekit.rtc")
    aiohttp = pytest.importorskip("aiohttp")
    samples = sound(2.2, rate=RATE)

    async def run() -> None:
        async with server() as running, aiohttp.ClientSession() as http, asyncio.timeout(20):
            stt: Any = plugin.STT(
                base_url=f"http://127.0.0.1:{running.port}/v1",
                api_key="none",
                use_realtime=True,
                model="gpt-4o-mini-transcribe",
            )
            stt._session = http  # else it takes that of a running agent
            stream = stt.stream()
            for start in range(0, len(samples), RATE // 20):
                data = pcm(samples[start : start + RATE // 20])
                stream.push_frame(rtc.AudioFrame(data, RATE, 1, len(data) // 2))
            finals: list[str] = []
            async for event in stream:
                if event.type == "final_transcript":
                    finals.append(event.alternatives[0].text)
                if len(finals) == 4:
                    break
            await stream.aclose()
            assert " ".join(finals).split() == expected(samples)[:20]
            assert all(len(final.split()) == 5 for final in finals)

    asyncio.run(run())
