"""What was spoken and how late, and what was not."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from simulst.errors import SpeechError

__all__ = ["MOST_FAILURES", "MOST_WAITING", "Failures", "Spoken"]

MOST_WAITING = 100  # groups of a session: some five minutes of speech
MOST_FAILURES = 3  # of a synthesiser, one after another

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Spoken:
    """The speech of a session.

    Attributes:
        groups: that were spoken.
        lost: groups that were not, as the synthesiser failed on them or had been given up.
        sound_s: length of the speech.
        lag_s: from when the first word of a group could be read to when it could be heard, summed.
        most_lag_s: the greatest.
        fastest: words a minute.
    """

    groups: int = 0
    lost: int = 0
    sound_s: float = 0.0
    lag_s: float = 0.0
    most_lag_s: float = 0.0
    fastest: int = 0

    def add(self, sound_s: float, lag_s: float, rate: int) -> None:
        """A group was spoken."""
        self.groups += 1
        self.sound_s += sound_s
        self.lag_s += lag_s
        self.most_lag_s = max(self.most_lag_s, lag_s)
        self.fastest = max(self.fastest, rate)

    def line(self) -> str:
        """The figures in one line."""
        parts = [f"spoken: {self.groups} word groups"]
        if self.groups:
            parts[0] += f", {self.sound_s:.1f} s"
            parts.append(
                f"heard {self.lag_s / self.groups:.2f} s after they could be read, "
                f"at most {self.most_lag_s:.2f} s"
            )
            parts.append(f"up to {self.fastest} words a minute")
        if self.lost:
            parts.append(f"{self.lost} not spoken")
        return "; ".join(parts)


class Failures:
    """How often a synthesiser has failed one time after another."""

    def __init__(self) -> None:
        self._number = 0

    def none(self) -> None:
        """A group was spoken."""
        self._number = 0

    def add(self, error: SpeechError) -> str:
        """A group was not; the first one in a row is told of in the log.

        Returns:
            Why it is of no use to try another one, or "".
        """
        self._number += 1
        if error.lasting:
            return str(error)
        if self._number >= MOST_FAILURES:
            return f"{error}, {MOST_FAILURES} times one after another"
        if self._number == 1:
            log.warning("%s; a word group was not spoken", error)
        return ""
