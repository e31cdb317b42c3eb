"""Clients of other projects, unmodified, and one of our own wire: each with a whole talk.

`pip install simulst[clients]` brings them. whisper-live is not among them: it pins older versions
of what is needed here. Where it is installed without its requirements, next to websocket-client and
av, its client can be had too.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import importlib.util
import json
import logging
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType
from typing import Any

from websockets.asyncio.client import connect

from simulst.types import SAMPLE_RATE, Emission, Samples
from tests.server import replays
from tests.server.client import Client, pcm

__all__ = [
    "CLIENTS",
    "LONGEST_S",
    "STUDIO",
    "livekit",
    "loaded",
    "openai",
    "own",
    "simulstream",
    "vosk",
    "whisper_live",
]

STUDIO = 24_000  # Hz, of OpenAI's clients and LiveKit
LONGEST_S = 300  # a machine that is busy with other things may take its time
CLIENTS = {
    "openai": ("openai",),
    "livekit": ("livekit.plugins.openai", "livekit.rtc", "aiohttp"),
    "vosk": ("vosk.transcriber.transcriber",),
    "simulstream": ("simulstream.client.wav_reader_client",),
    "whisper_live": ("whisper_live.client",),
}
"""What is imported for each before anything is timed."""


def loaded(client: str) -> bool:
    """Whether a client is installed, and now imported."""
    if importlib.util.find_spec(client) is None:
        return False
    if client == "whisper_live" and importlib.util.find_spec("pyaudio") is None:
        sys.modules["pyaudio"] = ModuleType("pyaudio")  # its sound device is not used
    for module in CLIENTS[client]:
        importlib.import_module(module)
    return True


async def own(url: str, samples: Samples) -> list[dict[str, Any]]:
    """Our own wire: the emissions."""
    async with connect(f"{url}/v1/interpret", **replays.PLAIN) as link:
        client = Client(link)
        await client.tell("start", rate=SAMPLE_RATE)

        async def send() -> None:
            await client.hear(samples)
            await client.tell("finish")

        sending = asyncio.create_task(send())
        async for frame in link:
            client.events.append(json.loads(frame))
        await sending
    return client.emissions()


async def openai(url: str, samples: Samples) -> str:
    """The SDK's realtime translation: its deltas, put together."""
    sdk: Any = importlib.import_module("openai")
    http = url.replace("ws", "http", 1)
    client = sdk.AsyncOpenAI(api_key="none", base_url=f"{http}/v1", websocket_base_url=f"{url}/v1")
    text = ""
    # a server that is kept busy reads on late, and does not see pings before that
    options = {"ping_interval": None}
    async with client.realtime.translations.connect(
        model="any", websocket_connection_options=options
    ) as link:
        await link.session.update(session={"audio": {"output": {"language": "de"}}})

        async def send() -> None:
            size = STUDIO // 5
            for start in range(0, len(samples), size):
                piece = base64.b64encode(pcm(samples[start : start + size])).decode()
                await link.session.input_audio_buffer.append(audio=piece)
            await link.session.close()

        sending = asyncio.create_task(send())
        async for event in link:
            assert event.type != "error", event
            if event.type == "session.output_transcript.delta":
                text += event.delta
            if event.type == "session.closed":
                break
        await sending
    return text


async def livekit(url: str, samples: Samples, expected: Future[list[Emission]]) -> list[str]:
    """The speech-to-text plugin: final transcripts, until there are as many words."""
    plugin: Any = importlib.import_module("livekit.plugins.openai")
    rtc: Any = importlib.import_module("livekit.rtc")
    aiohttp: Any = importlib.import_module("aiohttp")
    finals: list[str] = []
    async with aiohttp.ClientSession() as http:
        stt = plugin.STT(
            base_url=f"{url.replace('ws', 'http', 1)}/v1",
            api_key="none",
            use_realtime=True,
            model="gpt-4o-mini-transcribe",
        )
        stt._session = http  # else it takes that of a running agent
        stream = stt.stream()
        for start in range(0, len(samples), STUDIO // 20):
            data = pcm(samples[start : start + STUDIO // 20])
            stream.push_frame(rtc.AudioFrame(data, STUDIO, 1, len(data) // 2))
        units = await asyncio.wrap_future(expected)
        words = sum(len(unit.text.split()) for unit in units)
        async for event in stream:
            if event.type == "final_transcript":
                finals.append(event.alternatives[0].text)
            if len(" ".join(finals).split()) >= words:
                break
        await stream.aclose()
        await stt.aclose()
    return finals


class Pipe:
    """A sound file, as vosk's client reads it from its converter."""

    def __init__(self, data: bytes) -> None:
        self.stdout = self
        self._data = data

    async def read(self, size: int) -> bytes:
        """The next bytes, none at the end."""
        block, self._data = self._data[:size], self._data[size:]
        return block


async def vosk(url: str, samples: Samples) -> list[dict[str, Any]]:
    """The transcriber of the vosk package: its results."""
    module: Any = importlib.import_module("vosk.transcriber.transcriber")
    client = object.__new__(module.Transcriber)  # without loading a model
    client.args = type("Args", (), {"server": f"{url}/vosk"})
    results: list[dict[str, Any]]
    results, size = await client.recognize_stream_server(Pipe(pcm(samples)))
    assert size == 2 * len(samples)
    return results


class _Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


async def simulstream(url: str, wav: Path) -> list[dict[str, Any]]:
    """The client of simulstream with a file: what it logs of its answers.

    It sends its last packet, of 18 ms, twice; in the talk that is silence.
    """
    module: Any = importlib.import_module("simulstream.client.wav_reader_client")
    kept, level = _Kept(), module.LOGGER.level
    module.LOGGER.addHandler(kept)
    module.LOGGER.setLevel(logging.DEBUG)
    try:
        await module.stream_wav_files(f"{url}/simulstream", [str(wav)], tgt_lang="de")
    finally:
        module.LOGGER.removeHandler(kept)
        module.LOGGER.setLevel(level)
    return [json.loads(text) for text in kept.messages if text.startswith("{")]


def whisper_live(port: int, samples: Samples, srt: Path) -> list[str]:
    """The client of whisper-live, task "translate", in a thread: the lines of its subtitles."""
    module: Any = importlib.import_module("whisper_live.client")
    client = module.Client("127.0.0.1", port, lang="en", translate=True, log_transcription=False)

    def until(recording: bool) -> None:
        deadline = time.monotonic() + LONGEST_S
        while client.recording is not recording:
            assert time.monotonic() < deadline and not client.server_error
            time.sleep(0.02)

    until(recording=True)
    play = module.TranscriptionTeeClient.bytes_to_float_array
    for start in range(0, len(samples), replays.LIVE):
        data = play(pcm(samples[start : start + replays.LIVE])).tobytes()
        client.send_packet_to_server(data)
    client.send_packet_to_server(module.Client.END_OF_AUDIO.encode())
    until(recording=False)
    client.write_srt_file(str(srt))
    client.close_websocket()
    return srt.read_text().splitlines()[2::4]
