"""The figures that Prometheus reads."""

from __future__ import annotations

import re

import pytest

from simulst.server.metrics import Metrics
from simulst.types import SAMPLE_RATE, Emission, Reason, Update, Verdict
from tests.server.test_session import session


def emission(late_s: float, reason: Reason = Reason.RATIO) -> Emission:
    """Written so long after its sound."""
    elapsed = 16_000 + round(late_s * SAMPLE_RATE)
    return Emission(0, 0, "x", "", 1, 16_000, 16_000, reason, elapsed)


def test_every_figure_is_told() -> None:
    """What was counted stands in the text, each with its type, in the form that is asked for."""
    clock = [100.0]
    metrics = Metrics(("de",), lambda: clock[0])
    one, _ = session()
    metrics.begun(one)
    metrics.resumed(one)
    metrics.failed(one)
    metrics.refused("full")
    metrics.refused("full")
    metrics.stepped(10.0, 0.5)
    verdicts = tuple(
        Verdict(0, 0, 1, 1, 0.5, 0.5, 1.0, 0.5, accepted, reason)
        for accepted, reason in (
            (True, Reason.RATIO),
            (True, Reason.RATIO),
            (False, Reason.RATIO),
            (True, Reason.FORCED),
        )
    )
    lags = [emission(n / 100) for n in range(100)]
    metrics.gave(one, {"de": [Update(0, (), (*lags, emission(0, Reason.FORCED)), verdicts)]})
    clock[0] += 7
    text = metrics.text(running=3, waiting=1, capacity=8, cost=0.05)
    found = dict(re.findall(r"^simulst_(\S+) (\S+)$", text, re.M))
    assert found == {
        "sessions": "3",
        "sessions_waiting": "1",
        "capacity": "8",
        "sessions_total": "1",
        "resumed_total": "1",
        "failed_total": "1",
        "audio_seconds_total": "10",
        "compute_seconds_total": "0.5",
        "engine_calls_total": "1",
        "real_time_factor": "0.05",
        "emissions_total": "101",
        "forced_total": "1",
        "judged_total": "3",
        "accepted_total": "2",
        "acceptance": "0.666667",
        'lag_seconds{quantile="0.5"}': "0.49",
        'lag_seconds{quantile="0.95"}': "0.94",
        'refused_total{why="full"}': "2",
        "uptime_seconds": "7",
    }
    names = {name.partition("{")[0] for name in found}
    assert set(re.findall(r"^# TYPE simulst_(\S+) (?:gauge|counter)$", text, re.M)) == names
    assert text.endswith("\n")


def test_without_a_session_there_are_no_quantiles() -> None:
    """What cannot be measured yet is NaN."""
    metrics = Metrics(("de",))
    text = metrics.text(0, 0, 8, 0.05)
    assert 'simulst_lag_seconds{quantile="0.5"} NaN\n' in text
    assert "simulst_acceptance NaN\n" in text
    assert metrics.lag_s("de", 0.5) != pytest.approx(0)


def test_of_several_languages_each_is_told() -> None:
    """What is written has the label of its language where several are served."""
    metrics = Metrics(("de", "fr"))
    one, _ = session()
    metrics.gave(one, {"de": [Update(0, (), (emission(1), emission(2)))], "fr": [Update(0)]})
    metrics.gave(one, {"fr": [Update(0, (), (emission(3),))]})
    text = metrics.text(2, 0, 8, 0.05, {"de": 1, "fr": 2})
    for line in (
        'emissions_total{language="de"} 2',
        'emissions_total{language="fr"} 1',
        'lag_seconds{language="de",quantile="0.5"} 2',
        'lag_seconds{language="fr",quantile="0.95"} 3',
        'languages{language="fr"} 2',
    ):
        assert f"\nsimulst_{line}\n" in text
    assert "\nsimulst_emissions_total " not in text
    names = re.findall(r"^# TYPE simulst_(\S+)", text, re.M)
    assert len(names) == len(set(names))
