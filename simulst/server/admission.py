"""How many sessions are let in.

The capacity follows from what the engine costs: computing seconds for a second of sound, measured
before the first session and tracked while sessions run. A place is taken when a connection is let
in, so that who does not fit hears so before the handshake. What is counted is a session in one
language; each further language of it takes a share of a place, as recognition is not done again.
"""

from __future__ import annotations

from collections import Counter

from simulst.errors import OverloadedError
from simulst.server.limits import Limits

__all__ = ["Admission"]

LOAD = 0.7  # of the worker's time; the rest is for moments when all speak
MEMORY_S = 120.0  # sound over which the moving average forgets
LEAST = 0.5  # of the first measurement: silence is cheap, but people begin to speak again
LATE_S = 2.0  # while a session is so far behind life, nobody is let in


class Admission:
    """Counts places.

    Args:
        limits: `sessions` overrides the measured capacity.
        cost: computing seconds for a second of sound in one language, as measured at the start.
        share: of it that a further language costs, in [0, 1].

    Attributes:
        cost: as it is now.
        taken: places that are taken.
        share: as given.
    """

    def __init__(self, limits: Limits, cost: float, share: float = 1.0) -> None:
        self.cost = self._first = max(cost, 1e-6)
        self.taken = 0
        self.share = share
        self._limits = limits
        self._owners: Counter[str] = Counter()

    @property
    def capacity(self) -> int:
        """Sessions in one language that fit."""
        return self._limits.sessions or int(self._room)

    @property
    def _room(self) -> float:
        return max(1.0, LOAD / max(self.cost, LEAST * self._first))

    def measure(self, audio_s: float, compute_s: float, further_s: float = 0.0) -> None:
        """Take in what a call of the engine cost.

        Args:
            audio_s: sound of all sessions.
            compute_s: time of the call.
            further_s: the sound again, once for each further language.
        """
        if audio_s > 0:
            weight = min(1.0, audio_s / MEMORY_S)
            self.cost += weight * (compute_s / (audio_s + self.share * further_s) - self.cost)

    def check(self, further: int, late_s: float = 0.0) -> None:
        """Whether the sessions fit with so many further languages; `sessions` counts none.

        Args:
            further: languages of all sessions beyond the first of each, with the new ones.
            late_s: how far behind life the latest session is.

        Raises:
            OverloadedError: they do not.
        """
        if self._limits.sessions:
            return
        if self.taken + self.share * further > self._room:
            raise OverloadedError("there is no room for a further language: try again later")
        if late_s > LATE_S:
            raise OverloadedError("the sessions there are fill the machine: try again later")

    def enter(self, owner: str, late_s: float = 0.0, further: int = 0) -> None:
        """Take a place.

        Args:
            owner: whose token it is; "" for nobody's.
            late_s: how far behind life the latest session is.
            further: languages of all sessions beyond the first of each.

        Raises:
            OverloadedError: there is none.
        """
        sessions = self._limits.sessions
        if self.taken + 1 + (0 if sessions else self.share * further) > (sessions or self._room):
            raise OverloadedError(f"all {self.capacity} places are taken: try again later")
        if late_s > LATE_S and not sessions:
            raise OverloadedError("the sessions there are fill the machine: try again later")
        most = self._limits.per_token
        if owner and most and self._owners[owner] >= most:
            raise OverloadedError(
                f"this token has its {most} sessions: end one of them first", retry_s=30
            )
        self.taken += 1
        self._owners[owner] += 1

    def leave(self, owner: str) -> None:
        """Give a place back."""
        assert self._owners[owner] > 0, "it was taken"
        self.taken -= 1
        self._owners[owner] -= 1
