"""AUROC, Brier score and calibration error on figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.calibration import (
    Bin,
    auroc,
    auroc_interval,
    brier,
    calibration_error,
    reliability,
    roc,
)


@pytest.mark.parametrize(
    ("figures", "outcomes", "expected"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75),  # scikit-learn's own example
        ([5, 5, 5, 5], [0, 1, 0, 1], 0.5),
        ([1, 2, 2, 3], [0, 0, 1, 1], 0.875),  # one of four pairs is a tie
        ([1, 1, 2], [0, 1, 1], 0.75),
        ([1, 2], [0.5, 0.5], 0.5),  # outcomes that are coins say nothing
        ([1, 2], [0.25, 0.75], 0.75),  # (0.75 x 0.75 + (0.75 x 0.25 + 0.25 x 0.75) / 2) / 1
    ],
)
def test_auroc(figures: list[float], outcomes: list[float], expected: float) -> None:
    """The share of pairs in the right order, a tie counting one half."""
    assert auroc(figures, outcomes) == pytest.approx(expected)


@pytest.mark.parametrize("outcome", [0, 1])
def test_auroc_of_one_class(outcome: int) -> None:
    """Where nothing or everything happened there is no pair to put in order."""
    assert auroc([1, 2, 3], [outcome] * 3) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auroc_counts_pairs(rows: list[tuple[int, bool]]) -> None:
    """The rank statistic equals the count over all pairs, whatever the ties."""
    yes = [figure for figure, happened in rows if happened]
    no = [figure for figure, happened in rows if not happened]
    found = auroc([f for f, _ in rows], [h for _, h in rows])
    if not yes or not no:
        assert found is None
    else:
        right = sum((a > b) + (a == b) / 2 for a in yes for b in no)
        assert found == pytest.approx(right / len(yes) / len(no))


def test_the_roc_encloses_the_area() -> None:
    """The curve runs from corner to corner and its area is the AUROC, ties included."""
    figures, outcomes = [1, 2, 2, 3, 4, 4], [0, 0, 1, 1, 0.5, 1]
    false, true = roc(figures, outcomes)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(auroc(figures, outcomes))


def test_brier() -> None:
    """Golden values: sure and right 0, sure and wrong 1, undecided 1/4 also against a coin."""
    assert brier([1, 0], [1, 0]) == 0
    assert brier([1, 0], [0, 1]) == 1
    assert brier([0.5, 0.5, 0.5], [0, 1, 0.5]) == pytest.approx(0.25)
    assert brier([0.8, 0.3], [1, 0]) == pytest.approx((0.04 + 0.09) / 2)


def test_calibration_error() -> None:
    """Golden value: bins of 2 and 3 tokens that are 0.3 and 0.1 off."""
    expected, outcomes = [0.15, 0.25, 0.8, 0.8, 0.8], [0, 0, 1, 1, 0.7]
    assert calibration_error([0.2] * 5, [0, 1, 0, 0, 0]) == pytest.approx(0)
    assert calibration_error([0.35, 0.35, 0.8, 0.8, 0.8], [0, 0.1, 1, 1, 0.7]) == pytest.approx(
        (2 * 0.3 + 3 * 0.1) / 5
    )
    assert reliability(expected, outcomes)[0] == Bin(0.15, 0.0, 0.2)
    assert [b.share for b in reliability([0.0, 1.0], [0, 1])] == [0.5, 0.5]


def test_the_interval_draws_whole_groups() -> None:
    """One value a group, repeated, is as wide as the groups alone and wider than singles."""
    dice = np.random.default_rng(1)
    figures, outcomes = dice.normal(size=60), dice.integers(0, 2, 60)
    many = [np.repeat(x, 20) for x in (figures, outcomes, np.arange(60))]
    few = auroc_interval(figures, outcomes, np.arange(60))
    assert auroc_interval(*many) == pytest.approx(few)
    single = auroc_interval(many[0], many[1], np.arange(1200))
    assert few and single
    assert few[1] - few[0] > 3 * (single[1] - single[0])


def test_the_interval_of_a_difference() -> None:
    """Against itself the difference is nothing; against noise a good figure is above 0."""
    dice = np.random.default_rng(1)
    outcomes = dice.integers(0, 2, 200)
    good, noise = outcomes + dice.normal(size=200), dice.normal(size=200)
    assert auroc_interval(good, outcomes, range(200), against=good) == (0, 0)
    found = auroc_interval(good, outcomes, range(200), against=noise)
    assert found and found[0] > 0
    assert auroc_interval(good, outcomes, range(200), against=noise) == found
