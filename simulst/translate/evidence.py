"""Learned evidence: what a draft's acceptance by the full source is expected to be.

The quantity wanted online is alpha(y) = E over futures of min(1, P_full(y) / (M q(y))), which
needs the rest of the sentence. A small network reads it off what is there when p verifies the
draft: the decoder's state, and what p and q say of the token. It belongs to the weights that it
was trained with and is stored in their pack. Huang et al. 2024 ("SpecDec++") predict from hidden
states whether a larger model will accept a draft; here the one who will is the same model, later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor, nn

from simulst.protocols import Request
from simulst.types import Draft

__all__ = ["NUMBERS", "EvidenceHead", "Facts", "features"]

NUMBERS = (
    "log q",
    "log p",
    "log p - log q",  # evidence S1
    "entropy of q",
    "entropy of p",
    "log p - log p of the best other token",
    "p's choice",
    "lowest log p before it in the draft",
    "words read beyond the units before it",
    "words read",
    "words withheld from q",
    "tokens before it in the draft",
    "starts a unit",
)
"""What the head reads besides the decoder's state."""

FLOOR = -12.0  # log-probabilities below it say nothing more


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """A verification pass over N drafted tokens, all drafts one after another.

    Attributes:
        states: (N, D) decoder states in which p predicts them.
        logs: (N, V) log-probabilities under p, not sharpened.
        chosen: (N,) the drafted tokens.
    """

    states: Tensor
    logs: Tensor
    chosen: Tensor


def features(requests: Sequence[Request], drafts: Sequence[Draft], facts: Facts) -> Tensor:
    """What the head reads of each token, (N, D + len(NUMBERS)).

    Args:
        requests: as p got them.
        drafts: as many.
        facts: of the pass in which p scored them.
    """
    log_p = facts.logs.gather(1, facts.chosen.unsqueeze(1)).squeeze(1)
    top = facts.logs.topk(2, dim=-1)
    best = top.indices[:, 0] == facts.chosen
    other = torch.where(best, top.values[:, 1], top.values[:, 0])
    spread = -(facts.logs.exp() * facts.logs).sum(dim=-1)
    counted: list[tuple[float, ...]] = []
    end = 0
    for request, draft in zip(requests, drafts, strict=True):
        begin, end = end, end + len(draft.tokens)
        own = log_p[begin:end].tolist()
        lowest = [0.0, *accumulate(own, min)]
        read, place = len(request.source), 0
        for unit, length in enumerate(draft.lengths):
            lag = read - len(request.prefix.lengths) - unit
            for j in range(length):
                facts_of = (draft.log_q[place], draft.entropy[place], max(lowest[place], FLOOR))
                counted.append((*facts_of, lag, read, draft.withheld, place, float(j == 0)))
                place += 1
    known = torch.tensor(counted).to(log_p)
    log_q, entropy_q, lowest_p, *rest = known.unbind(dim=1)
    log_p, log_q = log_p.clamp(min=FLOOR), log_q.clamp(min=FLOOR)
    margin = log_p - other.clamp(min=FLOOR)
    numbers = (log_q, log_p, log_p - log_q, entropy_q, spread, margin, best.float(), lowest_p)
    return torch.cat([facts.states, torch.stack([*numbers, *rest], dim=1)], dim=1)


class EvidenceHead(nn.Module):
    """Two layers from the features of a drafted token to the logit of its alpha.

    Args:
        width: of the decoder's states.
        inner: width of the inner layer.
        lookbacks: the L of the drafts that it was trained on; it knows no others.
        dropout: of the inner layer, in training.
    """

    numbers = len(NUMBERS)

    def __init__(
        self, width: int, inner: int = 64, lookbacks: Sequence[int] = (0, 1), dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.width = width
        self.inner = inner
        self.lookbacks = tuple(lookbacks)
        size = width + self.numbers
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.layers = nn.Sequential(
            nn.Linear(size, inner), nn.ReLU(), nn.Dropout(dropout), nn.Linear(inner, 1)
        )

    @torch.no_grad()
    def normalise(self, seen: Tensor) -> None:
        """Take mean and spread of the inputs from features (N, F) seen in training."""
        self.mean = seen.mean(dim=0)
        self.scale = seen.std(dim=0).clamp(min=1e-3)

    def forward(self, seen: Tensor) -> Tensor:
        """(N, F) -> (N,) logits of alpha."""
        # what lies far outside of training must not carry the sum away
        logits: Tensor = self.layers(((seen - self.mean) / self.scale).clamp(-6, 6)).squeeze(-1)
        return logits
