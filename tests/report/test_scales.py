"""Numbers along an axis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.report.scales import ticks


@pytest.mark.parametrize(
    ("top", "count", "low", "expected"),
    [
        (4.2, 4, 0.0, [0, 2, 4, 6]),
        (1.0, 5, 0.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (33.0, 5, 18.5, [15, 20, 25, 30, 35]),
        (0.0, 2, -1.0, [-1, -0.5, 0]),
    ],
)
def test_steps_are_round(top: float, count: int, low: float, expected: list[float]) -> None:
    """Steps are 1, 2, 2.5 or 5 times a power of ten."""
    assert ticks(top, count, low) == expected


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(1, 12))
def test_the_range_is_covered(low: float, span: float, count: int) -> None:
    """Whatever the range, the ticks hold it, and there are few of them."""
    found = ticks(low + span, count, low)
    slack = span * 1e-6 + 1e-9
    assert found[0] <= low + slack and found[-1] >= low + span - slack
    assert 2 <= len(found) <= count + 3
