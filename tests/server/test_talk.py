"""The packs that ship behind the server, against `simulst interpret`."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from simulst import cli, packs
from simulst.config import load
from simulst.emit import jsonl
from simulst.pipeline import build
from tests.server.client import server

TALK = Path(__file__).parents[2] / "demos" / "talk" / "audio.flac"
SECONDS = 8


def test_a_talk_is_interpreted_as_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the wire a talk gives the emissions of `simulst interpret`, at the same delays."""
    packs.find("listen-en", "asr")
    # a machine that is busy with other things may not change what is compared
    monkeypatch.setattr("simulst.server.lag.LATE_S", math.inf)
    with soundfile.SoundFile(TALK) as file:
        rate = file.samplerate
        samples = file.read(SECONDS * rate, dtype="float32")
    journal = tmp_path / "talk.jsonl"
    soundfile.write(tmp_path / "talk.wav", samples, rate, subtype="PCM_16")
    command = ["interpret", str(tmp_path / "talk.wav"), "--to", "de", "--out", str(journal)]
    assert cli.main([*command, "--quiet"]) == 0
    expected = [replace(e, elapsed=None) for u in jsonl.read(journal) for e in u.emissions]
    assert len(expected) > 10

    async def run() -> None:
        async with server({"de": build(load(), "de")}) as running:
            client = await running.interpret(samples, rate)
            units = client.emissions()
            assert [unit["text"] for unit in units] == [each.text for each in expected]
            for name in ("index", "sentence", "space"):
                assert [unit[name] for unit in units] == [getattr(each, name) for each in expected]
            for name in ("delay", "spoken"):
                times = [getattr(each, name) // 16 for each in expected]
                assert [unit[f"{name}_ms"] for unit in units] == times
            assert all(unit["elapsed_ms"] >= unit["delay_ms"] for unit in units)

    asyncio.run(run())
