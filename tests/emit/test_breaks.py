"""Where lines may be broken."""

from __future__ import annotations

import pytest

from simulst.emit.breaks import is_mark, may_break, wide

PAIRS = ("好。", "好」", "キャ", "ラー", "人々", "「好", "$5", "AB", "26", "กั")


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_what_belongs_together_is_not_parted(before: str, after: str) -> None:
    """No line begins with a closing mark, ends with an opening one, or breaks a Latin word."""
    assert not may_break(before, "", after)


@pytest.mark.parametrize(
    ("before", "after"), [("好", "的"), ("。", "好"), ("」", "「"), ("A", "好"), ("好", "A")]
)
def test_characters_may_be_parted(before: str, after: str) -> None:
    """Any two characters may, and marks from what is on their other side."""
    assert may_break(before, "", after)


def test_a_space_may_always_be_a_line_break() -> None:
    """Marks that stand apart are the writer's business."""
    assert may_break("Oui", " ", "!")


def test_marks_and_width() -> None:
    """A mark is nothing else; full-width are the characters of East Asia and their marks."""
    assert is_mark("。」") and not is_mark("。好")
    assert wide("a。") and wide("한") and not wide("Straße—")
