"""Beam search for whole sentences, with any `Seq2Seq`: what a teacher would say.

Every step looks at whole prefixes again, so it is slow and works for every model. It makes the
targets of sequence-level knowledge distillation (Kim and Rush 2016), to which RSFT is compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulst.protocols import Proposal, Seq2Seq

__all__ = ["beam_search"]


@dataclass(frozen=True, slots=True)
class _Beam:
    """A target so far, and the sum of its log-probabilities."""

    tokens: tuple[int, ...]
    log_p: float

    def merit(self) -> float:
        """Mean log-probability of a token: long targets are not put at a disadvantage."""
        return self.log_p / len(self.tokens)


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
        ratio, extra: a source of n words gets at most ratio x n + extra tokens, then it is ended.
    """
    beams = [[_Beam((), 0.0)] for _ in sources]
    done: list[list[_Beam]] = [[] for _ in sources]
    longest = [int(ratio * len(source)) + extra for source in sources]
    while open_rows := [i for i, row in enumerate(beams) if row]:
        asked = [(i, beam) for i in open_rows for beam in beams[i]]
        mass = model.following([Proposal(sources[i], 0, prefix=beam.tokens) for i, beam in asked])
        grown: dict[int, list[_Beam]] = {i: [] for i in open_rows}
        for (i, beam), row in zip(asked, mass, strict=True):
            if len(beam.tokens) + 1 >= longest[i]:
                best = np.array([eos])
            else:
                best = np.argpartition(row, -min(width, len(row)))[-min(width, len(row)) :]
            grown[i] += [
                _Beam((*beam.tokens, int(token)), beam.log_p + _log(float(row[token])))
                for token in best
            ]
        for i, found in grown.items():
            found.sort(key=lambda beam: -beam.log_p)
            done[i] += [beam for beam in found[:width] if beam.tokens[-1] == eos]
            beams[i] = [beam for beam in found[:width] if beam.tokens[-1] != eos]
            if len(done[i]) >= width:
                beams[i] = []
    return [max(row, key=lambda beam: beam.merit()).tokens for row in done]


def _log(mass: float) -> float:
    return math.log(max(mass, 1e-300))
