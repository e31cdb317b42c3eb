"""The acceptance test and its closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.accept.ratio import acceptance, accepted_share, deficit
from simulst.errors import ConfigError

weights = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3)
positive = st.floats(0.1, 8.0)


@pytest.mark.parametrize(
    ("p", "q", "m", "expected"),
    [(0.3, 0.6, 1.0, 0.5), (0.6, 0.3, 1.0, 1.0), (0.6, 0.3, 4.0, 0.5), (0.3, 0.6, 0.5, 1.0)],
)
def test_ratio(p: float, q: float, m: float, expected: float) -> None:
    """min(1, p / (M q)) on round numbers."""
    assert acceptance(math.log(p), math.log(q), m) == pytest.approx(expected)


def test_impossible_words_are_never_accepted() -> None:
    """A word to which p gives no probability has acceptance 0."""
    assert acceptance(-math.inf, -1.0, 1.0) == 0.0


def test_equal_distributions_give_a_constant() -> None:
    """With p = q every word has acceptance 1/M, however likely it is."""
    assert {round(acceptance(x, x, 2.5), 12) for x in (-0.1, -3.0, -9.0)} == {0.4}


@pytest.mark.parametrize("m", [0.0, -1.0, math.nan])
def test_m_must_be_positive(m: float) -> None:
    """M <= 0 is refused with its value."""
    with pytest.raises(ConfigError, match="above 0"):
        acceptance(0.0, 0.0, m)


@given(weights, weights, positive)
def test_share_and_deficit_agree(a: list[float], b: list[float], m: float) -> None:
    """A = (1 - C_M) / M for any p, q and M, and A is the mean acceptance under q."""
    p, q = np.array(a) / sum(a), np.array(b) / sum(b)
    share = accepted_share(p, q, m)
    assert share == pytest.approx((1 - deficit(p, q, m)) / m)
    mean = sum(qy * acceptance(math.log(py), math.log(qy), m) for py, qy in zip(p, q, strict=True))
    assert share == pytest.approx(mean)
