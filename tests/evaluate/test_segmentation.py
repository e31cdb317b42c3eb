"""Words of a talk handed out to sentences."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.evaluate import segmentation
from simulst.evaluate.segmentation import cut_by_edits, cut_by_letters

LINES = st.lists(
    st.lists(st.sampled_from(["a", "ab", "abc", ".", "x"]), min_size=1, max_size=4),
    min_size=1,
    max_size=4,
)


def test_the_least_word_error_rate_cuts_where_the_words_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the package a word goes with its like; what is like nothing, with the one before."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    references = [["a", "b", "c"], ["d", "e"], ["f"]]
    assert segmentation.cut(references, ["A", "b", "x", "c", "d", "f"]) == [4, 1, 1]
    assert segmentation.cut(references, ["d", "e", "f"]) == [0, 2, 1]
    assert segmentation.cut(references, []) == [0, 0, 0]
    assert segmentation.aligner() == "edit distance"


@given(LINES, st.lists(st.sampled_from(["a", "ab", "b", ".", "c"]), max_size=9))
def test_every_word_is_handed_out_once(references: list[list[str]], written: list[str]) -> None:
    """Both ways give each written word to one sentence, in order."""
    assert sum(cut_by_edits(references, written)) == len(written)
    assert sum(cut_by_letters(references, written, False)) == len(written)
    assert sum(cut_by_letters(references, written, True)) == len(written)


def test_a_word_like_no_other_goes_to_the_sentence_it_resembles() -> None:
    """Between two sentences, words go with the first until one is more like the second."""
    references = [["eins", "zwei"], ["drei", "vier"]]
    assert cut_by_letters(references, ["eins", "zwei", "wiez", "deri", "drei"], False) == [3, 2]


def test_a_mark_at_the_start_is_kept() -> None:
    """Bare punctuation before the first word is not lost."""
    assert cut_by_letters([["ja"], ["nein"]], ["-", "ja", "nein"], False) == [2, 1]
