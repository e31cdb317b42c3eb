"""The sample talk, whole, through `simulst serve` and the packs that ship, over every wire.

All clients talk to one server at the same time, faster than life, and each must show what `simulst
interpret` writes for its sound, word for word: so sessions do not mix either. Those of OpenAI and
LiveKit speak 24 kHz and telephones 8 kHz, so theirs is compared with `simulst interpret` over the
talk at that rate, with two seconds of silence behind it, because LiveKit and telephones do not say
that the sound has ended.

The clients of OpenAI, LiveKit, vosk and simulstream are those of their packages, unmodified.
FreeSWITCH, Asterisk, Jigasi and WhisperLive are replayed; WhisperLive's own client is tried too
where it is installed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from simulst import cli, packs
from simulst.emit import jsonl
from simulst.torchaudio_shim import load_torchaudio
from simulst.types import SAMPLE_RATE, Emission, Samples
from tests.server import replays, stock
from tests.server.serving import serving
from tests.server.stock import LONGEST_S, STUDIO

TALK = Path(__file__).parents[2] / "demos" / "talk" / "audio.flac"
PHONE = 8_000  # Hz
SILENCE_S = 2


def sound(rate: int) -> Samples:
    """The talk at a rate, (n,) samples as 16 bits hold them.

    Resampled, it has silence behind it, and is as long as the whole frames of a telephone.
    """
    samples, own = soundfile.read(TALK, dtype="float32")
    assert own == SAMPLE_RATE
    if rate == own:
        return np.asarray(samples)
    resample = load_torchaudio().functional.resample
    resampled = resample(torch.from_numpy(samples), own, rate).clamp(-0.99, 0.99).numpy()
    resampled = np.concatenate([resampled, np.zeros(SILENCE_S * rate, np.float32)])
    whole = len(resampled) // replays.BLOCK * replays.BLOCK
    return np.asarray(np.rint(resampled[:whole] * 32_768) / 32_768, np.float32)


def interpreted(source: Path, journal: Path) -> list[Emission]:
    """What `simulst interpret` writes for a file."""
    assert cli.main(["interpret", str(source), "--to", "de", "--out", str(journal), "--quiet"]) == 0
    return [unit for update in jsonl.read(journal) for unit in update.emissions]


def text_of(emissions: list[Emission]) -> str:
    """All that was written."""
    return "".join(unit.space + unit.text for unit in emissions)


@dataclass(frozen=True, slots=True)
class Shown:
    """What every client got, or what went wrong, and what is expected at each rate."""

    by: dict[str, Any]
    expected: dict[int, list[Emission]]

    def to(self, client: str) -> Any:
        """What one got; a client that is not installed is skipped."""
        if client not in self.by:
            pytest.skip(f"{client} is not installed")
        if isinstance(self.by[client], BaseException):
            raise self.by[client]
        return self.by[client]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """One server, and all clients at it."""
    packs.find("listen-en", "asr")
    folder = tmp_path_factory.mktemp("talk")
    packages = {client for client in stock.CLIENTS if stock.loaded(client)}
    samples = {rate: sound(rate) for rate in (STUDIO, SAMPLE_RATE, PHONE)}
    files = {rate: folder / f"{rate}.wav" for rate in samples}
    for rate, file in files.items():
        soundfile.write(file, samples[rate], rate, subtype="PCM_16")
    with ThreadPoolExecutor(1) as worker:
        expected = {
            rate: worker.submit(
                interpreted, TALK if rate == SAMPLE_RATE else file, folder / f"{rate}.jsonl"
            )
            for rate, file in files.items()
        }
        with serving("--to", "de", "--sessions", "16") as (port, said):
            url = f"ws://127.0.0.1:{port}"
            talk, phone, studio = samples[SAMPLE_RATE], samples[PHONE], samples[STUDIO]
            clients: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
                "own": lambda: stock.own(url, talk),
                "jigasi": lambda: replays.jigasi(url, talk),
                "whisperlive": lambda: replays.whisperlive(f"{url}/", talk),
                "freeswitch": lambda: replays.freeswitch(f"{url}/", phone),
                "asterisk": lambda: replays.asterisk(f"{url}/vosk", phone),
                "vosk": lambda: stock.vosk(url, talk),
                "simulstream": lambda: stock.simulstream(url, files[SAMPLE_RATE]),
                "openai": lambda: stock.openai(url, studio),
                "livekit": lambda: stock.livekit(url, studio, expected[STUDIO]),
                "whisper_live": lambda: asyncio.to_thread(
                    stock.whisper_live, port, talk, folder / "srt"
                ),
            }
            for client in set(stock.CLIENTS) - packages:
                del clients[client]

            async def run() -> list[Any]:
                async with asyncio.timeout(LONGEST_S):
                    begun = (begin() for begin in clients.values())
                    return await asyncio.gather(*begun, return_exceptions=True)

            results = dict(zip(clients, asyncio.run(run()), strict=True))
        written = {rate: future.result() for rate, future in expected.items()}
    assert not [line for line in said if "failed" in line or "Traceback" in line]
    return Shown(results, written)


def test_our_own_wire(shown: Shown) -> None:
    """It gives the emissions of `simulst interpret` with all their fields, at the same delays."""
    units, expected = shown.to("own"), shown.expected[SAMPLE_RATE]
    assert len(expected) > 50
    for name in ("text", "index", "sentence", "space"):
        assert [unit[name] for unit in units] == [getattr(each, name) for each in expected]
    for name in ("delay", "spoken"):
        times = [getattr(each, name) // 16 for each in expected]
        assert [unit[f"{name}_ms"] for unit in units] == times
    assert all(unit["elapsed_ms"] >= unit["delay_ms"] for unit in units)


def test_openai(shown: Shown) -> None:
    """The SDK's realtime translation gets the whole talk, to the letter."""
    assert shown.to("openai") == text_of(shown.expected[STUDIO])


