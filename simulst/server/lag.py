"""How far a session is behind life, and what follows from it.

Hearing four steps as one takes 0.60 of the computing time with the packs that ship (eight take
0.57), and words become final later. So that is for sessions that are late anyway.
"""

from __future__ import annotations

from simulst.server.wire.base import Lagging

__all__ = ["Lag"]

LATE_S = 1.0  # bigger steps
STRIDE = 4  # ... of so many in one
TOLD_S = 2.0  # the client is told
AGAIN_S = 2.0  # ... not more often than that
CALM_S = 0.5  # ... and when it is over


class Lag:
    """Of one session.

    Attributes:
        late_s: behind life, at the last step; 0 for sound that is ahead of its time.
    """

    def __init__(self) -> None:
        self.late_s = 0.0
        self._told_s: float | None = None  # when the client was last told

    @property
    def stride(self) -> int:
        """Steps that may be heard as one."""
        return STRIDE if self.late_s > LATE_S else 1

    def measure(self, due_s: float, now_s: float) -> Lagging | None:
        """Take in that sound was dealt with now, and give what is to be told, if anything."""
        self.late_s = max(0.0, now_s - due_s)
        if self.late_s >= TOLD_S:
            if self._told_s is None or now_s - self._told_s >= AGAIN_S:
                self._told_s = now_s
                return Lagging(round(self.late_s * 1000))
        elif self._told_s is not None and self.late_s <= CALM_S:
            self._told_s = None
            return Lagging(0)
        return None
