"""Subsets: drawn at random, of every corpus its share, the same again by the same seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from simulst.cli import main
from simulst.corpus import Pair, read_pairs
from simulst.train.subset import draw

PAIRS = [Pair(" ".join(["word"] * (1 + i % 20)) + f" {i}", f"Wort {i}", "a") for i in range(300)]
PAIRS += [Pair(f"other {i}", f"anderes {i}", "b") for i in range(100)]


def test_each_corpus_has_its_share() -> None:
    """That of the data without shares, else the one asked for; never a pair twice."""
    assert Counter(p.corpus for p in draw(PAIRS, 80, {})) == {"a": 60, "b": 20}
    found = draw(PAIRS, 80, {"a": 1, "b": 3})
    assert Counter(p.corpus for p in found) == {"a": 20, "b": 60}
    assert len(set(found)) == 80
    assert len(draw(PAIRS, 4000, {"a": 1, "b": 1})) == 400


def test_the_seed_decides() -> None:
    """The same pairs in the same order, and others by another."""
    assert draw(PAIRS, 50, {}, seed=7) == draw(PAIRS, 50, {}, seed=7)
    assert draw(PAIRS, 50, {}, seed=7) != draw(PAIRS, 50, {}, seed=8)


def test_the_longest_are_left_out() -> None:
    """So many of each corpus."""
    found = draw(PAIRS, 400, {}, longest=0.1)
    assert Counter(p.corpus for p in found) == {"a": 270, "b": 90}
    assert max(len(p.source.split()) for p in found) == 19


def test_the_command_writes_pairs_that_can_be_read(tmp_path: Path) -> None:
    """With their corpora."""
    data, out = tmp_path / "data.tsv", tmp_path / "some.tsv"
    data.write_text(
        "".join(f"{p.corpus}\tnone\t{p.source}\t{p.target}\n" for p in PAIRS), encoding="utf-8"
    )
    words = ["train", "subset", "--data", str(data), "--pairs", "10", "--out", str(out)]
    assert main([*words, "--corpora", "b"]) == 0
    assert {pair.corpus for pair in read_pairs(out)} == {"b"}
    assert len(read_pairs(out)) == 10


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--pairs", "0"], "--pairs is 0"),
        (["--longest", "1"], "--longest is 1.0"),
        (["--corpora", "a=0"], "--corpora has a=0"),
        (["--corpora", "a=few"], "--corpora has a=few"),
        (["--corpora", "a=1,b"], "give all of them a share, or none"),
        (["--corpora", "c"], "holds no corpus c"),
    ],
)
def test_what_cannot_be_drawn(
    options: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Is refused, and nothing is written."""
    data, out = tmp_path / "data.tsv", tmp_path / "some.tsv"
    data.write_text("a\tnone\tone\teins\n", encoding="utf-8")
    words = ["train", "subset", "--data", str(data), "--pairs", "1", "--out", str(out)]
    assert main([*words, *options]) == 2
    assert reason in capsys.readouterr().err
    assert not out.exists()
