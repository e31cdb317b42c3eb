"""The news of a session by number, kept for a client that comes back."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from simulst.errors import ProtocolError
from simulst.server.wire.base import Given
from simulst.types import Update

__all__ = ["History"]

KEPT = 4_000  # steps that gave something lasting: half an hour of lively talk


class History:
    """Numbers what a session gives, and keeps the last of it.

    What was merely tentative is not repeated.

    Args:
        kept: updates that can be repeated; 0 for a session that cannot be resumed.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.number = 0
        self._kept = kept
        self._news: deque[Given] = deque()
        self._forgotten = 0  # number of the last one that is gone

    def add(self, update: Update) -> Given:
        """The news of an update."""
        self.number += 1
        if update.committed or update.emissions or update.verdicts:
            lasting = replace(update, tentative_source="", tentative_target="")
            self._news.append(Given(self.number, lasting))
        while len(self._news) > self._kept:
            self._forgotten = self._news.popleft().number
        return Given(self.number, update)

    def after(self, number: int) -> list[Given]:
        """What came after a number.

        Raises:
            ProtocolError: some of it is not kept any more, or there was never such a number.
        """
        if not self._forgotten <= number <= self.number:
            raise ProtocolError(
                f"the updates after {number} cannot be repeated: kept are those after "
                f"{self._forgotten}, up to {self.number}",
                "gone",
                fatal=True,
            )
        return [given for given in self._news if given.number > number]
