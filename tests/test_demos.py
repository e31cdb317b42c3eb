"""The demos run as they stand."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile

from demos import conference, library, microphone, restore_punctuation
from simulst import cli, packs
from simulst.audio.microphone import Microphone
from simulst.emit import jsonl
from simulst.rsft.acceptance import Selection
from simulst.rsft.training import Learning
from simulst.types import AudioChunk
from tests.audio.fakes import SoundSystem
from tests.server.client import Echo, alone, server, sound, texts


def test_the_library_demo_prints_words_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo prints a word a line, at times that never run backwards and end with the talk."""
    packs.find("listen-en", "asr")
    library.main(str(library.TALK), "de")
    lines = capsys.readouterr().out.splitlines()
    found = [re.fullmatch(r" *([\d.]+) s  (\S+)", line) for line in lines]
    times = [float(match[1]) for match in found if match]
    assert len(times) == len(lines) > 20
    assert times == sorted(times)
    assert times[0] < 6 < 20 < times[-1] < 32


def test_the_microphone_demo_hears_what_the_file_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its lines, captions and recording hold the words that the same sound gives from a file."""
    packs.find("listen-en", "asr")
    system = SoundSystem()
    monkeypatch.setitem(sys.modules, "sounddevice", system)
    sound, rate = soundfile.read(library.TALK, round(7.6 * 16_000), dtype="float32")
    soundfile.write(tmp_path / "talk.wav", sound, rate, subtype="PCM_16")

    class Spoken(Microphone):
        """Hears the talk, and then somebody presses q."""

        def __iter__(self) -> Iterator[AudioChunk]:
            for start in range(0, len(sound), 800):
                system.stream.hear(sound[start : start + 800])
            self.close()
            return super().__iter__()

    monkeypatch.setattr(microphone, "Microphone", Spoken)
    microphone.main("headset", "de", [tmp_path / "mic.jsonl"], tmp_path / "kept")
    lines = capsys.readouterr().out.splitlines()
    file = ["interpret", str(tmp_path / "talk.wav"), "--to", "de", "--out"]
    assert cli.main([*file, str(tmp_path / "file.jsonl")]) == 0
    assert lines[:-1] == capsys.readouterr().out.splitlines()
    assert lines[-1] == "Headset: 7.6 s, 0 overflows"
    heard, expected = (
        [(u.heard, u.committed, [e.text for e in u.emissions]) for u in jsonl.read(path)]
        for path in (tmp_path / "mic.jsonl", tmp_path / "file.jsonl")
    )
    assert heard == expected
    (kept,) = (tmp_path / "kept").glob("*/audio.flac")
    assert np.array_equal(soundfile.read(kept, dtype="float32")[0], sound)


def test_the_conference_demo_survives_cuts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two speakers get their own captions, a sentence a line, though their connections are cut."""
    samples = sound(2)
    soundfile.write(tmp_path / "talk.wav", samples, 16_000, subtype="PCM_16")

    async def run() -> None:
        async with server() as running, asyncio.timeout(20):
            url = f"ws://127.0.0.1:{running.port}"
            talks = asyncio.gather(
                *(conference.speak(name, url, tmp_path / "talk.wav", "de", 0) for name in "ab")
            )
            for _ in range(2):
                await asyncio.sleep(0.6)
                for connection in list(running.app.connections):
                    connection.abort()
            await talks

    asyncio.run(run())
    lines = capsys.readouterr().out.splitlines()
    for name in "ab":
        said = [line.removeprefix(f"{name}: ") for line in lines if line.startswith(f"{name}: ")]
        assert [len(line.split()) for line in said] == [5, 5, 5, 5]
        assert " ".join(said).split() == texts(alone(Echo(), samples))


def test_the_punctuation_demo_goes_through_all_stages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that was hardly taught drafts, learns from its drafts, and is judged thrice."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    words = ("Tom", "Mary", "Sami", "she", "he", "we", "they", "you")
    lines = [f"{a.title()} saw {b}, {c} and {d}." for a, b, c, d in product(words, repeat=4)]
    (tmp_path / "text.txt").write_text("\n".join(lines))
    short = Learning(2, 300, 1e-3, accepted_share=1.0, pull=0.0, lags=(0,))
    monkeypatch.setattr(restore_punctuation, "Learning", lambda *_, **__: short)
    selections = {"reward": Selection("reward", gates=None), "coin": Selection("all", gates=None)}
    monkeypatch.setattr(restore_punctuation, "SELECTIONS", selections)
    restore_punctuation.main(tmp_path / "text.txt", tmp_path / "work", 20, talks=60, drafts=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["before", "reward", "coin"]
    assert all(re.search(r"chrF \d+\.\d, \d+% right", line) for line in lines)
    assert (tmp_path / "work" / "coin" / "accepted.jsonl").is_file()
