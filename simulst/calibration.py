"""How well a figure foretells an outcome: AUROC, Brier score, calibration error.

An outcome is a probability o in [0, 1]: the event happens with it. All scores are expectations
over that draw, so that outcomes of 0 and 1 give the usual ones. Each may carry a weight, which
is how the bootstrap draws whole groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Bin", "auroc", "auroc_interval", "brier", "calibration_error", "reliability", "roc"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Tokens whose expectation lies in one tenth of [0, 1].

    Attributes:
        expected, happened: means of expectations and outcomes.
        share: of all tokens.
    """

    expected: float
    happened: float
    share: float


def _ranks(figures: ArrayLike) -> NDArray[np.intp]:
    """0 for the lowest; equal figures share a rank."""
    ranks: NDArray[np.intp] = np.unique(np.asarray(figures, np.float64), return_inverse=True)[1]
    return ranks


def _tallies(ranks: NDArray[np.intp], outcomes: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weight that happened and that did not, at each rank from the lowest."""
    happened: Floats = np.bincount(ranks, weights * outcomes).astype(np.float64)
    failed: Floats = np.bincount(ranks, weights * (1 - outcomes)).astype(np.float64)
    return happened, failed


def _area(happened: Floats, failed: Floats) -> float | None:
    pairs = happened.sum() * failed.sum()
    if pairs <= 0:
        return None
    below = failed.cumsum() - failed
    return float((happened * (below + failed / 2)).sum() / pairs)


def auroc(figures: ArrayLike, outcomes: ArrayLike) -> float | None:
    """P(a token that is accepted has the larger figure than one that is not), ties one half.

    Args:
        figures: (N,) of any scale, larger for likelier.
        outcomes: (N,) in [0, 1].

    Returns:
        None where nothing, or everything, happened.
    """
    happened = np.asarray(outcomes, np.float64)
    return _area(*_tallies(_ranks(figures), happened, np.ones_like(happened)))


def auroc_interval(
    figures: ArrayLike,
    outcomes: ArrayLike,
    groups: ArrayLike,
    *,
    against: ArrayLike | None = None,
    rounds: int = 500,
    seed: int = 0,
) -> tuple[float, float] | None:
    """95 % percentile bootstrap of `auroc`, whole groups drawn with replacement.

    Args:
        figures, outcomes: as in `auroc`.
        groups: (N,) the sentence of each token; its tokens are not independent.
        against: (N,) other figures, whose AUROC in the same draw is taken off: the interval is
            that of the difference.
        rounds: of the bootstrap.
        seed: of its draws.
    """
    ranks, happened = _ranks(figures), np.asarray(outcomes, np.float64)
    others = None if against is None else _ranks(against)
    index = np.unique(np.asarray(groups), return_inverse=True)[1]
    count = int(index.max()) + 1
    dice = np.random.default_rng(seed)
    areas = []
    for _ in range(rounds):
        drawn = np.bincount(dice.integers(count, size=count), minlength=count)
        weights = drawn[index].astype(np.float64)
        area = _area(*_tallies(ranks, happened, weights))
        other = 0.0 if others is None else _area(*_tallies(others, happened, weights))
        if area is not None and other is not None:
            areas.append(area - other)
    if not areas:
        return None
    low, high = np.percentile(areas, [2.5, 97.5])
    return float(low), float(high)


def roc(figures: ArrayLike, outcomes: ArrayLike) -> tuple[Floats, Floats]:
    """False and true positive rates at every threshold, from (0, 0) to (1, 1)."""
    happened = np.asarray(outcomes, np.float64)
    yes, no = _tallies(_ranks(figures), happened, np.ones_like(happened))
    rates = []
    for tally in (no, yes):
        steps = np.concatenate([[0.0], tally[::-1].cumsum()])
        rates.append(steps / max(steps[-1], 1e-12))
    return rates[0], rates[1]


def brier(expected: ArrayLike, outcomes: ArrayLike) -> float:
    """Mean squared difference of expectation and drawn outcome (Brier 1950): e^2 - 2eo + o.

    Args:
        expected, outcomes: (N,) in [0, 1].
    """
    e, o = np.asarray(expected, np.float64), np.asarray(outcomes, np.float64)
    return float((e * e - 2 * e * o + o).mean())


def reliability(expected: ArrayLike, outcomes: ArrayLike, bins: int = 10) -> list[Bin]:
    """Expectation against outcome in bins of equal width; empty bins are left out.

    Args:
        expected, outcomes: (N,) in [0, 1].
        bins: >= 1.
    """
    e, o = np.asarray(expected, np.float64), np.asarray(outcomes, np.float64)
    place = np.minimum((e * bins).astype(int), bins - 1)
    found = []
    for b in range(bins):
        inside = place == b
        if inside.any():
            means = float(e[inside].mean()), float(o[inside].mean())
            found.append(Bin(*means, float(inside.mean())))
    return found


def calibration_error(expected: ArrayLike, outcomes: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015): mean of |expected - happened| over bins."""
    found = reliability(expected, outcomes, bins)
    return sum(b.share * abs(b.expected - b.happened) for b in found)
