"""`simulst finetune` from talks to a pack, on tiny models."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst import packs
from simulst.errors import ConfigError, DataError, ModelError
from simulst.finetune.accept import sentence
from simulst.rsft.stages import read_records
from simulst.translate.storage import load_translator
from tests.fakes import SENTENCES
from tests.finetune.conftest import simulst, words


def test_from_talks_to_a_pack(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All stages are there, the pack translates, and says where it comes from."""
    more = ("--teacher", str(folder / "teacher"), "--dev", str(folder / "dev.tsv"))
    line = words(folder, *more, "--rounds", "2")
    simulst(*line)
    pack = packs.open_pack(folder / "mine", "translator")
    assert pack.fields["license"] == "CC0"
    assert pack.fields["rsft"]["round"] == 2
    assert load_translator(pack).target_language == "de"
    work = folder / "mine-work"
    records = list(read_records(work / "round-1" / "accepted.jsonl"))
    assert [record["source"] for record in records] == list(SENTENCES[::2])
    said = capsys.readouterr()
    for part in (
        "talks: 3 lines",
        "samples: 3 of 3; 6 drafts",
        "of judged tokens accepted, mean ratio",
        "learning from 3 sources: 4 of 4; loss",
        "kept: step",
    ):
        assert part in said.err
    assert f"{work / 'report' / 'report.md'} says what was gained" in said.out
    # run again it has nothing left to do and gives the same pack
    before = (folder / "mine" / "pack.json").read_text()
    simulst(*line)
    assert (folder / "mine" / "pack.json").read_text() == before


def test_several_talks(folder: Path) -> None:
    """Folders and parallel text are read one after another, and --limit counts over all."""
    more = folder / "more.tsv"
    more.write_text("One more.\tNoch einer.\nAnd another.\tUnd ein anderer.\n")
    line = words(folder, "--limit", "4")
    line.insert(2, str(more))
    simulst(*line)
    talks = list(read_records(folder / "mine-work" / "talks.jsonl"))
    assert [talk["source"] for talk in talks] == [*SENTENCES[::2], "One more."]


def test_joined_lines(folder: Path) -> None:
    """Neighbours make one line where that is asked for, which is drawn for and learnt as one."""
    simulst(*words(folder, "--join", "1"))
    records = list(read_records(folder / "mine-work" / "round-1" / "accepted.jsonl"))
    assert " ".join(record["source"] for record in records) == " ".join(SENTENCES[::2])
    assert len(records) < 3
    with pytest.raises(ConfigError, match=r"--join\) is 2"):
        simulst(*words(folder, "--join", "2", out="other"))


def test_nothing_that_the_teacher_likes() -> None:
    """Drafts of probability 0 to the teacher have no effective sample size, and that is said."""
    figures = {
        **{"drawn": 4, "distinct": 0, "mean_ratio": 0.0, "sample_size": None, "acceptance": 0.0},
        **{"refused": {}, "kept": 0, "sources": 2},
    }
    assert "0.0% of judged tokens accepted, mean ratio 0.00; 0 distinct" in sentence(figures)


def test_without_a_teacher_the_reference_decides(folder: Path) -> None:
    """The reward form is the default there; it needs references."""
    simulst(*words(folder))
    assert packs.open_pack(folder / "mine", "translator").fields["rsft"]["form"] == "reward"
    (folder / "talks" / "one" / "reference.de.txt").unlink()
    with pytest.raises(ConfigError, match="add references"):
        simulst(*words(folder, "--work", str(folder / "other")))


def test_the_policy_as_its_own_teacher(folder: Path) -> None:
    """What it drafts with less in sight its full view may judge; without a lag that is vacuous."""
    own = ("--teacher", str(folder / "policy"))
    simulst(*words(folder, *own))
    records = list(read_records(folder / "mine-work" / "round-1" / "accepted.jsonl"))
    assert sum(r["judged"] for r in records) > sum(r["passed"] for r in records) > 0
    with pytest.raises(
        ConfigError, match=r"P = q accepts every draft alike.*leave 0 out of --lags"
    ):
        simulst(*words(folder, *own, "--lags", "0,2", out="vacuous"))
    assert not (folder / "vacuous-work").exists()


