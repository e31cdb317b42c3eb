"""How wide words are on a page whose fonts nobody knows: estimates, rather too wide."""

from __future__ import annotations

import unicodedata

__all__ = ["SIZE", "text_width"]

SIZE = 13
"""Of the timeline's letters, in pixels."""

NARROW, WIDE = frozenset("iljtfrI.,:;!'|()[]1"), frozenset("mwMWQ@%—")


def text_width(text: str, size: float = SIZE) -> float:
    """Pixels that a text takes at a size."""
    return sum(map(_width, text)) * size


def _width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if letter in NARROW:
        return 0.38
    if letter in WIDE or letter.isupper():
        return 0.78
    return 1.02 if unicodedata.east_asian_width(letter) in "WF" else 0.6
