"""Acceptance of whole translations, for learning from them: ratios, M, and what remains.

The founding form accepts a sequence with P(y|x) / (M q(y)). M has to bound the ratio, which is
estimated from the drafts themselves; the ratio of a product of n tokens spreads like the
exponential of a sum of n terms, so that the effective sample size falls with the length, and
what works is done token by token. The whole form is kept as the reference that it is.
The reward form needs no better model: Liu et al. 2023, "Statistical Rejection Sampling Improves
Preference Optimization" (RSO).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from simulst.errors import ConfigError

__all__ = [
    "accept_by_ratio",
    "accept_by_reward",
    "effective_sample_size",
    "estimate_log_m",
    "residual",
]

Floats = NDArray[np.float64]


def residual(p: Floats, q: Floats, m: float = 1.0) -> Floats:
    """r proportional to max(0, p - min(q, p / M)): what is drawn where a draft was rejected.

    With it, the outcome of accepting or redrawing is distributed as p for every M >= 1 (for M = 1
    this is speculative sampling, Leviathan et al. 2023; Chen et al. 2023).

    Args:
        p, q: (V,) distributions over the same tokens.
        m: M > 0.

    Returns:
        (V,) distribution; p itself where nothing remains, which is where nothing is rejected.

    Raises:
        ConfigError: M is not above 0.
    """
    if not m > 0:
        raise ConfigError(f"M is {m}: it must be above 0")
    rest: Floats = np.maximum(p - np.minimum(q, p / m), 0.0)
    if not rest.any():
        rest = p
    scaled: Floats = rest / rest.sum()
    return scaled


def effective_sample_size(log_ratios: Sequence[float] | Floats) -> float:
    """Kish's (sum w)^2 / sum w^2 of the weights w = exp(log ratio); 0 without any weight.

    Args:
        log_ratios: of N drafts; -inf is allowed.
    """
    logs = np.asarray(log_ratios, dtype=np.float64)
    if not len(logs) or logs.max() == -math.inf:
        return 0.0
    weights = np.exp(logs - logs.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


def estimate_log_m(log_ratios: Sequence[float], quantile: float = 1.0) -> float:
    """log M from drafts: their largest log ratio, or a quantile of them.

    The maximum of N drafts grows with N and never bounds the ratio for sure; a quantile below
    1 clips the largest weights, which trades exactness for acceptance.

    Args:
        log_ratios: log P(y|x) - log q(y) of N >= 1 drafts.
        quantile: in (0, 1]; 1 is the maximum.

    Raises:
        ConfigError: no draft, every ratio is zero, or a quantile out of range.
    """
    if not 0 < quantile <= 1:
        raise ConfigError(f"the quantile for M is {quantile}: it must lie in (0, 1]")
    known = [value for value in log_ratios if value > -math.inf]
    if not known:
        raise ConfigError(
            "M cannot be estimated: the target gives probability 0 to every draft; draw from a "
            "proposal that covers it (a higher temperature), or another target"
        )
    return float(np.quantile(known, quantile))


def accept_by_ratio(log_ratios: Sequence[float], us: Sequence[float], log_m: float) -> list[bool]:
    """Whole-sequence rejection sampling: u <= min(1, P / (M q)).

    Args:
        log_ratios: log P(y|x) - log q(y) of each draft.
        us: in [0, 1), one a draft.
        log_m: natural logarithm of M.
    """
    return [
        value > -math.inf and u <= math.exp(min(value - log_m, 0.0))
        for value, u in zip(log_ratios, us, strict=True)
    ]


def accept_by_reward(
    rewards: Sequence[float], beta: float, keep: int, draw: Callable[[int], float]
) -> list[int]:
    """RSO: draw candidates without replacement, accepting with exp((r - max remaining r) / beta).

    The accepted ones are distributed as q(y) exp(r(y) / beta) as the number of candidates grows.
    The best of those that remain is always accepted, so an absolute bar on quality is needed too.

    Args:
        rewards: of each candidate.
        beta: temperature of the reward, > 0.
        keep: candidates wanted, at most.
        draw: number of the trial to u in [0, 1); each trial uses two.

    Returns:
        Indices of the accepted candidates, in the order of their acceptance.

    Raises:
        ConfigError: beta is not above 0.
    """
    if not beta > 0:
        raise ConfigError(f"the temperature of the reward is {beta}: it must be above 0")
    remaining = list(range(len(rewards)))
    accepted: list[int] = []
    trial = 0
    while remaining and len(accepted) < keep:
        best = max(rewards[i] for i in remaining)
        i = remaining[int(draw(2 * trial) * len(remaining))]
        if draw(2 * trial + 1) < math.exp((rewards[i] - best) / beta):
            accepted.append(i)
            remaining.remove(i)
        trial += 1
    return accepted
