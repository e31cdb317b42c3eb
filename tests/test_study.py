"""`simulst study`: all arms on tiny models, at equal tokens, and going on after a stop."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from simulst import study
from simulst.errors import ConfigError, DataError, ModelError
from simulst.rsft.arms import ARMS, parse_arms
from simulst.rsft.stages import read_records, read_signature
from simulst.rsft.training import Schooling
from simulst.translate.storage import save_translator
from tests.fakes import SENTENCES, translator

NAMES = [arm.name for arm in ARMS]


@pytest.fixture(autouse=True)
def short_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights seldom end a word by themselves."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy, a teacher, a stranger, parallel text, and text to judge by."""
    for name, model in (
        ("policy", translator()),
        ("teacher", translator(3, bidirectional=True)),
        ("stranger", translator(1, "character")),
    ):
        save_translator(tmp_path / name, model.model, model.vocabulary, "en", "de")
    pairs = zip(SENTENCES[::2], SENTENCES[1::2], strict=True)
    (tmp_path / "talks.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in pairs))
    (tmp_path / "dev.tsv").write_text("The old road.\tDie alte Straße.\n")
    (tmp_path / "test.tsv").write_text("A good house.\tEin gutes Haus.\n" * 2)
    return tmp_path


def call(folder: Path, *more: str, teacher: str = "teacher") -> int:
    """Run the command."""
    parser = argparse.ArgumentParser()
    study.add_arguments(parser)
    line = [
        *(str(folder / "talks.tsv"), "--pack", str(folder / "policy")),
        *("--teacher", str(folder / teacher), "--work", str(folder / "work")),
        *("--dev", str(folder / "dev.tsv"), "--test", str(folder / "test.tsv")),
        *("--drafts", "4", "--m", "0.1", "--steps", "2", "--tokens", "20", "--no-gates"),
        *("--sharpness", "1", *more),
    ]
    return study.run(parser.parse_args(line))


def test_all_arms(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each arm stands in the table; drafts are shared; run again, nothing is done twice."""
    assert call(folder, "--seeds", "1") == 0
    report = (folder / "work" / "study.md").read_text()
    assert [row.split(" | ")[0][2:] for row in report.splitlines() if row[:3] == "| B"][
        : len(NAMES)
    ] == NAMES
    assert "test, 2 sentences" in report
    seed = folder / "work" / "seed-1"
    assert read_signature(seed / "random.jsonl")["selection"]["rate"] == pytest.approx(
        _passed(seed / "speculative.jsonl")
    )
    # own drafts for everyone but the second half of B5, which draws from what B4 has learnt
    drawn = sorted(path.parent.name for path in seed.rglob("samples.jsonl"))
    assert drawn == ["round-2", "seed-1"]
    measured = {path.parent.parent.parent.name for path in seed.parent.rglob("B0/test/*.log")}
    assert measured == {"work"}  # once for all seeds
    capsys.readouterr()
    monkeypatch.setattr(Schooling, "run", None)
    assert call(folder, "--seeds", "1") == 0
    assert "B8 - B1" in capsys.readouterr().out


def _passed(path: Path) -> float:
    """The acceptance rate that a stage file tells of."""
    from simulst.rsft.jobs import summary

    return float(summary(path)["acceptance"])


def test_references_alone_learn_as_many_tokens(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B1 learns from twice the references, so that every arm sees about as many tokens."""
    seen: dict[float, int] = {}
    run = Schooling.run

    def watched(self: Schooling, *args: object, **more: object) -> None:
        seen[self.learning.accepted_share] = self.learning.tokens
        run(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Schooling, "run", watched)
    call(folder, "--seeds", "1", "--arms", "B1,B8")
    assert seen == {0.0: 40, 0.8: 20}


def test_rounds_and_lags(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round draws from what the last has learnt, under the lags named; steps are shared."""
    steps = []
    run = Schooling.run

    def watched(self: Schooling, *args: object, **more: object) -> None:
        steps.append(self.learning.steps)
        assert self.learning.lags == (3, 3, 0)
        run(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Schooling, "run", watched)
    more = "--rounds", "2", "--draft-lags", "3,3,0"
    call(folder, "--seeds", "1", "--arms", "B1,B8", *more)
    assert steps == [2, 1, 1]  # references alone draw nothing
    seed = folder / "work" / "seed-1"
    policies = []
    for path in (seed / "samples.jsonl", seed / "B8" / "round-2" / "samples.jsonl"):
        policies.append(read_signature(path)["weights"])
        lags = {draft["lag"] for record in read_records(path) for draft in record["drafts"]}
        assert lags == {0, 3}
    assert len(set(policies)) == 2
    assert "draft_lags (3, 3, 0), rounds 2" in (folder / "work" / "study.md").read_text()


def test_what_is_refused(folder: Path) -> None:
    """Unknown arms, seeds that are no numbers, foreign subwords, and test text among the talks."""
    with pytest.raises(ConfigError, match="B9.*there are B0"):
        parse_arms("B1,B9")
    with pytest.raises(ConfigError, match="--rounds is 3: at least 1, and a step in each"):
        call(folder, "--rounds", "3")
    with pytest.raises(ConfigError, match="--rounds is 0"):
        call(folder, "--rounds", "0")
    with pytest.raises(ConfigError, match="whole numbers"):
        call(folder, "--seeds", "one")
    with pytest.raises(ModelError, match="are not the policy's"):
        call(folder, teacher="stranger")
    (folder / "test.tsv").write_text(f"{SENTENCES[2].upper()}\t{SENTENCES[3]}\n")
    with pytest.raises(DataError, match="what is learnt from cannot judge"):
        call(folder)
