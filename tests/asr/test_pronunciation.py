"""English text as entries of a dictionary."""

from __future__ import annotations

import pytest

from simulst.asr.pronunciation import cardinal, entries, phones_of

KNOWN = {"self-government", "don't", "mr.", "mr", "naive", "b", "c", "usa"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Self-government,", ["self-government"]),
        ("well-known", ["well", "known"]),
        ("Don’t", ["don't"]),
        ("naïve", ["naive"]),
        ("“Brexit”", ["brexit"]),
        ("BBC", ["b", "b", "c"]),
        ("USA", ["usa"]),
        ("1935", ["nineteen", "thirty", "five"]),
        ("1905,", ["nineteen", "oh", "five"]),
        ("1,935", ["one", "thousand", "nine", "hundred", "thirty", "five"]),
        ("2003", ["two", "thousand", "three"]),
        ("24/7", ["twenty", "four", "seven"]),
        ("50%", ["fifty", "percent"]),
        ("–", []),
        ("北京", []),
    ],
)
def test_words_become_what_is_spoken(word: str, expected: list[str]) -> None:
    """Marks go, numbers and abbreviations are read out, other scripts give nothing."""
    assert entries(word, KNOWN.__contains__) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "zero"),
        (90, "ninety"),
        (117, "one hundred seventeen"),
        (2_000_030, "two million thirty"),
        (10**12, "one" + " zero" * 12),
    ],
)
def test_numbers_are_read(value: int, expected: str) -> None:
    """Every scale has its word; what is too large is read by its digits."""
    assert " ".join(cardinal(value)) == expected


@pytest.mark.parametrize(
    ("entry", "phones"),
    [
        ("brexit", "B R EH K S IH T"),
        ("shmitt", "SH M IH T"),
        ("ee", "IY"),
        ("aa", "AE AE"),
        ("o'shea", "AA SH IY"),
    ],
)
def test_strange_words_are_spelled_by_rule(entry: str, phones: str) -> None:
    """Letters that sound together are one phone; there is always one at least."""
    assert phones_of(entry) == phones
