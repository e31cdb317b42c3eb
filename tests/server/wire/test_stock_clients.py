"""Clients of other projects, unmodified, on a loopback socket.

`pip install simulst[clients]` brings those that go together with this project. whisper-live does
not: it pins older versions of what is needed here. Where it is installed without its requirements,
next to websocket-client and av, it is tried too.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import logging
import sys
import time
import wave
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from simulst.server.wire.base import Audio, Begin
from simulst.server.wire.simulstream import Simulstream
from simulst.server.wire.vosk import Vosk
from simulst.server.wire.whisperlive import END_OF_AUDIO, WhisperLive
from tests.server.wire.shell import Core, serve
from tests.server.wire.talks import talk

SOUND = np.full(4096, 0.5, np.float32).tobytes()


class Pipe:
    """A sound file, as the vosk client reads it from its converter."""

    def __init__(self, data: bytes) -> None:
        self.stdout = self
        self._data = data

    async def read(self, size: int) -> bytes:
        """The next bytes, none at the end."""
        block, self._data = self._data[:size], self._data[size:]
        return block


def test_vosk() -> None:
    """The client in the vosk package goes through a talk and reads both sentences."""
    transcriber = pytest.importorskip("vosk.transcriber.transcriber", exc_type=ImportError)

    async def talk_to() -> tuple[list[dict[str, Any]], int]:
        async with serve(Vosk(), talk()) as (port, _):
            client = object.__new__(transcriber.Transcriber)  # without loading a model
            client.args = type("Args", (), {"server": f"ws://127.0.0.1:{port}/vosk"})
            found: tuple[list[dict[str, Any]], int] = await client.recognize_stream_server(
                Pipe(b"\x00" * 14_000)
            )
            return found

    found, size = asyncio.run(asyncio.wait_for(talk_to(), 10))
    assert [each["text"] for each in found] == ["Guten Morgen, alle.", "Danke."]
    assert [[word["word"] for word in each["result"]] for each in found] == [
        ["Guten", "Morgen,", "alle."],
        ["Danke."],
    ]
    assert size == 14_000


def test_simulstream(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The client of simulstream streams a file and gets its translation."""
    pytest.importorskip("simulstream")
    client: Any = importlib.import_module("simulstream.client.wav_reader_client")
    path = tmp_path / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(b"\x00\x40" * 5600)  # three and a half of its chunks

    async def stream() -> list[Core]:
        async with serve(Simulstream(), talk()) as (port, cores):
            await client.stream_wav_files(
                f"ws://127.0.0.1:{port}/", [str(path)], tgt_lang="de", src_lang="en"
            )
            return cores

    with caplog.at_level(logging.DEBUG, client.LOGGER.name):
        (core,) = asyncio.run(asyncio.wait_for(stream(), 10))
    got = [json.loads(text) for text in caplog.messages if text.startswith("{")]
    assert "".join(each["new"] for each in got[:-1]) == "Guten Morgen, alle. Danke."
    assert got[-1] == {"end_of_processing": True}
    audio = [each.samples for each in core.requests if isinstance(each, Audio)]
    # it sends its last chunk twice
    assert [len(samples) for samples in audio] == [1600, 1600, 1600, 800, 800]
    assert core.requests[0] == Begin("en", "de")
    assert core.errors == []


def whisper_live(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client's module, its sound device left out; skips where it is not installed."""
    if "pyaudio" not in sys.modules and importlib.util.find_spec("pyaudio") is None:
        silent = ModuleType("pyaudio")
        monkeypatch.setitem(sys.modules, "pyaudio", silent)
    return pytest.importorskip(
        "whisper_live.client",
        reason="whisper-live pins older versions of this project's requirements",
        exc_type=ImportError,
    )


@pytest.mark.parametrize("translate", [False, True])
def test_whisper_live(translate: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client of whisper-live stores all of a talk, as text and as subtitles."""
    client = whisper_live(monkeypatch)

    def talk_to(port: int) -> Any:
        mine = client.Client("127.0.0.1", port, lang="en", translate=translate)
        deadline = time.monotonic() + 5
        while not mine.recording and time.monotonic() < deadline:
            time.sleep(0.01)
        for _ in range(4):
            mine.send_packet_to_server(SOUND)
        mine.send_packet_to_server(END_OF_AUDIO)
        while mine.recording and time.monotonic() < deadline:
            time.sleep(0.01)
        mine.write_srt_file(str(tmp_path / "talk.srt"))
        mine.close_websocket()
        return mine

    async def stream() -> tuple[Any, list[Core]]:
        async with serve(WhisperLive(), talk()) as (port, cores):
            return await asyncio.to_thread(talk_to, port), cores

    mine, (core,) = asyncio.run(asyncio.wait_for(stream(), 10))
    texts = ["Guten Morgen, alle.", "Danke."] if translate else ["Good morning.", "Thank you."]
    assert [each["text"].strip() for each in mine.transcript] == texts
    expected = (
        (" Guten Morgen, alle.", " Danke.") if translate else (" Good morning.", " Thank you.")
    )
    assert (tmp_path / "talk.srt").read_text() == (
        f"1\n00:00:00,100 --> 00:00:01,000\n{expected[0]}\n\n"
        f"2\n00:00:01,500 --> 00:00:02,000\n{expected[1]}\n\n"
    )
    assert core.requests[0] == Begin("en", "")
    assert core.errors == []
