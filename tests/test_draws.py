"""Keyed random numbers."""

from __future__ import annotations

import numpy as np

from simulst.draws import uniform


def test_known_value() -> None:
    """A key gives the same number for ever: logs of old sessions can be recomputed."""
    assert uniform(0, 1, 2, "accept") == 0.6246298232977074


def test_spread() -> None:
    """Ten thousand keys fill ten bins evenly and are not correlated with their neighbours."""
    draws = np.array([uniform(7, 0, t, "accept") for t in range(10_000)])
    counts = np.histogram(draws, bins=10, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 27.9  # chi squared, 9 degrees, p = 0.001
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.04


def test_purposes_do_not_share_draws() -> None:
    """Drafting and accepting the same position use different numbers."""
    assert uniform(0, 0, 0, "draft") != uniform(0, 0, 0, "accept")
