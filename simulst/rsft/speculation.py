"""Token-level rejection sampling of whole sentences: what fails is replaced, and drafting goes on.

Two ways lead to the same outcome. Models that can be steered are followed token by token, each
computed once. Others draft to the end of the sentence, are judged in one pass, and draft again
from the first replacement on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulst.accept.sequences import residual
from simulst.draws import uniform
from simulst.protocols import Proposal, Sample, Seq2Seq, Stepwise
from simulst.rsft.selection import Accepted, check_vocabularies, passes, scores

__all__ = ["speculative"]

ROWS = 256  # drafts side by side
TINIEST = 1e-300  # a mass that has a logarithm


@dataclass(slots=True)
class _Row:
    """A sample on its way through the speculative form."""

    proposal: Proposal
    sample: Sample
    settled: tuple[int, ...] = ()  # tokens that stay
    learned: tuple[bool, ...] = ()
    judged: int = 0
    log_ratios: tuple[float, ...] = ()
    ended: bool = False

    def judge(self, log_p: Sequence[float], m: float) -> int | None:
        """Settle accepted tokens; return the position of the first rejection."""
        start = len(self.settled)
        drafted = self.sample.tokens[start:]
        for i, (token, q) in enumerate(zip(drafted, self.sample.log_q, strict=True)):
            self.judged += 1
            self.log_ratios += (log_p[start + i] - q,)
            if not passes(self.proposal, start + i, log_p[start + i], q, m):
                return start + i
            self.settled += (token,)
            self.learned += (True,)
        self.ended = True
        return None

    def accepted(self) -> Accepted:
        """What came of it."""
        passed = sum(self.learned)
        counts = self.judged, passed, self.log_ratios
        return Accepted(self.proposal, self.settled, self.learned, *counts)


def speculative(
    policy: Seq2Seq,
    teacher: Seq2Seq,
    proposals: Sequence[Proposal],
    samples: Sequence[Sample],
    m: float,
    eos: int,
    sharpness: float = 1.0,
) -> list[Accepted]:
    """Token-level rejection sampling with replacement, to whole sentences.

    Args:
        policy: q; drafts on after a replaced token.
        teacher: P, of the same subwords.
        proposals, samples: what the policy drew.
        m: M > 0; exact for M >= 1.
        eos: the token that ends a sentence.
        sharpness: beta of P^beta, renormalised at every token: 1 is P, large values its choice.

    Raises:
        ModelError: the teacher reads other subwords.
    """
    check_vocabularies(policy, teacher)
    if isinstance(policy, Stepwise) and isinstance(teacher, Stepwise):
        parts = (slice(i, i + ROWS) for i in range(0, len(proposals), ROWS))
        return [
            accepted
            for part in parts
            for accepted in _in_step(
                policy, teacher, proposals[part], samples[part], m, 1 / sharpness
            )
        ]
    rows = [_Row(proposal, sample) for proposal, sample in zip(proposals, samples, strict=True)]
    while busy := [row for row in rows if not row.ended]:
        found = _log_p(teacher, busy, 1 / sharpness)
        rejected = [
            r for r, log_p in zip(busy, found, strict=True) if r.judge(log_p, m) is not None
        ]
        _replace(policy, teacher, rejected, m, eos, 1 / sharpness)
    return [row.accepted() for row in rows]


def _log_p(teacher: Seq2Seq, rows: Sequence[_Row], temperature: float) -> Sequence[Sequence[float]]:
    """log P of every token of the rows' samples, P at a temperature."""
    samples = [row.sample.tokens for row in rows]
    if temperature == 1:
        return scores(teacher, [row.proposal for row in rows], samples)
    # scores are of P itself: the masses of every place are needed to sharpen it
    return [
        [
            math.log(max(mass[token], TINIEST))
            for mass, token in zip(
                teacher.following(
                    [
                        replace(row.proposal, lag=0, temperature=temperature, prefix=tokens[:i])
                        for i in range(len(tokens))
                    ]
                ),
                tokens,
                strict=True,
            )
        ]
        for row, tokens in zip(rows, samples, strict=True)
    ]


def _replace(
    policy: Seq2Seq,
    teacher: Seq2Seq,
    rows: Sequence[_Row],
    m: float,
    eos: int,
    temperature: float,
) -> None:
    """Draw the token after what is settled from the residual, and draft on."""
    if not rows:
        return
    open_ends = [replace(row.proposal, prefix=row.settled) for row in rows]
    q = policy.following(open_ends)
    p = teacher.following([replace(e, lag=0, temperature=temperature) for e in open_ends])
    for row, p_row, q_row in zip(rows, p, q, strict=True):
        position = len(row.settled)
        u = uniform(*row.proposal.key, "residual", position)
        token = _drawn(residual(p_row, q_row, m), u)
        row.settled += (token,)
        row.learned += (False,)
        row.ended = token == eos
    going_on = [row for row in rows if not row.ended]
    drafts = policy.sample([replace(row.proposal, prefix=row.settled) for row in going_on])
    for row, draft in zip(going_on, drafts, strict=True):
        row.sample = draft


def _drawn(mass: NDArray[np.float64], u: float) -> int:
    """The token at which the cumulated mass passes u."""
    sums = mass.cumsum()
    return min(int(np.searchsorted(sums, u * sums[-1], side="right")), len(mass) - 1)


def _in_step(
    policy: Stepwise,
    teacher: Stepwise,
    proposals: Sequence[Proposal],
    samples: Sequence[Sample],
    m: float,
    temperature: float,
) -> list[Accepted]:
    """The same, both models followed token by token, P at a temperature."""
    rows = [_Row(proposal, sample) for proposal, sample in zip(proposals, samples, strict=True)]
    strayed = [False] * len(rows)  # from the sample: what comes next is drawn here
    drafting = policy.write(proposals)
    judging = teacher.write([replace(p, lag=0, temperature=temperature) for p in proposals])
    while live := drafting.live:
        assert list(judging.live) == list(live), "both end a sentence at the same length"
        log_q, log_p = drafting.log_masses(), judging.log_masses()
        tokens = []
        for i, q_row, p_row in zip(live, log_q, log_p, strict=True):
            row, position = rows[i], len(rows[i].settled)
            if strayed[i]:
                u = uniform(*row.proposal.key, position)
                token = _drawn(np.exp(q_row, dtype=np.float64), u)
                q = float(q_row[token])
            else:
                token, q = row.sample.tokens[position], row.sample.log_q[position]
            p = float(p_row[token])
            row.judged += 1
            row.log_ratios += (p - q,)
            own = passes(row.proposal, position, p, q, m)
            if not own:
                u = uniform(*row.proposal.key, "residual", position)
                p_mass, q_mass = (np.exp(each, dtype=np.float64) for each in (p_row, q_row))
                token = _drawn(residual(p_mass, q_mass, m), u)
                strayed[i] = True
            row.settled += (token,)
            row.learned += (own,)
            tokens.append(token)
        drafting.take(tokens)
        judging.take(tokens)
    return [row.accepted() for row in rows]
