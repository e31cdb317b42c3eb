"""What became of the drafts of one proposal, in counts that can be added up.

The weights w = P/q of the tokens tested say how well q covers P: their mean under q is 1 whatever
the lag and the temperature, and what falls short of it, or leaps above it, is the noise of a few
heavy ones. Kish's (sum w)^2 / sum w^2 counts the tokens that a plain mean would need to be as good.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from simulst.accept.ratio import acceptance
from simulst.protocols import Proposal
from simulst.rsft.selection import Accepted

__all__ = ["Tally", "positions", "tallies"]

HEAVIEST = 50.0  # log P - log q; above it one token would drown the sums
DIGITS = 6


@dataclass(slots=True)
class Tally:
    """Drafts of a proposal, and what the test made of them.

    Attributes:
        drawn, passed_whole: drafts, and those of which the form accepted something.
        judged, passed: tokens tested and accepted.
        distinct: targets that passed the test, each counted once.
        kept: targets that passed the gates too and are learnt from.
        weighed: tokens whose P and q are known.
        weight, square: sums of w and of w^2 over them.
        sure: sum of min(1, w / M), what acceptance is in expectation.
    """

    drawn: int = 0
    passed_whole: int = 0
    judged: int = 0
    passed: int = 0
    distinct: int = 0
    kept: int = 0
    weighed: int = 0
    weight: float = 0.0
    square: float = 0.0
    sure: float = 0.0

    def weigh(self, log_ratios: Iterable[float], m: float) -> None:
        """Count tested tokens by their log P - log q."""
        for value in log_ratios:
            weight = math.exp(min(value, HEAVIEST))
            self.weighed += 1
            self.weight += weight
            self.square += weight * weight
            self.sure += acceptance(value, 0.0, m)

    def add(self, counts: Mapping[str, Any]) -> None:
        """Add what `record` gave of other drafts; other keys are passed over."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + counts[field.name])

    def record(self) -> dict[str, Any]:
        """The counts, as a stage file holds them."""
        values = asdict(self)
        return {k: round(v, DIGITS) if isinstance(v, float) else v for k, v in values.items()}

    @property
    def acceptance(self) -> float | None:
        """Share of the tested tokens that were accepted."""
        return self.passed / self.judged if self.judged else None

    @property
    def mean_ratio(self) -> float | None:
        """E_q[w], which is 1 but for noise."""
        return self.weight / self.weighed if self.weighed else None

    @property
    def sample_size(self) -> float | None:
        """Effective sample size of the tested tokens, as a share of them."""
        return self.weight**2 / self.square / self.weighed if self.square else None

    def deficit(self, m: float) -> float | None:
        """C_M, the mass of P that no draft can deliver, from A = (1 - C_M) / M.

        It bounds the distance in total variation between what is accepted and P.
        """
        return max(0.0, 1.0 - m * self.sure / self.weighed) if self.weighed else None


def tallies(
    proposals: Sequence[Proposal],
    found: Sequence[Accepted],
    learnt: Sequence[Accepted],
    ratios: Sequence[tuple[float, ...]],
    m: float,
) -> dict[tuple[int, float], Tally]:
    """What became of the drafts of a source, by lag and temperature.

    Args:
        proposals: of its drafts.
        found: what the form accepted, or tested in vain.
        learnt: of that, the targets that are kept.
        ratios: log P - log q of every draft, where the form does not say them itself.
        m: M of the test.
    """
    counts: dict[tuple[int, float], Tally] = {}

    def of(proposal: Proposal) -> Tally:
        return counts.setdefault((proposal.lag, proposal.temperature), Tally())

    for proposal in proposals:
        of(proposal).drawn += 1
    for proposal, values in zip(proposals, ratios, strict=False):
        of(proposal).weigh(values, m)
    texts = set()
    for accepted in found:
        tally = of(accepted.proposal)
        tally.judged += accepted.judged
        tally.passed += accepted.passed
        tally.weigh(accepted.log_ratios, m)
        if accepted.tokens:
            tally.passed_whole += 1
            text = accepted.proposal.lag, accepted.proposal.temperature, accepted.tokens
            tally.distinct += text not in texts
            texts.add(text)
    for accepted in learnt:
        of(accepted.proposal).kept += 1
    return counts


def positions(found: Sequence[Accepted]) -> dict[str, list[list[int]]]:
    """Of each lag, tokens tested and accepted at every position from 0."""
    counts: dict[str, list[list[int]]] = {}
    for accepted in found:
        rows = counts.setdefault(str(accepted.proposal.lag), [])
        for i in range(accepted.judged):
            if i == len(rows):
                rows.append([0, 0])
            rows[i][0] += 1
            rows[i][1] += i < len(accepted.learned) and accepted.learned[i]
    return counts
