"""The demo runs as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from demos import finetune_talks
from simulst import packs


def test_the_demo_tells_before_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shipped pack learns from the sample talk, and both figures are printed for every k."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 24)
    monkeypatch.setattr(finetune_talks, "TALKS", finetune_talks.TALKS[:1])
    finetune_talks.main(["--steps", "1", "--out", str(tmp_path)])
    said = capsys.readouterr().out
    assert "which says nothing about other talks" in said
    assert [line.split(":")[0] for line in said.splitlines() if line.startswith("k=")] == [
        f"k={lag}" for lag in finetune_talks.LAGS
    ]
    assert packs.open_pack(tmp_path / "pack").fields["rsft"]["teacher"] == "en-de"


def test_text_is_set_apart(tmp_path: Path) -> None:
    """No sentence is in two of the files, and none of the talk's is in any."""
    [first, *_] = finetune_talks.talk_pairs()
    text = tmp_path / "text.tsv"
    rows = [f"Sentence {i % 300}.\tSatz {i}.\n" for i in range(400)]
    text.write_text("".join([f"{first.source}\tx\n", *rows]))
    files = finetune_talks.split(text, 20, tmp_path)
    found = [
        line.split("\t")[0] for path in files.values() for line in path.read_text().splitlines()
    ]
    assert len(found) == len(set(found)) == finetune_talks.TEST + finetune_talks.DEV + 20
    assert first.source not in found
