"""Parallel text: reading, subwords, wait-k visibility, batches."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import numpy as np
import pytest

from simulst.corpus import Pair, read_pairs
from simulst.errors import DataError
from simulst.train.parallel import batches, collate, cut, encode, join, roughen, visible
from tests.fakes import SENTENCES, vocabulary

PAIRS = [Pair(a, b) for a, b in zip(SENTENCES[::2], SENTENCES[1::2], strict=True)]
EXAMPLES = [e for pair in PAIRS if (e := encode(pair, vocabulary(), 200))]


def test_reading_both_forms(tmp_path: Path) -> None:
    """Two columns and four columns, plain and gzipped, give the same pairs."""
    two, four = tmp_path / "a.tsv", tmp_path / "b.tsv.gz"
    two.write_text("Hello.\tHallo.\n \tleer\n", encoding="utf-8")
    with gzip.open(four, "wt", encoding="utf-8") as file:
        file.write("news\tCC0\tHello.\tHallo.\nchat\tCC0\tHi.\tHi.\n")
    assert read_pairs(two) == [Pair("Hello.", "Hallo.")]
    assert read_pairs(four, ["news"]) == [Pair("Hello.", "Hallo.", "news")]


def test_bad_files_are_named(tmp_path: Path) -> None:
    """Missing, empty, badly cut and damaged files, and unknown corpora, get a clear line."""
    path = tmp_path / "x.tsv"
    with pytest.raises(DataError, match="No such file"):
        read_pairs(path)
    path.write_text("")
    with pytest.raises(DataError, match="holds no sentence pairs"):
        read_pairs(path)
    path.write_text("a\tb\none column\n")
    with pytest.raises(DataError, match="line 2: 1 columns"):
        read_pairs(path)
    path.write_text("a\tb\n")
    with pytest.raises(DataError, match="holds no corpus news"):
        read_pairs(path, ["news"])
    damaged = tmp_path / "x.tsv.gz"
    damaged.write_bytes(gzip.compress(b"a\tb\n" * 1000)[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs(damaged)


def test_cutting_keeps_what_belongs_together() -> None:
    """A pair is cut where a comma of one side answers one of the other, else left as it is."""
    pair = Pair("If it rains, we stay at home.", "Wenn es regnet, bleiben wir daheim.", "x")
    parts = {cut(pair, random.Random(seed)) for seed in range(40)}
    head = Pair("If it rains,", "Wenn es regnet,", "x")
    assert parts == {head, Pair("we stay at home.", "bleiben wir daheim.", "x")}
    for source, target in (
        ("No comma here.", "Kein Komma hier."),
        ("I know, he comes.", "Ich weiß, dass er kommt, sagt er."),
        ("Well, that is quite a long story to tell.", "Das ist eine lange Geschichte, nun."),
    ):
        assert cut(Pair(source, target), random.Random(0)) == Pair(source, target)


@pytest.mark.parametrize("k", [1, 3, 50])
def test_visibility_follows_wait_k(k: int) -> None:
    """Unit j sees min(k + j, |x|) words; whoever sees all words sees the end, as eos does."""
    example = EXAMPLES[0]
    words = len(PAIRS[0].source.split())
    seen = visible(example, k)
    for token, unit in enumerate(example.target_unit[:-1]):
        read = min(k + unit, words)
        expected = example.source_ends[read - 1] if read < words else len(example.source)
        assert seen[token] == expected
    assert seen[-1] == len(example.source)


def test_joined_examples_equal_a_joined_sentence() -> None:
    """Joining two examples gives what encoding the joined text gives."""
    both = Pair(f"{PAIRS[0].source} {PAIRS[1].source}", f"{PAIRS[0].target} {PAIRS[1].target}")
    expected = encode(both, vocabulary(), 400)
    found = join(EXAMPLES[:2])
    assert expected is not None
    for name in ("source", "source_ends", "target", "target_unit"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


def test_long_and_empty_pairs_are_left_out() -> None:
    """A pair beyond the limit gives no example."""
    assert encode(PAIRS[0], vocabulary(), 5) is None


def test_an_epoch_holds_everything_once() -> None:
    """Every example comes once an epoch, batches keep to their size, and order is by the seed."""
    many = EXAMPLES * 40
    groups = list(batches(many, 120, seed=1, epoch=0))
    assert sum(map(len, groups)) == len(many)
    for rows in groups:
        longest = max(max(len(e.source), len(e.target)) for e in rows)
        assert longest * len(rows) <= 120 or len(rows) == 1
    first = [[len(e.source) for e in rows] for rows in groups]
    again = [[len(e.source) for e in r] for r in batches(many, 120, seed=1, epoch=0)]
    other = [[len(e.source) for e in r] for r in batches(many, 120, seed=1, epoch=1)]
    assert first == again
    assert first != other


def test_labels_stand_one_ahead_of_inputs() -> None:
    """In a batch each input is the label before it, and padding carries no label."""
    batch = collate(EXAMPLES, [2] * len(EXAMPLES), vocabulary())
    assert batch.tokens == sum(len(e.target) for e in EXAMPLES)
    for row, example in enumerate(EXAMPLES):
        n = len(example.target)
        assert batch.inputs[row, 0] == vocabulary().bos
        assert batch.inputs[row, 1:n].tolist() == batch.labels[row, : n - 1].tolist()
        assert batch.keep[row].tolist() == [i < n for i in range(batch.keep.shape[1])]


def test_roughened_sources_look_like_plain_recognition() -> None:
    """Case and punctuation go, apostrophes stay, the target is untouched."""
    pair = roughen(Pair("Well, I don't KNOW (yet).", "Nun ja."))
    assert pair == Pair("well i don't know yet", "Nun ja.")
