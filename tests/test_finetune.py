"""`simulst finetune` from talks to a pack, on tiny models."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from simulst import finetune, packs
from simulst.errors import ConfigError, DataError, ModelError
from simulst.rsft.stages import read_records
from simulst.translate.storage import load_translator, save_translator
from tests.fakes import SENTENCES, translator


@pytest.fixture(autouse=True)
def short_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights seldom end a word by themselves."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy, teachers, a talk and dev text."""
    for name, model in (
        ("policy", translator()),
        ("teacher", translator(3, bidirectional=True)),
        ("stranger", translator(1, "character")),
    ):
        save_translator(
            tmp_path / name, model.model, model.vocabulary, "en", "de", {"license": "CC0"}
        )
    talk = tmp_path / "talks" / "one"
    talk.mkdir(parents=True)
    (talk / "transcript.en.txt").write_text("\n".join(SENTENCES[::2]))
    (talk / "reference.de.txt").write_text("\n".join(SENTENCES[1::2]))
    (tmp_path / "dev.tsv").write_text("The old road.\tDie alte Straße.\n")
    return tmp_path


def call(folder: Path, *more: str) -> int:
    """Run the command on the talks of the folder."""
    parser = argparse.ArgumentParser()
    finetune.add_arguments(parser)
    line = [
        *(str(folder / "talks"), "--pack", str(folder / "policy"), "--out", str(folder / "mine")),
        *("--drafts", "2", "--lags", "1,2", "--temperatures", "0.5", "--steps", "2"),
        *("--tokens", "20", "--no-gates", *more),
    ]
    return finetune.run(parser.parse_args(line))


def test_from_talks_to_a_pack(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All stages are there, the pack translates, and says where it comes from."""
    more = ("--teacher", str(folder / "teacher"), "--dev", str(folder / "dev.tsv"))
    assert call(folder, *more, "--rounds", "2") == 0
    pack = packs.open_pack(folder / "mine", "translator")
    assert pack.fields["license"] == "CC0"
    assert pack.fields["rsft"]["round"] == 2
    assert load_translator(pack).target_language == "de"
    work = folder / "mine-work"
    records = list(read_records(work / "round-1" / "accepted.jsonl"))
    assert [record["source"] for record in records] == list(SENTENCES[::2])
    said = capsys.readouterr().err
    assert "talks: 3 sentences" in said and "of judged tokens accepted" in said
    assert "best dev BLEU" in said
    # run again it has nothing left to do and gives the same pack
    before = (folder / "mine" / "pack.json").read_text()
    assert call(folder, *more, "--rounds", "2") == 0
    assert (folder / "mine" / "pack.json").read_text() == before


def test_without_a_teacher_the_reference_decides(folder: Path) -> None:
    """The reward form is the default there; it needs references."""
    assert call(folder) == 0
    assert packs.open_pack(folder / "mine", "translator").fields["rsft"]["form"] == "reward"
    (folder / "talks" / "one" / "reference.de.txt").unlink()
    with pytest.raises(ConfigError, match="add references"):
        call(folder, "--work", str(folder / "other"))


def test_what_is_refused(folder: Path) -> None:
    """Foreign subwords, dev sentences among the talks, a missing teacher: before any drawing."""
    with pytest.raises(ModelError, match="are not the policy's"):
        call(folder, "--teacher", str(folder / "stranger"))
    with pytest.raises(ConfigError, match="name one with --teacher"):
        call(folder, "--form", "prefix")
    (folder / "dev.tsv").write_text(f"{SENTENCES[2]}\t{SENTENCES[3]}\n")
    with pytest.raises(DataError, match="what is learnt from cannot judge"):
        call(folder, "--dev", str(folder / "dev.tsv"))
    assert not (folder / "mine-work" / "round-1").exists()
