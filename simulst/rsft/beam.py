"""Beam search for whole sentences: what a teacher would say.

It makes the targets of sequence-level knowledge distillation (Kim and Rush 2016), to which RSFT is
compared. Models that can be steered (`Stepwise`) keep their keys and values and fork them with the
hypotheses; others are asked about whole prefixes again, which is slow and works for every model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulst.protocols import Proposal, Seq2Seq, Stepwise

__all__ = ["beam_search"]

ROWS = 256  # hypotheses side by side
TINIEST = 1e-300  # a mass that has a logarithm


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    """A target so far.

    Attributes:
        source: its place among the sources.
        tokens: that it has.
        log_p: sum of their log-probabilities.
        parent: place, among those asked for before, of the one that it goes on from.
    """

    source: int
    tokens: tuple[int, ...]
    log_p: float
    parent: int = 0

    def merit(self) -> float:
        """Mean log-probability of a token: long targets are not put at a disadvantage."""
        return self.log_p / len(self.tokens)


Follow = Callable[[Sequence[_Hypothesis]], Sequence["NDArray[np.floating] | None"]]
"""Log-probabilities (V,) of the token after each hypothesis; None where the model ended it."""


def beam_search(
    model: Seq2Seq,
    sources: Sequence[tuple[str, ...]],
    eos: int,
    *,
    width: int = 5,
    ratio: float = 3.0,
    extra: int = 10,
) -> list[tuple[int, ...]]:
    """The likeliest target a token of each source, the end of sentence included.

    Args:
        model: sees the whole source.
        sources: their words.
        eos: the token that ends a sentence.
        width: of the beam, >= 1.
        ratio, extra: a source of n words gets at most ratio x n + extra tokens, then it is ended;
            sooner where the model itself ends it.
    """
    found: list[tuple[int, ...]] = [()] * len(sources)
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    size = max(1, ROWS // width)
    for begin in range(0, len(order), size):
        places = order[begin : begin + size]
        some = [sources[i] for i in places]
        longest = [int(ratio * len(source)) + extra for source in some]
        for i, tokens in zip(places, _search(model, some, longest, eos, width), strict=True):
            found[i] = tokens
    return found


def _search(
    model: Seq2Seq,
    sources: Sequence[tuple[str, ...]],
    longest: Sequence[int],
    eos: int,
    width: int,
) -> list[tuple[int, ...]]:
    """The same for sources that are searched side by side."""
    follow: Follow = _asked(model, sources)
    if isinstance(model, Stepwise):
        follow = _Steered(model, sources)
    done: list[list[_Hypothesis]] = [[] for _ in sources]
    beams = [_Hypothesis(i, (), 0.0) for i in range(len(sources))]
    while beams:
        grown: list[list[_Hypothesis]] = [[] for _ in sources]
        for place, (beam, logs) in enumerate(zip(beams, follow(beams), strict=True)):
            if logs is None or len(beam.tokens) + 1 >= longest[beam.source]:
                end = math.log(TINIEST) if logs is None else float(logs[eos])
                next_ones = [(eos, end)]
            else:
                kept = min(width, len(logs))
                best = np.argpartition(logs, -kept)[-kept:]
                next_ones = [(int(token), float(logs[token])) for token in best]
            grown[beam.source] += [
                _Hypothesis(beam.source, (*beam.tokens, token), beam.log_p + log, place)
                for token, log in next_ones
            ]
        beams = []
        for i, row in enumerate(grown):
            row.sort(key=lambda beam: -beam.log_p)
            done[i] += [beam for beam in row[:width] if beam.tokens[-1] == eos]
            if len(done[i]) < width:
                beams += [beam for beam in row[:width] if beam.tokens[-1] != eos]
    return [max(row, key=lambda beam: beam.merit()).tokens for row in done]


def _asked(model: Seq2Seq, sources: Sequence[tuple[str, ...]]) -> Follow:
    """By whole prefixes."""

    def follow(beams: Sequence[_Hypothesis]) -> list[NDArray[np.floating] | None]:
        wanted = [Proposal(sources[beam.source], 0, prefix=beam.tokens) for beam in beams]
        return list(np.log(np.maximum(model.following(wanted), TINIEST)))

    return follow


class _Steered:
    """By what the model kept of the hypotheses that these go on from."""

    def __init__(self, model: Stepwise, sources: Sequence[tuple[str, ...]]) -> None:
        self._writing = model.write([Proposal(source, 0) for source in sources])
        self._place: dict[int, int] = {}

    def __call__(self, beams: Sequence[_Hypothesis]) -> Sequence[NDArray[np.floating] | None]:
        writing = self._writing
        if self._place:
            writing.branch([self._place[beam.parent] for beam in beams])
            writing.take([beam.tokens[-1] for beam in beams])
        logs: list[NDArray[np.floating] | None] = [None] * len(beams)
        self._place = {row: place for place, row in enumerate(writing.live)}
        if self._place:
            for row, mass in zip(self._place, writing.log_masses(), strict=True):
                logs[row] = mass
        return logs
