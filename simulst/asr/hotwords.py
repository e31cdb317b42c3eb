"""Names and terms that are likely to be said: hearing them out of what sounds nearly like them.

Stock Whisper models are told the terms in their prompt. A listener without a prompt writes a name
that it does not know as some other word, often one that does not exist; such a word is replaced
by the term that it nearly sounds like, if it was not sure of it. That is done to each hypothesis,
before any word of it is committed, so that what is committed never changes.

Deliberately missing: a dictionary of pronunciations. The spelling stands for the sound, roughly as
English has it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from simulst.asr.text import closing_marks, key
from simulst.protocols import Transcriber
from simulst.types import Window, Word

__all__ = ["HotwordTranscriber", "corrected", "distance", "sounds"]

DOUBTFUL = 0.7
"""Probability below which a word may have been another."""
NEAR = 0.17
"""Greatest distance, per sound of the term."""
LEAST = 5
"""Sounds of a term, below which too many words are near it."""
_SPELLINGS = (
    *(("ph", "f"), ("gh", "g"), ("ck", "k"), ("sch", "S"), ("sh", "S"), ("ch", "S"), ("th", "t")),
    *(("qu", "kw"), ("x", "ks"), ("ce", "se"), ("ci", "si"), ("cy", "si"), ("c", "k"), ("q", "k")),
    *(("j", "g"), ("wr", "r"), ("kn", "n"), ("y", "i"), ("h", "")),
)
_LIKE = {
    letter: number
    for number, letters in enumerate(("aeiou", "bp", "dt", "gk", "fvw", "szS", "mn"))
    for letter in letters
}
"""Sounds of one number are easily mistaken for each other."""


@lru_cache(maxsize=4096)
def sounds(text: str) -> str:
    """What the text sounds like, spaces and marks left out."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if letter.isalnum())
    for spelt, sound in _SPELLINGS:
        plain = plain.replace(spelt, sound)
    if len(plain) > LEAST and plain.endswith("e"):
        plain = plain[:-1]  # silent
    return "".join(b for a, b in zip(f" {plain}", plain, strict=False) if a != b)


def distance(one: str, other: str) -> float:
    """Edit distance of two sound sequences; sounds that are alike count for half."""
    row = [float(i) for i in range(len(other) + 1)]
    for i, a in enumerate(one, 1):
        last, row[0] = row[0], float(i)
        for j, b in enumerate(other, 1):
            alike = a in _LIKE and _LIKE[a] == _LIKE.get(b)
            change = last + (0.0 if a == b else 0.5 if alike else 1.0)
            last, row[j] = row[j], min(change, row[j] + 1, row[j - 1] + 1)
    return row[-1]


def corrected(words: Sequence[Word], terms: Sequence[Sequence[str]]) -> tuple[Word, ...]:
    """The words with those replaced that nearly sound like a term; marks and times are kept.

    A term of n words may have been heard as up to n + 1 words, none of which the recogniser was
    sure of. What is spelt as a term, or differs in an ending alone, is left as it is.

    Args:
        words: of a hypothesis.
        terms: the words of each, as they are written.
    """
    near = [
        (far, abs(count - len(term)), at, count, term)
        for at in range(len(words))
        for term in terms
        for count in range(max(1, len(term) - 1), len(term) + 2)
        if (far := _far(words[at : at + count], count, term)) is not None
    ]
    taken: dict[int, tuple[int, Sequence[str]]] = {}
    for _, _, at, count, term in sorted(near, key=lambda each: each[:4]):  # the nearest first
        if all(at + count <= other or other + n <= at for other, (n, _) in taken.items()):
            taken[at] = count, term
    found: list[Word] = []
    at = 0
    while at < len(words):
        count, term = taken.get(at, (1, ()))
        run = words[at : at + count]
        found += _spread(run, term) if term else run
        at += count
    return tuple(found)


def _far(run: Sequence[Word], count: int, term: Sequence[str]) -> float | None:
    """How far a run of words is from a term; None if it is too far, or must stand."""
    if len(run) < count or any(word.probability >= DOUBTFUL for word in run):
        return None
    heard, meant = sounds("".join(word.text for word in run)), sounds("".join(term))
    if len(meant) < LEAST or heard[:1] == "" or abs(len(heard) - len(meant)) > NEAR * len(meant):
        return None
    one, other = ["".join(map(key, words)) for words in ([word.text for word in run], term)]
    if one.startswith(other) or other.startswith(one):
        return None  # the term itself, or another form of it
    far = distance(heard, meant) / len(meant)
    return far if far <= NEAR else None


def _spread(run: Sequence[Word], term: Sequence[str]) -> list[Word]:
    """The words of a term in the time of a run, and the mark after it."""
    start, end = run[0].start, run[-1].end
    length = sum(map(len, term))
    edges = [start + (end - start) * sum(map(len, term[:i])) // length for i in range(len(term))]
    written = [*term[:-1], term[-1] + closing_marks(run[-1].text)]
    probability = min(word.probability for word in run)
    return [
        replace(run[0], text=text, start=begin, end=stop, probability=probability)
        for text, begin, stop in zip(written, edges, [*edges[1:], end], strict=True)
    ]


class HotwordTranscriber:
    """Recognises with another transcriber and corrects what nearly sounds like a term.

    Args:
        transcriber: any.
        terms: the words of each, as they are written.
    """

    def __init__(self, transcriber: Transcriber, terms: Sequence[Sequence[str]]) -> None:
        self.transcriber = transcriber
        self.languages = transcriber.languages
        self._terms = tuple(map(tuple, terms))

    def transcribe(self, windows: Sequence[Window]) -> list[tuple[Word, ...]]:
        """Return the words that follow each window's prefix; see `Transcriber`."""
        heard = self.transcriber.transcribe(windows)
        return [corrected(words, self._terms) for words in heard]
