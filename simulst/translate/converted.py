"""A translation model of CTranslate2, read on from value to value.

CTranslate2 keeps no states between calls: every call encodes the source and reads the target from
its start. What it writes by itself at its end comes with logits, and is kept for as long as it is
what is asked for next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from simulst.translate.ctranslate import CTranslate2Seq2Seq
from simulst.translate.offline import Reading

__all__ = ["ConvertedDecoder"]

POSITIONS = 500
"""Tokens of a target; CTranslate2 does not say how many its models read, and Marian reads 512."""


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Implements `Reading`.

    Attributes:
        source: words.
        tokens: that have been read.
        ahead: tokens that CTranslate2 would write after them.
        logits: (V,) of what follows `tokens` and one, two ... tokens of `ahead`.
    """

    source: tuple[str, ...]
    tokens: tuple[int, ...] = ()
    ahead: tuple[int, ...] = ()
    logits: tuple[Tensor, ...] = ()


class ConvertedDecoder:
    """Implements `Decoder`.

    Args:
        model: draws and scores whole sentences.
    """

    positions = POSITIONS

    def __init__(self, model: CTranslate2Seq2Seq) -> None:
        self._model = model
        self.subwords = model.subwords
        self.start = model.subwords.forced
        self.size = model.size

    def open(self, sources: Sequence[tuple[str, ...]]) -> Sequence[Reading]:
        """Nothing is encoded yet; see `Decoder`."""
        return [_Reading(source) for source in sources]

    def cut(self, reading: Reading, end: int) -> Reading:
        """The first `end` tokens of a reading; see `Decoder`."""
        assert isinstance(reading, _Reading)
        if end == len(reading.tokens):
            return reading
        return _Reading(reading.source, reading.tokens[:end])

    def advance(
        self, readings: Sequence[Reading], tokens: Sequence[Sequence[int]], wanted: Sequence[int]
    ) -> list[tuple[Reading, Tensor]]:
        """Read on; see `Decoder`."""
        rows = [reading for reading in readings if isinstance(reading, _Reading)]
        found: dict[int, tuple[Reading, Tensor]] = {}
        for i, (row, new) in enumerate(zip(rows, tokens, strict=True)):
            count = len(new)
            if wanted[i] == 1 and tuple(new) == row.ahead[:count] and count < len(row.logits):
                read = _Reading(
                    row.source, (*row.tokens, *new), row.ahead[count:], row.logits[count:]
                )
                found[i] = read, read.logits[0].unsqueeze(0)
        asked = [i for i in range(len(rows)) if i not in found]
        if asked:
            targets = [(*rows[i].tokens, *tokens[i]) for i in asked]
            written = self._model.after(
                [rows[i].source for i in asked],
                [target[len(self.start) :] for target in targets],
                [wanted[i] - 1 for i in asked],
            )
            for i, target, (ahead, logits) in zip(asked, targets, written, strict=True):
                rest = tuple(logits[wanted[i] - 1 :])
                found[i] = (
                    _Reading(rows[i].source, target, tuple(ahead), rest),
                    torch.stack(logits[: wanted[i]]),
                )
        return [found[i] for i in range(len(rows))]
