"""Distillation: what a model writes becomes the target, and a killed run goes on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pytest

from simulst.corpus import Pair, read_pairs
from simulst.errors import ConfigError, OutputError
from simulst.train import distillation
from simulst.train.distillation import distil, translate
from simulst.translate.storage import save_translator
from tests.fakes import SENTENCES, translator

PAIRS = [Pair(a, b, "news") for a, b in zip(SENTENCES[::2], SENTENCES[1::2], strict=True)]


def shout(pairs: Sequence[Pair]) -> list[str]:
    """A translator that needs no model."""
    return [pair.source.upper() for pair in pairs]


def test_targets_are_the_models_own(tmp_path: Path) -> None:
    """Sources stay, targets change, and the corpus says where they are from."""
    out = tmp_path / "own.tsv"
    reports: list[int] = []
    distil(PAIRS, shout, out, reports.append)
    assert read_pairs(out, ["news-distilled"]) == [
        Pair(pair.source, pair.source.upper(), "news-distilled") for pair in PAIRS
    ]
    assert reports == [len(PAIRS)]


def test_a_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut line is written again, whole ones are kept, and the file ends as if never killed."""
    monkeypatch.setattr(distillation, "CHUNK", 2)
    whole, parts = tmp_path / "whole.tsv", tmp_path / "parts.tsv"
    distil(PAIRS, shout, whole, lambda done: None)
    parts.write_bytes(whole.read_bytes()[: whole.read_bytes().index(b"\n") + 20])
    asked: list[Pair] = []

    def watched(pairs: Sequence[Pair]) -> list[str]:
        asked.extend(pairs)
        return shout(pairs)

    distil(PAIRS, watched, parts, lambda done: None)
    assert parts.read_bytes() == whole.read_bytes()
    assert asked == PAIRS[1:]


def test_other_data_is_not_mixed_in(tmp_path: Path) -> None:
    """A file that was begun with other sentences is left as it is."""
    out = tmp_path / "own.tsv"
    distil(PAIRS, shout, out, lambda done: None)
    before = out.read_bytes()
    with pytest.raises(OutputError, match="line 1 is not of these pairs"):
        distil(PAIRS[::-1], shout, out, lambda done: None)
    assert out.read_bytes() == before


def test_whole_sentences_and_wait_k() -> None:
    """With a large k what is written under wait-k is what is written of the whole sentence."""
    model = translator()
    whole = translate(model, PAIRS)
    assert translate(model, PAIRS, k=99) == whole
    assert translate(model, PAIRS, k=1) != whole
    assert [translate(model, [pair])[0] for pair in PAIRS] == whole


def test_the_command(tmp_path: Path) -> None:
    """It writes what the pack says; a teacher cannot be asked to interpret."""
    for name in ("student", "teacher"):
        model = translator(bidirectional=name == "teacher")
        save_translator(tmp_path / name, model.model, model.vocabulary, "en", "de")
    data = tmp_path / "data.tsv"
    data.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in PAIRS))
    parser = argparse.ArgumentParser()
    distillation.add_arguments(parser)
    line = ["--data", str(data), "--pairs", "2", "--out", str(tmp_path / "own.tsv")]
    args = parser.parse_args([*line, "--pack", str(tmp_path / "teacher")])
    assert distillation.run(args) == 0
    assert [pair.source for pair in read_pairs(tmp_path / "own.tsv")] == list(SENTENCES[0:4:2])
    args = parser.parse_args([*line, "--pack", str(tmp_path / "teacher"), "--k", "3"])
    with pytest.raises(ConfigError, match="needs the whole source"):
        distillation.run(args)