def test_livekit(shown: Shown) -> None:
    """LiveKit shows the translation as captions: a final for each sentence."""
    finals, expected = shown.to("livekit"), shown.expected[STUDIO]
    assert " ".join(finals) == text_of(expected)
    assert len(finals) == len({unit.sentence for unit in expected})


def test_vosk(shown: Shown) -> None:
    """The vosk package gets the talk in finals, each with the times of its words."""
    results, expected = shown.to("vosk"), shown.expected[SAMPLE_RATE]
    texts = [result["text"] for result in results if result["text"]]
    assert " ".join(texts) == text_of(expected)
    words = [word for result in results for word in result.get("result", ())]
    assert [word["word"] for word in words] == [unit.text for unit in expected]
    assert [word["start"] for word in words] == sorted(word["start"] for word in words)


@pytest.mark.parametrize("client", ["freeswitch", "asterisk"])
def test_telephones(client: str, shown: Shown) -> None:
    """A call at 8 kHz that sends no config gets the talk in finals, the last of them in time."""
    finals = shown.to(client)
    assert " ".join(finals) == text_of(shown.expected[PHONE])
    assert len(finals) > 1


def test_jigasi(shown: Shown) -> None:
    """A Jitsi room gets the talk as captions, a final for each sentence."""
    expected = shown.expected[SAMPLE_RATE]
    finals = shown.to("jigasi")
    assert " ".join(finals) == text_of(expected)
    assert len(finals) == len({unit.sentence for unit in expected})


def test_whisperlive(shown: Shown) -> None:
    """The subtitles that WhisperLive's client would store are the talk."""
    lines = shown.to("whisperlive")
    assert " ".join(line.strip() for line in lines) == text_of(shown.expected[SAMPLE_RATE])


def test_whisperlive_itself(shown: Shown) -> None:
    """WhisperLive's own client stores the same subtitles as its replay."""
    assert shown.to("whisper_live") == shown.to("whisperlive")


def test_simulstream(shown: Shown) -> None:
    """The client of simulstream gets the talk to the letter, and nothing is ever deleted."""
    *answers, last = shown.to("simulstream")
    assert "".join(answer["new"] for answer in answers) == text_of(shown.expected[SAMPLE_RATE])
    assert not any(answer["deleted"] for answer in answers)
    assert last == {"end_of_processing": True}
