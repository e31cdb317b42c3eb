"""Where a line of captions may be broken.

Text with spaces may be broken at each of them. In scripts without spaces any two characters may
be parted, but for what typography forbids (kinsoku; JIS X 4051, GB/T 15834): closing marks do not
begin a line, opening ones do not end it, and Latin words and numbers stay whole.
"""

from __future__ import annotations

import unicodedata

__all__ = ["is_mark", "may_break", "wide"]

NEVER_FIRST = frozenset(
    "、。，．,.・：:；;？?！!…‥‼⁇⁈⁉%％‰°′″℃"
    "ーゝゞヽヾ々〻‐゠–～〜"  # that lengthen or repeat what stands before
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"  # small kana
    "’”"
)
NEVER_LAST = frozenset("$¥￥£＄￡#＃‘“")
CLOSING = ("Pe", "Pf", "Mn", "Mc", "Me", "Lm")  # brackets, and what belongs to the letter before
OPENING = ("Ps", "Pi")


def _begins_no_line(letter: str) -> bool:
    return letter in NEVER_FIRST or unicodedata.category(letter) in CLOSING


def _ends_no_line(letter: str) -> bool:
    return letter in NEVER_LAST or unicodedata.category(letter) in OPENING


def may_break(before: str, space: str, after: str) -> bool:
    """Whether a line may end between two units.

    Args:
        before, after: the units, neither empty.
        space: what stands between them.
    """
    if space:
        return True
    last, first = before[-1], after[0]
    if _begins_no_line(first) or _ends_no_line(last):
        return False
    return not (_latin(last) and _latin(first))


def _latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def is_mark(text: str) -> bool:
    """Whether a unit is nothing but marks that may not begin a line."""
    return all(map(_begins_no_line, text))


def wide(text: str) -> bool:
    """Whether a text has characters as wide as two Latin ones."""
    return any(unicodedata.east_asian_width(letter) in "WF" for letter in text)
