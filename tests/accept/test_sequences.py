"""Acceptance of whole sequences, against enumeration and closed forms."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.accept.ratio import acceptance
from simulst.accept.sequences import (
    accept_by_ratio,
    accept_by_reward,
    effective_sample_size,
    estimate_log_m,
    residual,
)
from simulst.draws import uniform
from simulst.errors import ConfigError

weights = st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4)


@given(weights, weights, st.floats(1.0, 6.0))
def test_accepting_or_redrawing_gives_p(a: list[float], b: list[float], m: float) -> None:
    """q(y) A(y) + (1 - A) r(y) = p(y) for every M >= 1, by enumeration."""
    p, q = np.array(a) / sum(a), np.array(b) / sum(b)
    passed = np.array(
        [qy * acceptance(math.log(py), math.log(qy), m) for py, qy in zip(p, q, strict=True)]
    )
    assert passed + (1 - passed.sum()) * residual(p, q, m) == pytest.approx(p, abs=1e-9)


def test_lenient_m_does_not() -> None:
    """With M < 1 the outcome is not p: it stays closer to q."""
    p, q = np.array([0.8, 0.2]), np.array([0.5, 0.5])
    passed = np.minimum(q, p / 0.5)
    assert (passed + (1 - passed.sum()) * residual(p, q, 0.5))[0] == pytest.approx(0.6)


def test_nothing_remains_where_nothing_is_rejected() -> None:
    """p = q at M = 1 leaves no residual; p stands in for it."""
    p = np.array([0.7, 0.3])
    assert residual(p, p).tolist() == pytest.approx([0.7, 0.3])


def test_effective_sample_size() -> None:
    """Equal weights count fully, one large weight alone, impossible ones not at all."""
    assert effective_sample_size([0.0] * 5) == pytest.approx(5)
    assert effective_sample_size([100.0, 0.0, 0.0]) == pytest.approx(1)
    assert effective_sample_size([0.0, math.log(3)]) == pytest.approx(1.6)
    assert effective_sample_size([-math.inf] * 3) == 0
    assert effective_sample_size([]) == 0


def test_spread_of_a_token_eats_the_sample() -> None:
    """With sd 0.6 a token, ESS / N is about exp(-0.36 n): 17 % at 5 tokens, under 2 % at 13."""
    rng = np.random.default_rng(1)
    share = {
        n: effective_sample_size(rng.normal(0, 0.6 * math.sqrt(n), 400_000)) / 400_000
        for n in (5, 13)
    }
    assert share[5] == pytest.approx(math.exp(-0.36 * 5), rel=0.1)
    assert share[13] < 0.02


def test_m_is_estimated() -> None:
    """The maximum, or a quantile of what is possible."""
    assert estimate_log_m([0.5, -1.0, 2.0]) == 2.0
    assert estimate_log_m([0.0, 1.0, 2.0, -math.inf], 0.5) == 1.0
    with pytest.raises(ConfigError, match="probability 0 to every draft"):
        estimate_log_m([-math.inf])
    with pytest.raises(ConfigError, match="must lie in"):
        estimate_log_m([0.0], 0.0)


def test_whole_sequences_follow_the_target() -> None:
    """Accepted drafts of a two-sequence toy have the target's frequencies."""
    p, q = [0.25, 0.75], [0.5, 0.5]
    drafts = [i % 2 for i in range(20_000)]
    logs = [math.log(p[y] / q[y]) for y in drafts]
    us = [uniform("toy", i) for i in range(len(drafts))]
    kept = [y for y, ok in zip(drafts, accept_by_ratio(logs, us, math.log(1.5)), strict=True) if ok]
    assert sum(kept) / len(kept) == pytest.approx(0.75, abs=0.01)
    assert len(kept) / len(drafts) == pytest.approx(1 / 1.5, abs=0.01)
    assert accept_by_ratio([-math.inf], [0.0], 0.0) == [False]


def test_rewards_follow_their_temperature() -> None:
    """The first accepted of many candidates has odds exp(r / beta), as RSO promises."""
    rewards = [0.0, 0.5] * 50
    first = Counter(
        accept_by_reward(rewards, 0.5, 1, lambda t, s=s: uniform("rso", s, t))[0] % 2  # type: ignore[misc]
        for s in range(4000)
    )
    assert first[1] / 4000 == pytest.approx(math.e / (1 + math.e), abs=0.03)


def test_rewards_keep_and_order() -> None:
    """No candidate comes twice; a cold temperature takes the best first; the best always passes."""
    rewards = [0.1, 0.9, 0.5]
    found = accept_by_reward(rewards, 1e-3, 3, lambda t: uniform("cold", t))
    assert found == [1, 2, 0]
    assert accept_by_reward(rewards, 1e-3, 2, lambda t: uniform("cold", t)) == [1, 2]
    assert accept_by_reward([], 1.0, 2, lambda t: 0.0) == []
    with pytest.raises(ConfigError, match="must be above 0"):
        accept_by_reward(rewards, 0.0, 1, lambda t: 0.0)
