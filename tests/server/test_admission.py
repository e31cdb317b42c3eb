"""Places, and what they depend on."""

from __future__ import annotations

import pytest

from simulst.errors import ConfigError, OverloadedError
from simulst.server.admission import Admission
from simulst.server.limits import Limits


@pytest.mark.parametrize(("cost", "places"), [(0.0499, 14), (0.69, 1), (5.0, 1), (0.0, 700_000)])
def test_the_capacity_follows_from_the_cost(cost: float, places: int) -> None:
    """Seven tenths of the worker's time are given out, at least one place."""
    assert Admission(Limits(), cost).capacity == places


def test_the_number_of_sessions_can_be_given() -> None:
    """A given number holds, whatever was measured, and even when sessions are late."""
    admission = Admission(Limits(sessions=2), 5.0)
    admission.enter("", late_s=60)
    admission.enter("")
    with pytest.raises(OverloadedError, match="all 2 places"):
        admission.enter("")
    admission.leave("")
    admission.enter("")


def test_the_cost_is_tracked() -> None:
    """The capacity follows what sessions really cost, but silence does not open the doors wide."""
    admission = Admission(Limits(), 0.1)
    for _ in range(400):
        admission.measure(1.0, 0.2)
    assert admission.cost == pytest.approx(0.2, rel=0.05)
    assert admission.capacity == 3
    for _ in range(2_000):
        admission.measure(1.0, 0.001)
    assert admission.capacity == 13
    before = admission.cost
    admission.measure(0.0, 0.5)  # a call that only flushed
    assert admission.cost == before


def test_nobody_is_let_in_while_somebody_is_late() -> None:
    """Under pressure there is no place, even if some are free by number."""
    admission = Admission(Limits(), 0.01)
    admission.enter("", late_s=1.0)
    with pytest.raises(OverloadedError, match="fill the machine"):
        admission.enter("", late_s=3.0)


def test_a_token_has_its_share() -> None:
    """Sessions of one token are counted, those of others are not."""
    admission = Admission(Limits(per_token=1), 0.01)
    admission.enter("anna")
    admission.enter("ben")
    with pytest.raises(OverloadedError, match="this token has its 1 sessions") as refused:
        admission.enter("anna")
    assert refused.value.retry_s == 30
    admission.leave("anna")
    admission.enter("anna")
    assert admission.taken == 2


def test_a_further_language_takes_a_share_of_a_place() -> None:
    """It counts by what it costs, beside the sessions, and not at all where sessions are given."""
    admission = Admission(Limits(), 0.2, share=0.4)  # 3.5 places
    admission.enter("")
    admission.enter("")
    admission.check(3)
    with pytest.raises(OverloadedError, match="no room for a further language"):
        admission.check(4)
    with pytest.raises(OverloadedError, match="fill the machine"):
        admission.check(1, late_s=3.0)
    with pytest.raises(OverloadedError, match="all 3 places"):
        admission.enter("", further=2)
    admission.enter("", further=1)
    Admission(Limits(sessions=1), 0.2, share=0.4).check(100, late_s=9.0)


def test_the_cost_of_a_session_is_that_of_one_language() -> None:
    """Sessions in two languages cost more, and that is not taken for dearer sessions."""
    admission = Admission(Limits(), 0.1, share=0.5)
    for _ in range(400):
        admission.measure(1.0, 0.15, further_s=1.0)
    assert admission.cost == pytest.approx(0.1)


def test_limits_are_checked() -> None:
    """A limit out of range is refused by name."""
    with pytest.raises(ConfigError, match="pending is 0"):
        Limits(pending=0)
    with pytest.raises(ConfigError, match="silent_s is 0.1: it must be at least 0.5"):
        Limits(silent_s=0.1)
    with pytest.raises(ConfigError, match="resume_s is nan"):
        Limits(resume_s=float("nan"))
