"""What a server counts, as text that Prometheus reads.

The format is a line for each figure, so no library is needed for it.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from simulst.server.session import Session
from simulst.types import SAMPLE_RATE, Reason, Update

__all__ = ["Metrics"]

WINDOW = 1_000  # emissions that the lag's quantiles are taken over
UNTESTED = (Reason.SCHEDULE, Reason.FORCED, Reason.FINISH)


class Metrics:
    """The figures of one server.

    Args:
        now: in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._lags: deque[float] = deque(maxlen=WINDOW)
        self._audio_s = self._compute_s = 0.0
        self._begun_s = now()
        self._now = now

    # -- what is told --------------------------------------------------------------------------

    def begun(self, session: Session) -> None:
        """There is one more session."""
        self._counts["sessions"] += 1

    def resumed(self, session: Session) -> None:
        """One was gone on with."""
        self._counts["resumed"] += 1

    def ended(self, session: Session) -> None:
        """One is over."""
        self._counts["ended"] += 1

    def failed(self, session: Session) -> None:
        """The engine failed on one."""
        self._counts["failed"] += 1

    def refused(self, why: str) -> None:
        """A connection was not let in."""
        self._refused[why] += 1

    def stepped(self, audio_s: float, compute_s: float) -> None:
        """A call of the engine took so long for so much sound."""
        self._counts["calls"] += 1
        self._audio_s += audio_s
        self._compute_s += compute_s

    def gave(self, session: Session, updates: Sequence[Update]) -> None:
        """A session gave something."""
        for update in updates:
            for emission in update.emissions:
                self._counts["emissions"] += 1
                self._counts["forced"] += emission.reason is Reason.FORCED
                if emission.elapsed is not None:
                    self._lags.append((emission.elapsed - emission.delay) / SAMPLE_RATE)
            for verdict in update.verdicts:
                if verdict.reason not in UNTESTED:
                    self._counts["judged"] += 1
                    self._counts["accepted"] += verdict.accepted

    # -- what is read --------------------------------------------------------------------------

    def lag_s(self, quantile: float) -> float:
        """A quantile of the time from sound to what was written because of it; NaN for none."""
        if not self._lags:
            return float("nan")
        lags = sorted(self._lags)
        return lags[min(len(lags) - 1, int(quantile * len(lags)))]

    def text(self, running: int, waiting: int, capacity: int, cost: float) -> str:
        """All figures.

        Args:
            running: sessions there are.
            waiting: those of them whose connection was cut.
            capacity: sessions that fit.
            cost: computing seconds for a second of sound, lately.
        """
        counts = self._counts
        judged = counts["judged"]
        lines = [
            *_figure("sessions", "gauge", "Sessions running", running),
            *_figure("sessions_waiting", "gauge", "... whose connection was cut", waiting),
            *_figure("capacity", "gauge", "Sessions that fit", capacity),
            *_figure("sessions_total", "counter", "Sessions begun", counts["sessions"]),
            *_figure("resumed_total", "counter", "Sessions gone on with", counts["resumed"]),
            *_figure("failed_total", "counter", "Sessions the engine failed on", counts["failed"]),
            *_figure("audio_seconds_total", "counter", "Sound taken in", self._audio_s),
            *_figure("compute_seconds_total", "counter", "Time computed", self._compute_s),
            *_figure("engine_calls_total", "counter", "Calls of the engine", counts["calls"]),
            *_figure("real_time_factor", "gauge", "Computing time for a second of sound", cost),
            *_figure("emissions_total", "counter", "Words written", counts["emissions"]),
            *_figure(
                "forced_total", "counter", "... because of the greatest lag", counts["forced"]
            ),
            *_figure("judged_total", "counter", "Tokens that the rule judged", judged),
            *_figure("accepted_total", "counter", "... and accepted", counts["accepted"]),
            *_figure(
                "acceptance",
                "gauge",
                "Accepted among the judged tokens",
                counts["accepted"] / judged if judged else float("nan"),
            ),
            "# HELP simulst_lag_seconds From sound to what was written because of it",
            "# TYPE simulst_lag_seconds gauge",
            *(
                f'simulst_lag_seconds{{quantile="{quantile}"}} {_number(self.lag_s(quantile))}'
                for quantile in (0.5, 0.95)
            ),
            "# HELP simulst_refused_total Connections not let in",
            "# TYPE simulst_refused_total counter",
            *(f'simulst_refused_total{{why="{why}"}} {n}' for why, n in self._refused.items()),
            *_figure("uptime_seconds", "gauge", "Since the start", self._now() - self._begun_s),
        ]
        return "\n".join(lines) + "\n"


def _figure(name: str, kind: str, purpose: str, value: float) -> tuple[str, str, str]:
    return (
        f"# HELP simulst_{name} {purpose}",
        f"# TYPE simulst_{name} {kind}",
        f"simulst_{name} {_number(value)}",
    )


def _number(value: float) -> str:
    return "NaN" if value != value else f"{value:.6g}" if isinstance(value, float) else str(value)
