"""The words of a whole talk handed out to the sentences of its reference.

Two ways are in use: by least word error rate (Matusov et al. 2005), for StreamLAAL, and by the
letters that words share (Polák et al. 2025), for LongYAAL. Where a talk begins with a bare
punctuation mark OmniSTEval loses the mark; here the first sentence has it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["aligner", "cut", "cut_by_edits", "cut_by_letters"]

PUNCTUATION = frozenset(".!?,;:-()。！？，；：—（）ー")

Similarity = Callable[[str, str], float]


# -- by word error rate --------------------------------------------------------------------


def aligner() -> str:
    """What cuts a talk for StreamLAAL, for the signature."""
    if importlib.util.find_spec("mweralign"):
        return f"mweralign {importlib.metadata.version('mweralign')}"
    return "edit distance"


def cut(references: Sequence[Sequence[str]], written: Sequence[str]) -> list[int]:
    """Units of each sentence, so that the word error rate is least."""
    if not written:
        return [0] * len(references)
    if importlib.util.find_spec("mweralign"):
        from mweralign import mweralign

        lines = "\n".join(" ".join(reference) for reference in references)
        with _hushed():
            lines = str(mweralign.align_texts(lines, " ".join(written)))
        return [len(line.split()) for line in lines.split("\n")]
    return cut_by_edits(references, written)


@contextmanager
def _hushed() -> Iterator[None]:
    """Without what the package's C++ code tells standard error."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def cut_by_edits(references: Sequence[Sequence[str]], written: Sequence[str]) -> list[int]:
    """The same by edit distance; a unit that stands for none goes with the one before it.

    Cuts of one distance are often many, so that its figures are not those of mweralign.
    """
    flat, owners = _flatten(references)
    pairs = _align(
        [word.lower() for word in flat],
        [word.lower() for word in written],
        lambda a, b: 0.0 if a == b else -1.0,
        gap=-1.0,
    )
    counts = [0] * len(references)
    owner = owners[0]
    for place, unit in pairs:
        owner = owner if place is None else owners[place]
        counts[owner] += unit is not None
    return counts


# -- by letters shared ---------------------------------------------------------------------


def cut_by_letters(
    references: Sequence[Sequence[str]], written: Sequence[str], character: bool
) -> list[int]:
    """Units of each sentence, so that aligned words share most letters."""
    flat, owners = _flatten(references)
    flat, units = [_normal(word) for word in flat], [_normal(unit) for unit in written]
    similarity: Similarity = _same if character else _letters_shared
    pairs = _align(flat, units, similarity, gap=0.0)
    following: list[int | None] = []  # the next reference word from each pair on
    for place, _ in reversed(pairs):
        following.append(place if place is not None or not following else following[-1])
    counts = [0] * len(references)
    last: int | None = None
    for (place, unit), after in zip(pairs, reversed(following), strict=True):
        if place is not None:
            last = place
            counts[owners[place]] += unit is not None
            continue
        assert unit is not None
        # aligned to nothing: from the first unit of such a run that is more like the word after
        # it than the word before it, the run belongs to the word after
        if last is None or (
            after is not None
            and similarity(flat[after], units[unit]) > similarity(flat[last], units[unit])
        ):
            last = after
        assert last is not None, "a reference has words"
        counts[owners[last]] += 1
    return counts


def _normal(word: str) -> str:
    return unicodedata.normalize("NFKC", word).lower()


def _same(a: str, b: str) -> float:
    return -np.inf if (a in PUNCTUATION) != (b in PUNCTUATION) else float(a == b)


@cache
def _letters_shared(a: str, b: str) -> float:
    """Jaccard index of the letters; a punctuation mark is like no word."""
    if (a in PUNCTUATION) != (b in PUNCTUATION):
        return -np.inf
    one, other = set(a), set(b)
    return len(one & other) / len(one | other)


def _flatten(references: Sequence[Sequence[str]]) -> tuple[list[str], list[int]]:
    flat = [word for reference in references for word in reference]
    return flat, [i for i, reference in enumerate(references) for _ in reference]


# -- alignment -----------------------------------------------------------------------------

BOTH, REFERENCE, WRITTEN = 0, 1, 2


def _align(
    reference: Sequence[str], written: Sequence[str], similarity: Similarity, gap: float
) -> list[tuple[int | None, int | None]]:
    """Needleman and Wunsch 1970: index pairs of the alignment with the greatest sum.

    Args:
        reference: n >= 1 units.
        written: m units.
        similarity: of two units.
        gap: of a unit that is aligned to none, <= 0; of equal sums a pair goes first, then a
            reference unit alone.
    """
    m = len(written)
    kinds = {unit: i for i, unit in enumerate(dict.fromkeys(written))}
    columns = np.array([kinds[unit] for unit in written], dtype=np.int64)
    ramp = gap * np.arange(m + 1)
    above: NDArray[np.floating] = ramp
    moves = np.full((len(reference) + 1, m + 1), WRITTEN, np.int8)
    for i, word in enumerate(reference, 1):
        alike = np.array([similarity(word, unit) for unit in kinds])[columns] if m else ramp[:0]
        pair = np.concatenate(([-np.inf], above[:-1] + alike))
        alone = above + gap
        # what comes from the left is a running maximum once the gaps are taken out
        best = np.maximum.accumulate(np.maximum(pair, alone) - ramp) + ramp
        left = np.concatenate(([-np.inf], best[:-1] + gap))
        moves[i] = np.where(
            (pair >= alone) & (pair >= left), BOTH, np.where(alone >= left, REFERENCE, WRITTEN)
        )
        above = best
    i, j = len(reference), m
    pairs: list[tuple[int | None, int | None]] = []
    while i or j:
        move = moves[i, j]
        i, j = i - (move != WRITTEN), j - (move != REFERENCE)
        pairs.append((None if move == WRITTEN else i, None if move == REFERENCE else j))
    return pairs[::-1]
