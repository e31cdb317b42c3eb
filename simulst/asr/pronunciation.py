"""English text as entries of a pronouncing dictionary: rough, but enough to find words in sound.

What a dictionary lacks is spelled by rule. A wrong vowel shifts no word by more than a few
hundredths of a second when everything else around it fits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

__all__ = ["cardinal", "entries", "phones_of"]

_PLAIN = str.maketrans({"’": "'", "‘": "'", "`": "'", "ß": "ss", "æ": "ae", "ø": "o", "œ": "oe"})
_PARTS = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*|\d+(?:,\d{3})*|[%&$€£@+]")
_SYMBOLS = {
    **{"%": "percent", "&": "and", "$": "dollars", "€": "euros", "£": "pounds"},
    **{"@": "at", "+": "plus"},
}
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1000, "thousand"), (100, "hundred"))

_SOUNDS = {
    **{"tion": "SH AH N", "sion": "ZH AH N", "tch": "CH", "sch": "SH", "igh": "AY"},
    **{"ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "ck": "K", "qu": "K W", "ng": "NG"},
    **{"wh": "W", "oo": "UW", "ee": "IY", "ea": "IY", "ai": "EY", "ay": "EY", "oa": "OW"},
    **{"ou": "AW", "ow": "OW", "au": "AO", "aw": "AO", "oi": "OY", "oy": "OY", "ie": "IY"},
    **{"ei": "AY", "er": "ER", "ir": "ER", "ur": "ER", "ar": "AA R", "or": "AO R"},
    **{"a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH"},
    **{"i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P"},
    **{"q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S"},
    **{"y": "IY", "z": "Z"},
}
_LETTERS = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))


def entries(word: str, known: Callable[[str], bool]) -> list[str]:
    """The entries, one after another, that a word of a text is spoken as; none for a lone mark.

    Args:
        word: as written, punctuation attached.
        known: whether the dictionary has an entry; what it has not is to be added by `phones_of`.
    """
    text = unicodedata.normalize("NFKD", word.translate(_PLAIN))
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    whole = text.lower().strip("\"'“”„«»()[]{}.,;:!?-–—…")
    if whole and known(whole):
        return [whole]
    found: list[str] = []
    for part in _PARTS.findall(text):
        found += _spoken(part, known)
    return found


def _spoken(part: str, known: Callable[[str], bool]) -> Iterator[str]:
    lower = part.lower()
    if part in _SYMBOLS:
        yield _SYMBOLS[part]
    elif part[0].isdigit():
        yield from _number(part)
    elif known(lower) or not (part.isupper() and len(part) <= 5):
        yield lower
    else:
        yield from lower  # an abbreviation, by its letters


def _number(digits: str) -> list[str]:
    value = int(digits.replace(",", ""))
    if len(digits) == 4 and (1100 <= value < 2000 or 2010 <= value < 2100):  # most likely a year
        rest = value % 100
        after = cardinal(rest) if rest > 9 else ["oh", *cardinal(rest)] if rest else ["hundred"]
        return [*cardinal(value // 100), *after]
    return cardinal(value)


def cardinal(value: int) -> list[str]:
    """The words of a number >= 0; from a trillion on, its digits."""
    if value >= 10**12:
        return [_ONES[int(digit)] for digit in str(value)]
    for scale, name in _SCALES:
        if value >= scale:
            rest = cardinal(value % scale) if value % scale else []
            return [*cardinal(value // scale), name, *rest]
    if value < 20:
        return [_ONES[value]]
    return [_TENS[value // 10 - 2], *([_ONES[value % 10]] if value % 10 else [])]


def phones_of(entry: str) -> str:
    """How an entry may sound, in the phones of CMU's dictionary.

    Args:
        entry: lower-case letters and apostrophes.
    """
    letters = re.sub(r"(.)\1", r"\1", entry.replace("'", ""))
    letters = entry.replace("'", "") if len(letters) < 2 else letters
    if len(letters) > 3 and letters.endswith("e"):
        letters = letters[:-1]
    return " ".join(_SOUNDS[found] for found in _LETTERS.findall(letters))
