"""Target sentences while they are drawn, with random numbers that are fixed by a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from simulst.draws import uniform
from simulst.protocols import Proposal, Sample

__all__ = ["Drafts", "alike", "batches", "choose"]

ROWS = 256  # sentences computed side by side, at most
CELLS = 1 << 26  # numbers in the logits of one pass, about
WIDER = 1.25  # the largest row of a group over its smallest


def choose(log_mass: Tensor, proposals: Sequence[Proposal], positions: Sequence[int]) -> Tensor:
    """(B,) the next token of each row: the most likely one, or the one its random number picks.

    Args:
        log_mass: (B, V) log-probabilities to draw from.
        proposals: of the rows.
        positions: of the token in each row's target.
    """
    best = log_mass.argmax(dim=-1)
    if not any(p.temperature for p in proposals):
        return best
    us = [uniform(*p.key, position) for p, position in zip(proposals, positions, strict=True)]
    sums = log_mass.double().exp().cumsum(dim=-1)
    at = (torch.tensor(us, dtype=torch.double, device=sums.device) * sums[:, -1]).unsqueeze(1)
    drawn = torch.searchsorted(sums, at, right=True).squeeze(1).clamp(max=log_mass.shape[1] - 1)
    warm = torch.tensor([p.temperature > 0 for p in proposals], device=sums.device)
    return torch.where(warm, drawn, best)


class Drafts:
    """What has been drawn for some proposals.

    Args:
        proposals: one a draft.
        longest: tokens of each draft at most, the prefix among them.
        eos: the token that ends a sentence.

    Attributes:
        live: drafts that are not finished, by number, in order.
        tokens: of each draft, its prefix included.
    """

    def __init__(self, proposals: Sequence[Proposal], longest: Sequence[int], eos: int) -> None:
        self.proposals = proposals
        self.longest = longest
        self.eos = eos
        self.tokens = [list(p.prefix) for p in proposals]
        self.live = [i for i in range(len(proposals)) if self._goes_on(i)]
        self._logs: list[list[float]] = [[] for _ in proposals]

    def _goes_on(self, i: int) -> bool:
        tokens = self.tokens[i]
        return tokens[-1:] != [self.eos] and len(tokens) < self.longest[i]

    def take(self, logits: Tensor, drafts: Sequence[int]) -> None:
        """Draw the next token of some live drafts, from logits (B, V); update `live`."""
        proposals = [self.proposals[i] for i in drafts]
        warmth = torch.tensor([p.temperature or 1.0 for p in proposals], device=logits.device)
        log_mass = torch.log_softmax(logits / warmth.unsqueeze(1), dim=-1)
        chosen = choose(log_mass, proposals, [len(self.tokens[i]) for i in drafts])
        taken = log_mass.gather(1, chosen.unsqueeze(1)).squeeze(1).tolist()
        for i, token, log_q in zip(drafts, chosen.tolist(), taken, strict=True):
            self.tokens[i].append(token)
            self._logs[i].append(log_q)
        self.live = [i for i in self.live if self._goes_on(i)]

    def samples(self) -> list[Sample]:
        """The drafts as they are."""
        return [
            Sample(tuple(tokens), tuple(logs), tokens[-1:] == [self.eos])
            for tokens, logs in zip(self.tokens, self._logs, strict=True)
        ]


def batches(lengths: Sequence[int], size: int) -> Iterator[slice]:
    """Rows in batches whose logits fit into memory.

    Args:
        lengths: of the rows, in tokens.
        size: of the vocabulary.
    """
    begin, longest = 0, 0
    for i, length in enumerate(lengths):
        longest = max(longest, length)
        rows = i + 1 - begin
        if rows > 1 and (rows > ROWS or rows * longest * size > CELLS):
            yield slice(begin, i)
            begin, longest = i, length
    if begin < len(lengths):
        yield slice(begin, len(lengths))


def alike(sizes: Sequence[int], most: int) -> list[list[int]]:
    """Places of rows in groups of similar size, so that little is padded, from small to large.

    Args:
        sizes: of the rows.
        most: rows of a group.
    """
    groups: list[list[int]] = []
    for place in sorted(range(len(sizes)), key=sizes.__getitem__):
        if groups and len(groups[-1]) < most and sizes[place] <= WIDER * sizes[groups[-1][0]] + 1:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups
