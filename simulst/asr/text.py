"""Words as text: what two hypotheses are compared by, and the marks that words carry.

No word lists and no languages here; abbreviations live in `sentences`.
"""

from __future__ import annotations

import unicodedata

from simulst.types import Word

__all__ = ["FINAL_MARKS", "closing_marks", "is_mark", "key"]

FINAL_MARKS = frozenset(".!?…。！？")
"""Marks that can end a sentence."""


def key(text: str) -> str:
    """The text as it is compared: without case and punctuation; empty for a lone mark."""
    return "".join(
        letter for letter in text.casefold() if not unicodedata.category(letter).startswith("P")
    )


def is_mark(word: Word) -> bool:
    """Whether the word is punctuation alone, as when a full stop is heard after the fact."""
    return not key(word.text)


def closing_marks(text: str) -> str:
    """The punctuation at the end of the text, without quotes and brackets."""
    bare = text.rstrip("\"'”’»)]}")
    marks = ""
    while bare and unicodedata.category(bare[-1]).startswith("P"):
        marks = bare[-1] + marks
        bare = bare[:-1]
    return marks
