"""Which of the policy's own translations it may learn from.

    form         what is accepted
    speculative  every sample, token by token: u <= min(1, P / (M q)), a rejected token is
                 replaced by a draw from the residual, and the policy drafts on from there. The
                 text is ~ P for M >= 1; `learned` tells the policy's own tokens from the
                 inserted ones, so that no form of the loss has to favour sentence beginnings
    prefix       the longest accepted prefix of each sample; the tail is not learnt from
    sequence     whole samples: u <= min(1, P(y|x) / (M q(y))), M estimated from the samples
    rescored     the sample that the teacher likes best a token: the deterministic form (monotonic
                 knowledge distillation, Wang et al. 2023)
    beam         the teacher's own translation, no sample at all: sequence-level distillation
    all          every sample: self-training without a test
    random       whole samples by a coin of a given rate: the P = q control
    reward       RSO: whole samples by a reward instead of a better model
    best         the sample with the highest reward (RAFT, Dong et al. 2023)

P is a teacher that sees the whole source; q is the policy under its lag and temperature. All
random numbers are keyed by the sample, so what is accepted does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulst.accept.ratio import acceptance
from simulst.accept.sequences import accept_by_ratio, accept_by_reward
from simulst.draws import uniform
from simulst.errors import ModelError
from simulst.protocols import Proposal, Sample, Seq2Seq

__all__ = [
    "Accepted",
    "by_prefix",
    "by_reward",
    "by_sequence",
    "check_vocabularies",
    "log_ratios",
    "passes",
    "rescored",
    "scores",
    "whole",
]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A target that the policy may learn from.

    Attributes:
        proposal: it was drawn for.
        tokens: of the target.
        learned: of each token, whether it is the policy's own and was accepted; false for
            tokens inserted from the residual.
        judged: tokens that were tested.
        passed: of these, accepted ones.
        log_ratios: log P - log q of the tested tokens, one after another; empty where no test
            compared the two.
    """

    proposal: Proposal
    tokens: tuple[int, ...]
    learned: tuple[bool, ...]
    judged: int
    passed: int
    log_ratios: tuple[float, ...] = ()


def whole(proposal: Proposal, sample: Sample) -> Accepted:
    """A sample accepted as it is."""
    count = len(sample.tokens)
    return Accepted(proposal, sample.tokens, (True,) * count, count, count)


def check_vocabularies(policy: Seq2Seq, teacher: Seq2Seq) -> None:
    """Refuse a teacher that reads other subwords.

    Raises:
        ModelError: it cannot score the policy's tokens.
    """
    if policy.vocabulary_id != teacher.vocabulary_id:
        raise ModelError(
            f"the teacher's subwords ({teacher.vocabulary_id}) are not the policy's "
            f"({policy.vocabulary_id}): P can only be compared with q token by token in the same "
            "subwords; train a teacher with --vocabulary, or use the form 'reward'"
        )


def scores(
    teacher: Seq2Seq, proposals: Sequence[Proposal], targets: Sequence[tuple[int, ...]]
) -> list[tuple[float, ...]]:
    """log P of every token, the whole source seen."""
    return teacher.score([p.source for p in proposals], targets, [0] * len(proposals))


def log_ratios(
    teacher: Seq2Seq, proposals: Sequence[Proposal], samples: Sequence[Sample]
) -> list[tuple[float, ...]]:
    """log P - log q of every token of every sample; none may have a forced prefix."""
    targets = [sample.tokens for sample in samples]
    return [
        tuple(p - q for p, q in zip(log_p, sample.log_q, strict=True))
        for log_p, sample in zip(scores(teacher, proposals, targets), samples, strict=True)
    ]


def passes(proposal: Proposal, position: int, log_p: float, log_q: float, m: float) -> bool:
    """Whether the token at a position of a draft is accepted; its random number is fixed."""
    return uniform(*proposal.key, "accept", position) <= acceptance(log_p, log_q, m)


def by_prefix(
    teacher: Seq2Seq, proposals: Sequence[Proposal], samples: Sequence[Sample], m: float
) -> list[Accepted]:
    """The longest accepted prefix of each sample, which may be empty."""
    found = []
    targets = [sample.tokens for sample in samples]
    for proposal, sample, log_p in zip(
        proposals, samples, scores(teacher, proposals, targets), strict=True
    ):
        passed = 0
        for p, q in zip(log_p, sample.log_q, strict=True):
            if not passes(proposal, passed, p, q, m):
                break
            passed += 1
        judged = min(passed + 1, len(sample.tokens))
        tokens = sample.tokens[:passed]
        ratios = tuple(p - q for p, q in zip(log_p[:judged], sample.log_q, strict=False))
        found.append(Accepted(proposal, tokens, (True,) * passed, judged, passed, ratios))
    return found


def rescored(
    teacher: Seq2Seq, proposals: Sequence[Proposal], samples: Sequence[Sample]
) -> Accepted:
    """The sample of one source with the highest mean log P of a token."""
    found = scores(teacher, proposals, [sample.tokens for sample in samples])
    best = max(range(len(samples)), key=lambda i: sum(found[i]) / max(1, len(found[i])))
    return whole(proposals[best], samples[best])


def by_sequence(
    proposals: Sequence[Proposal],
    samples: Sequence[Sample],
    ratios: Sequence[tuple[float, ...]],
    log_m: float,
    power: float = 1.0,
) -> list[Accepted]:
    """Whole samples whose (tempered) ratio passes.

    Args:
        proposals, samples: what was drawn.
        ratios: as `log_ratios` gives them.
        log_m: of the tempered ratios, estimated over samples of many sources.
        power: beta; the weight is (P/q)^beta. 1 is the founding form; about 1 / length keeps the
            effective sample size from collapsing.
    """
    weights = [power * sum(values) for values in ratios]
    us = [uniform(*proposal.key, "accept") for proposal in proposals]
    return [
        whole(proposal, sample)
        for proposal, sample, passed in zip(
            proposals, samples, accept_by_ratio(weights, us, log_m), strict=True
        )
        if passed
    ]


def by_reward(
    proposals: Sequence[Proposal],
    samples: Sequence[Sample],
    rewards: Sequence[float],
    beta: float,
    keep: int,
) -> list[Accepted]:
    """RSO over the samples of one source.

    Args:
        proposals, samples: of one source.
        rewards: one a sample.
        beta: temperature of the reward.
        keep: samples accepted at most.
    """
    if not proposals:
        return []
    key = proposals[0].key
    chosen = accept_by_reward(rewards, beta, keep, lambda t: uniform(*key, "reward", t))
    return [whole(proposals[i], samples[i]) for i in chosen]
