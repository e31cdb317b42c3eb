"""What the target positions of whole sentences may see of their sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from simulst.translate.model import Past

__all__ = ["Sources", "filled", "within_unit"]


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Distinct sources of a batch, encoded.

    Attributes:
        index: (B,) the source of each row.
        ends: (U, W + 1) tokens visible after 1, 2, ... words and, last, at the end of sentence.
        words: (U,) words of each.
        memory: keys and values for the decoder, (U, H, S, D / H) a layer.
    """

    index: Tensor
    ends: Tensor
    words: Tensor
    memory: Past

    def sight(self, rows: Tensor, lags: Tensor, units: Tensor) -> tuple[Tensor, Tensor]:
        """Visible tokens and whether the source is closed for units (n, T) of some rows (n,)."""
        words = self.words[self.index[rows]].unsqueeze(1)
        lags = lags[rows].unsqueeze(1)
        read = lags + units
        closed = (lags == 0) | (read >= words)
        # the entry behind the last word is the end of sentence
        place = torch.where(closed, words, read - 1)
        return self.ends[self.index[rows]].gather(1, place), closed


def within_unit(starts: Sequence[bool]) -> int:
    """Tokens of the unit that the next token would go on with."""
    length = 0
    for begins in reversed(starts):
        if begins:
            break
        length += 1
    return length


def filled(targets: Sequence[Sequence[int]]) -> Tensor:
    """(B, T) true where a target has a token."""
    lengths = torch.tensor([len(target) for target in targets])
    return torch.arange(int(lengths.max())) < lengths.unsqueeze(1)
