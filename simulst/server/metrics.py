"""What a server counts, as text that Prometheus reads.

The format is a line for each figure, so no library is needed for it.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from simulst.server.session import Session
from simulst.types import SAMPLE_RATE, Reason, Update

__all__ = ["Metrics"]

WINDOW = 1_000  # emissions that the lag's quantiles are taken over
UNTESTED = (Reason.SCHEDULE, Reason.FORCED, Reason.FINISH, Reason.TERM)


class Metrics:
    """The figures of one server.

    Args:
        targets: languages that are served; of several, what is written is told of each.
        now: in seconds.
    """

    def __init__(self, targets: Sequence[str], now: Callable[[], float] = time.monotonic) -> None:
        self._targets = tuple(targets)
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._words: Counter[str] = Counter()  # by language
        self._lags: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=WINDOW))
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

    def gave(self, session: Session, updates: Mapping[str, Sequence[Update]]) -> None:
        """A session gave something, by language."""
        for target, given in updates.items():
            for update in given:
                self._gave(target, update)

    def _gave(self, target: str, update: Update) -> None:
        for emission in update.emissions:
            self._words[target] += 1
            self._counts["forced"] += emission.reason is Reason.FORCED
            if emission.elapsed is not None:
                self._lags[target].append((emission.elapsed - emission.delay) / SAMPLE_RATE)
        for verdict in update.verdicts:
            if verdict.reason not in UNTESTED:
                self._counts["judged"] += 1
                self._counts["accepted"] += verdict.accepted

    # -- what is read --------------------------------------------------------------------------

    def lag_s(self, target: str, quantile: float) -> float:
        """A quantile of the time from sound to what was written because of it; NaN for none."""
        lags = sorted(self._lags[target])
        return lags[min(len(lags) - 1, int(quantile * len(lags)))] if lags else float("nan")

    def _labels(self) -> Iterable[tuple[str, str]]:
        """Each language with the label that its figures have, which is none where it is alone."""
        for target in self._targets:
            yield target, f'language="{target}"' if len(self._targets) > 1 else ""

    def text(
        self,
        running: int,
        waiting: int,
        capacity: int,
        cost: float,
        read: Mapping[str, int] | None = None,
    ) -> str:
        """All figures.

        Args:
            running: sessions there are.
            waiting: those of them whose connection was cut.
            capacity: sessions that fit.
            cost: computing seconds for a second of sound, lately.
            read: sessions in each language; None where there is but one.
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
            *_head("emissions_total", "counter", "Words written"),
            *(_line("emissions_total", self._words[t], label) for t, label in self._labels()),
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
            *_head("lag_seconds", "gauge", "From sound to what was written because of it"),
            *(
                _line("lag_seconds", self.lag_s(target, q), label, f'quantile="{q}"')
                for target, label in self._labels()
                for q in (0.5, 0.95)
            ),
            *_head("refused_total", "counter", "Connections not let in"),
            *(_line("refused_total", n, f'why="{why}"') for why, n in self._refused.items()),
            *_figure("uptime_seconds", "gauge", "Since the start", self._now() - self._begun_s),
        ]
        if read is not None:
            lines += _head("languages", "gauge", "Sessions in each language, readers' included")
            lines += (_line("languages", n, f'language="{t}"') for t, n in read.items())
        return "\n".join(lines) + "\n"


def _figure(name: str, kind: str, purpose: str, value: float) -> tuple[str, str, str]:
    return (*_head(name, kind, purpose), _line(name, value))


def _head(name: str, kind: str, purpose: str) -> tuple[str, str]:
    return f"# HELP simulst_{name} {purpose}", f"# TYPE simulst_{name} {kind}"


def _line(name: str, value: float, *labels: str) -> str:
    given = ",".join(label for label in labels if label)
    return f"simulst_{name}{f'{{{given}}}' if given else ''} {_number(value)}"


def _number(value: float) -> str:
    return "NaN" if value != value else f"{value:.6g}" if isinstance(value, float) else str(value)
