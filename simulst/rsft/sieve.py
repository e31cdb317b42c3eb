"""What of the accepted targets of a source may be learnt from: gates, then one of each text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulst.protocols import Proposal, Seq2Seq
from simulst.rsft.anticipation import anticipations
from simulst.rsft.gates import Gates
from simulst.rsft.selection import Accepted

__all__ = ["Candidate", "Sifted", "sift"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that passed the test.

    Attributes:
        accepted: the target.
        text: that it spells.
        anticipation: of the target, nats a token; see `rsft.anticipation`.
    """

    accepted: Accepted
    text: str
    anticipation: float = 0.0


@dataclass(slots=True)
class Sifted:
    """The targets of a source that passed the test.

    Attributes:
        texts: all, with the proposals that they passed for.
        refused: by reason, those that the gates refused.
        kept: of each other text one.
    """

    texts: list[tuple[Proposal, str]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    kept: list[Candidate] = field(default_factory=list)


def sift(
    policy: Seq2Seq,
    sources: Sequence[Mapping[str, str]],
    found: Sequence[Sequence[Accepted]],
    gates: Gates | None,
    *,
    beginnings: bool = False,
    each_lag: bool = False,
) -> list[Sifted]:
    """Gate the targets of many sources.

    Args:
        policy: that drafted.
        sources: each with its "source" and its "reference", which may be empty.
        found: of each source, what passed the test; empty targets are passed over.
        gates: bars on quality; None for none.
        beginnings: the targets may break off, and cannot be held against whole references.
        each_lag: a text is kept once under each lag, not once.
    """
    greedy = _greedy(policy, found) if gates and not beginnings else {}
    sifted = [Sifted() for _ in sources]
    left: list[tuple[Sifted, Candidate]] = []
    for source, row, mine in zip(sources, found, sifted, strict=True):
        for accepted in row:
            if not accepted.tokens:
                continue
            text = policy.text(accepted.tokens)
            mine.texts.append((accepted.proposal, text))
            reason = ""
            if gates and not beginnings:
                baseline = greedy[accepted.proposal.source, accepted.proposal.lag]
                reason = gates.refuse(text, source["source"], source["reference"], baseline)
            if reason:
                mine.refused[reason] += 1
            else:
                left.append((mine, Candidate(accepted, text)))
    nats = anticipations(policy, [candidate.accepted for _, candidate in left])
    for (mine, candidate), ahead in zip(left, nats, strict=True):
        if gates and gates.guesses(ahead):
            mine.refused["anticipation"] += 1
        elif all(_kind(candidate, each_lag) != _kind(other, each_lag) for other in mine.kept):
            mine.kept.append(Candidate(candidate.accepted, candidate.text, ahead))
    return sifted


def _kind(candidate: Candidate, each_lag: bool) -> tuple[str, int]:
    """Of two candidates with the same one is learnt from."""
    return candidate.text, candidate.accepted.proposal.lag if each_lag else 0


def _greedy(
    policy: Seq2Seq, found: Sequence[Sequence[Accepted]]
) -> dict[tuple[tuple[str, ...], int], str]:
    """The policy's most likely translation for every source and lag that something passed for."""
    wanted = {(a.proposal.source, a.proposal.lag): None for row in found for a in row}
    samples = policy.sample([Proposal(source, lag, 0.0) for source, lag in wanted])
    return {key: policy.text(sample.tokens) for key, sample in zip(wanted, samples, strict=True)}
