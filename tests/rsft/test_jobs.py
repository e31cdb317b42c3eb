"""The stages end to end on tiny packs: resumed, sharded, refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulst.errors import ConfigError, DataError
from simulst.rsft.acceptance import Selection
from simulst.rsft.drawing import CHUNK, Drawing
from simulst.rsft.jobs import accept_stage, sample_stage, summary, talk_stage
from simulst.rsft.stages import read_records, read_signature
from simulst.rsft.talks import Sentence
from simulst.translate.storage import save_translator
from tests.fakes import SENTENCES, translator

DRAWING = Drawing(drafts=2, lags=(1, 3), temperatures=(0.3,), seed=5)
SELECTION = Selection(gates=None)
COUNT = CHUNK + 3


def quiet(done: int, record: dict[str, Any]) -> None:
    """A report that nobody reads."""


@pytest.fixture(autouse=True)
def short_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights seldom end a word by themselves."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 3)


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A policy and a teacher of the same subwords."""
    folder = tmp_path_factory.mktemp("packs")
    for name, model in (
        ("policy", translator()),
        ("teacher", translator(3, bidirectional=True)),
    ):
        save_translator(folder / name, model.model, model.vocabulary, "en", "de")
    return str(folder / "policy"), str(folder / "teacher")


def talks(folder: Path) -> Path:
    """A stage file of short sentences."""
    words = SENTENCES[0].split()
    sentences = [
        Sentence("t", " ".join(words[i % 5 : i % 5 + 2]), "Das alte Haus") for i in range(COUNT)
    ]
    talk_stage(iter(sentences), folder / "talks.jsonl", {"from": "made up"})
    return folder / "talks.jsonl"


def run(folder: Path, packs: tuple[str, str]) -> tuple[Path, Path]:
    """All stages up to what was accepted."""
    samples, accepted = folder / "samples.jsonl", folder / "accepted.jsonl"
    sample_stage(talks(folder), samples, packs[0], DRAWING, quiet)
    accept_stage(samples, accepted, packs[1], SELECTION, quiet)
    return samples, accepted


def test_stages_resume(tmp_path: Path, packs: tuple[str, str]) -> None:
    """Every file cut in the middle of a line is completed to the same bytes."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = run(tmp_path / "whole", packs)
    for path in (talks(tmp_path / "whole"), *whole):
        data = path.read_bytes()
        (tmp_path / "cut" / path.name).write_bytes(data[: 2 * len(data) // 3])
    again = run(tmp_path / "cut", packs)
    for a, b in zip(whole, again, strict=True):
        assert a.read_bytes() == b.read_bytes()
    assert sum(1 for _ in read_records(whole[0])) == COUNT
    figures = summary(whole[1])
    assert figures["drawn"] == 2 * COUNT
    assert 0 < figures["acceptance"] < 1
    assert figures["kept"] <= figures["distinct"] <= figures["passed_whole"] == 2 * COUNT


def test_sequences_report_their_sample_size(tmp_path: Path, packs: tuple[str, str]) -> None:
    """The founding form says what M it estimated and what its samples are worth."""
    samples, _ = run(tmp_path, packs)
    selection = replace(SELECTION, form="sequence")
    figures = accept_stage(samples, tmp_path / "whole.jsonl", packs[1], selection, quiet)
    assert 1 <= figures["effective_sample_size"] < figures["samples_weighed"] == 2 * COUNT
    assert read_signature(tmp_path / "whole.jsonl")["log_m"] == figures["log_m"]
    # with the maximum as M the sample that attains it is accepted for sure
    assert figures["passed_whole"] >= 1
    median = accept_stage(
        samples, tmp_path / "half.jsonl", packs[1], selection, quiet, quantile=0.5
    )
    assert median["passed_whole"] > figures["passed_whole"]


def test_stages_refuse_what_does_not_fit(tmp_path: Path, packs: tuple[str, str]) -> None:
    """Another stage's file, another seed in the same folder, and a missing teacher are named."""
    samples, accepted = run(tmp_path, packs)
    with pytest.raises(DataError, match="holds accepted"):
        accept_stage(accepted, tmp_path / "x.jsonl", packs[1], SELECTION, quiet)
    with pytest.raises(DataError, match="another drawing"):
        other = replace(DRAWING, seed=6)
        sample_stage(tmp_path / "talks.jsonl", samples, packs[0], other, quiet)
    with pytest.raises(ConfigError, match="name one with --teacher"):
        accept_stage(samples, tmp_path / "x.jsonl", "", SELECTION, quiet)