def test_what_is_refused_before_any_drawing(folder: Path) -> None:
    """Foreign subwords, dev sentences among the talks, a teacher missing or idle, bad limits."""
    with pytest.raises(ModelError, match="are not the policy's"):
        simulst(*words(folder, "--teacher", str(folder / "stranger")))
    with pytest.raises(ConfigError, match="name one with --teacher"):
        simulst(*words(folder, "--form", "prefix"))
    with pytest.raises(ConfigError, match="--form best asks no teacher"):
        simulst(*words(folder, "--form", "best", "--teacher", str(folder / "teacher")))
    with pytest.raises(ConfigError, match="--limit is -1"):
        simulst(*words(folder, "--limit", "-1"))
    with pytest.raises(ConfigError, match="--rounds is 0"):
        simulst(*words(folder, "--rounds", "0"))
    with pytest.raises(ConfigError, match="--dev-limit is 0"):
        simulst(*words(folder, "--dev-limit", "0"))
    (folder / "dev.tsv").write_text(f"{SENTENCES[2]}\t{SENTENCES[3]}\n")
    for option in ("--dev", "--test"):
        with pytest.raises(DataError, match="what is learnt from cannot judge"):
            simulst(*words(folder, option, str(folder / "dev.tsv")))
    assert not (folder / "mine-work" / "round-1").exists()


def test_numbers_by_comma(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no list of numbers is named with the option that it was given to."""
    for option, message in (("--lags", "whole numbers"), ("--temperatures", "numbers")):
        with pytest.raises(SystemExit):
            simulst(*words(folder, option, "1,x"))
        assert f"argument {option}: '1,x': give {message} by comma" in capsys.readouterr().err


def test_nothing_accepted(folder: Path) -> None:
    """The message counts what was refused, the report is there, and the drafts are kept."""
    (folder / "talks" / "one" / "reference.de.txt").write_text("Äh\nÖh\nÜh\n")
    more = ("--teacher", str(folder / "teacher"), "--sharpness", "1")
    line = [word for word in words(folder, *more) if word != "--no-gates"]
    with pytest.raises(DataError, match=r"nothing was accepted of 6 drafts \(refused: .*length"):
        simulst(*line)
    round_1 = folder / "mine-work" / "round-1"
    drawn = (round_1 / "samples.jsonl").read_bytes()
    assert "to learn from" in (folder / "mine-work" / "report" / "report.md").read_text()
    assert not (folder / "mine").exists()
    (round_1 / "accepted.jsonl").unlink()  # as the message says
    simulst(*words(folder, *more))
    assert (round_1 / "samples.jsonl").read_bytes() == drawn


def test_talks_that_changed(folder: Path) -> None:
    """Stage files of talks as they were are not gone on with."""
    simulst(*words(folder))
    transcript = folder / "talks" / "one" / "transcript.en.txt"
    lines = transcript.read_text().splitlines()
    transcript.write_text("\n".join(["Something else.", *lines[1:]]))
    with pytest.raises(DataError, match=r"where the talks now have 'Something else\.'"):
        simulst(*words(folder))
    transcript.write_text("\n".join(lines[:2]))
    (folder / "talks" / "one" / "reference.de.txt").write_text("Eins.\nZwei.\n")
    with pytest.raises(DataError, match="they have changed"):
        simulst(*words(folder))


def test_an_old_run_in_the_same_folder(folder: Path) -> None:
    """Other drafts, another test or other learning are named, and nothing is overwritten."""
    more = ("--teacher", str(folder / "teacher"))
    simulst(*words(folder, *more))
    kept = {p: p.read_bytes() for p in (folder / "mine-work").rglob("*") if p.is_file()}
    for change, kind, message in (
        (("--drafts", "3"), DataError, "another drawing"),
        (("--m", "2"), DataError, "another selection"),
        (("--steps", "5"), ModelError, "other settings"),
    ):
        with pytest.raises(kind, match=message):
            simulst(*words(folder, *more, *change))
    assert all(path.read_bytes() == data for path, data in kept.items())
