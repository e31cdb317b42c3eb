"""How much of a target had to be written before its source was heard.

A target that follows the order of the source teaches a policy to translate; one that does not
teaches it to guess. Usually target words are counted that are aligned to source words not yet read
(anticipation rate, Chen et al. 2021). What an aligner would tell is asked of the policy instead,
which every Seq2Seq can answer: what a token gains in likelihood once the whole source is there,

    log pi(y_t | y_<t, x) - log pi(y_t | y_<t, what is read at t),

the pointwise mutual information of the token and what is still to come, in nats. Its mean over a
target is the anticipation: about 0 where nothing was missing, large where the words depend on what
had not been said.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulst.protocols import Seq2Seq
from simulst.rsft.selection import Accepted

__all__ = ["anticipations"]

BARRED = -1000.0
"""Less likely than anything that may be written: an end of sentence while the source is open. It
is waited for, not guessed, and does not count."""


def anticipations(policy: Seq2Seq, targets: Sequence[Accepted]) -> list[float]:
    """Nats a token that the whole source adds to what the lag shows, of each target.

    Args:
        policy: under whose lags the targets were written.
        targets: not empty ones. Those of lag 0, the whole source, have 0.
    """
    found = [0.0] * len(targets)
    early = [i for i, target in enumerate(targets) if target.proposal.lag]
    if not early:
        return found
    sources = [targets[i].proposal.source for i in early]
    tokens = [targets[i].tokens for i in early]
    seen = policy.score(sources, tokens, [targets[i].proposal.lag for i in early])
    known = policy.score(sources, tokens, [0] * len(early))
    for i, before, after in zip(early, seen, known, strict=True):
        gains = [a - b for b, a in zip(before, after, strict=True) if b > BARRED]
        found[i] = sum(gains) / max(1, len(gains))
    return found
