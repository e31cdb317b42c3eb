"""Whole target sentences of many sources while they are written, a token of each at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulst.protocols import Proposal
from simulst.translate import rows as unit_rows
from simulst.translate.cache import mask as attention_mask
from simulst.translate.cache import pad
from simulst.translate.model import WaitkTransformer
from simulst.translate.sight import Sources, within_unit
from simulst.translate.vocabulary import Vocabulary

__all__ = ["WaitkWriting", "units_of"]


def units_of(vocabulary: Vocabulary, tokens: Sequence[int]) -> tuple[list[int], list[bool]]:
    """The unit of each token, and whether it is the unit's first; then those of the next."""
    units, starts = [0], [True]
    length = 0
    for token in tokens:
        length += 1
        ended = vocabulary.ends[token] or length >= unit_rows.LONGEST_UNIT
        units.append(units[-1] + ended)
        starts.append(ended)
        length = 0 if ended else length
    return units, starts


class WaitkWriting:
    """Decodes a batch with its keys and values kept; see `simulst.protocols.Writing`.

    Args:
        model: decodes.
        vocabulary: says where units end.
        bias: (3, V) of what may follow within a unit, before one, and before one at the end.
        encoded: the sources.
        proposals: one a row.
        longest: units of each row at most.

    Attributes:
        live: rows that go on, in order.
        tokens: of each row, its prefix included.
    """

    def __init__(
        self,
        model: WaitkTransformer,
        vocabulary: Vocabulary,
        bias: Tensor,
        encoded: Sources,
        proposals: Sequence[Proposal],
        longest: Sequence[int],
    ) -> None:
        self._model, self._vocabulary, self._bias = model, vocabulary, bias
        self._encoded, self._longest = encoded, longest
        self._lags = torch.tensor([p.lag for p in proposals])
        self._warmth = torch.tensor([p.temperature or 1.0 for p in proposals])
        self.tokens = [list(p.prefix) for p in proposals]
        cut = [units_of(vocabulary, row) for row in self.tokens]
        self._unit = [units[-1] for units, _ in cut]
        self._within = [within_unit(starts) for _, starts in cut]
        self.live = [
            i
            for i, p in enumerate(proposals)
            if p.prefix[-1:] != (vocabulary.eos,) and self._unit[i] < longest[i]
        ]
        self._todo = {i: [vocabulary.bos, *self.tokens[i]] for i in self.live}
        self._units = {i: cut[i][0] for i in self.live}
        # finished rows stay in the tensors until these are cut
        self._batch = self.live
        self._start = torch.zeros(len(self._batch), dtype=torch.long)
        self._valid = torch.zeros(len(self._batch), 0, dtype=torch.bool)
        self._past: Any = None
        index = encoded.index[self._batch]
        self._memory = [(k[index], v[index]) for k, v in encoded.memory]

    @torch.inference_mode()
    def log_mass(self) -> Tensor:
        """(L, V) log-probabilities of the next token of every live row, at its temperature."""
        ids, fresh = pad([self._todo[i] for i in self._batch])
        fresh = torch.ones_like(ids, dtype=torch.bool) if fresh is None else fresh
        units, _ = pad([self._units[i] for i in self._batch])
        sight, closed = self._encoded.sight(torch.tensor(self._batch), self._lags, units)
        size = self._memory[0][0].shape[2]
        seen = (torch.arange(size) < sight.unsqueeze(-1)).unsqueeze(1)
        width = 0 if self._past is None else self._past[0][0].shape[2]
        mask = attention_mask(self._valid, fresh, ids.shape[1], width)
        states, self._past = self._model.decode(
            ids, self._start, self._memory, seen, self._past, mask
        )
        self._valid = torch.cat([self._valid, fresh], dim=1)
        count = fresh.sum(1)
        self._start = self._start + count
        going = set(self.live)
        places = [place for place, i in enumerate(self._batch) if i in going]
        last = count[places] - 1
        kinds = [
            0 if self._within[i] else 1 + bool(shut)
            for i, shut in zip(self.live, closed[places, last].tolist(), strict=True)
        ]
        logits = self._model.logits(states[places, last]) + self._bias[kinds]
        return torch.log_softmax(logits / self._warmth[self.live].unsqueeze(1), dim=-1)

    def log_masses(self) -> NDArray[np.float32]:
        """The same as an array; see `simulst.protocols.Writing`."""
        with self._bias.device:
            found: NDArray[np.float32] = self.log_mass().cpu().numpy()
        return found

    def take(self, tokens: Sequence[int]) -> None:
        """Go on with a token for every live row."""
        going_on = []
        for i, token in zip(self.live, tokens, strict=True):
            self.tokens[i].append(token)
            if token == self._vocabulary.eos:
                continue
            self._within[i] += 1
            if self._vocabulary.ends[token] or self._within[i] >= unit_rows.LONGEST_UNIT:
                self._within[i] = 0
                self._unit[i] += 1
            if self._unit[i] < self._longest[i]:
                going_on.append(i)
                self._todo[i], self._units[i] = [token], [self._unit[i]]
        self.live = going_on
        staying = set(going_on)
        for i in self._batch:
            if i not in staying:
                self._todo[i], self._units[i] = [self._vocabulary.eos], [self._unit[i]]
        if self.live and 4 * len(self.live) <= 3 * len(self._batch):
            places = [place for place, i in enumerate(self._batch) if i in staying]
            self._past = [(k[places], v[places]) for k, v in self._past]
            self._memory = [(k[places], v[places]) for k, v in self._memory]
            self._valid, self._start = self._valid[places], self._start[places]
            self._batch = self.live

    def branch(self, parents: Sequence[int]) -> None:
        """Go on with copies of the live rows at these places; see `simulst.protocols.Writing`."""
        rows = [self.live[place] for place in parents]
        place_of = {i: place for place, i in enumerate(self._batch)}
        places = [place_of[i] for i in rows]
        if rows == list(self._batch) == list(range(len(self.tokens))):
            return
        self._past = [(k[places], v[places]) for k, v in self._past]
        index = self._encoded.index
        if not torch.equal(index[rows], index[self._batch]):  # rows of one source share it
            self._memory = [(k[places], v[places]) for k, v in self._memory]
        self._valid, self._start = self._valid[places], self._start[places]
        self._encoded = replace(self._encoded, index=index[rows])
        self._lags, self._warmth = self._lags[rows], self._warmth[rows]
        self._longest = [self._longest[i] for i in rows]
        self.tokens = [list(self.tokens[i]) for i in rows]
        self._unit = [self._unit[i] for i in rows]
        self._within = [self._within[i] for i in rows]
        self._todo = {n: self._todo[i] for n, i in enumerate(rows)}
        self._units = {n: self._units[i] for n, i in enumerate(rows)}
        self.live = self._batch = list(range(len(rows)))
