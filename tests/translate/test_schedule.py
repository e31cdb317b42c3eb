"""Test-time wait-k, by hand."""

from __future__ import annotations

from simulst.translate.schedule import View, seen, views

BEGINS = {1: True, 2: False, 3: True}


def test_words_are_seen_as_words_are_complete() -> None:
    """A word counts once another has begun; at lag 0, and once all is read, all is seen."""
    target = (1, 2, 3, 2, 1, 3, 1)  # words of 2, 2, 1, 1 and 1 tokens
    assert seen(5, target, 2, BEGINS) == [2, 2, 2, 3, 3, 4, 5, 5]
    assert seen(5, target, 0, BEGINS) == [5] * 8
    assert seen(1, target, 4, BEGINS) == [1] * 8
    # a first token without the mark begins the first word all the same
    assert seen(5, (2, 1), 1, BEGINS) == [1, 1, 2]


def test_a_target_is_cut_where_more_is_seen() -> None:
    """The stretches are the target, each with the beginning of the source that it sees."""
    source, target = ("a", "b", "c"), (1, 2, 3, 2, 1)
    assert list(views(source, target, 2, BEGINS)) == [
        View(("a", "b"), (1, 2, 3), 0, False),
        View(source, target, 3, True),
    ]
    assert list(views(source, target, 0, BEGINS)) == [View(source, target, 0, True)]
