"""The acceptance test P(accept | y) = min(1, P(y|x) / (M q(y))) and what follows from it.

Rejection sampling: von Neumann 1951; token by token with a draft model: Leviathan et al. 2023,
Chen et al. 2023. M = 1 is the exact speculative test; M < 1 lets more through at the price of
fidelity to p; M > 1 holds more back, which makes sense where a rejection means READ.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulst.errors import ConfigError

__all__ = ["accepted_share", "acceptance", "deficit"]

Distribution = NDArray[np.float64]


def acceptance(log_p: float, log_q: float, m: float) -> float:
    """min(1, p / (M q)) of one token.

    Args:
        log_p, log_q: natural logarithms of its probabilities; -inf is allowed for p.
        m: M > 0.

    Raises:
        ConfigError: M is not above 0.
    """
    if not m > 0:
        raise ConfigError(f"M is {m}: it must be above 0")
    if log_p == -math.inf:
        return 0.0
    exponent = log_p - log_q - math.log(m)
    return 1.0 if exponent >= 0 else math.exp(exponent)


def accepted_share(p: Distribution, q: Distribution, m: float) -> float:
    """A = sum_y min(q, p / M): the probability that a draft from q is accepted.

    Args:
        p, q: (V,) distributions over the same tokens.
        m: M > 0.
    """
    return float(np.minimum(q, p / m).sum())


def deficit(p: Distribution, q: Distribution, m: float) -> float:
    """C_M = sum_y max(0, p - M q), the mass of p that no draft can deliver; A = (1 - C_M) / M.

    It bounds the distance in total variation between what is accepted and p.
    """
    return float(np.maximum(p - m * q, 0).sum())
