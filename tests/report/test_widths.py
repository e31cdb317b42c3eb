"""Estimates of the width of words."""

from __future__ import annotations

from simulst.report.widths import text_width


def test_wide_letters_take_more_than_narrow_ones() -> None:
    """The order of widths is that of any proportional font."""
    assert text_width("ill") < text_width("noo") < text_width("WWW") < text_width("漢字漢")


def test_marks_that_stand_on_a_letter_take_nothing() -> None:
    """A letter with a combining accent is as wide as without."""
    assert text_width("e\u0301") == text_width("e")
