"""The news of a session by number, kept for a client that comes back."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace

from simulst.errors import ProtocolError
from simulst.server.wire.base import Given
from simulst.types import Update

__all__ = ["History"]

KEPT = 4_000  # steps that gave something lasting: half an hour of lively talk


class History:
    """Numbers what a session gives, and keeps the last of it in each language.

    The numbers run through all languages. What was merely tentative is not repeated.

    Args:
        kept: updates of a language that can be repeated; 0 for a session that cannot be resumed.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.number = 0
        self._kept = kept
        self._news: defaultdict[str, deque[Given]] = defaultdict(deque)
        self._forgotten: defaultdict[str, int] = defaultdict(int)  # number of the last that is gone

    def add(self, update: Update, at_ms: int = 0, target: str = "") -> Given:
        """The news of an update, with what its times count from and its language, as in `Given`."""
        self.number += 1
        news = self._news[target]
        if update.committed or update.emissions or update.verdicts:
            lasting = replace(update, tentative_source="", tentative_target="")
            news.append(Given(self.number, lasting, at_ms, target))
        while len(news) > self._kept:
            self._forgotten[target] = news.popleft().number
        return Given(self.number, update, at_ms, target)

    def after(self, number: int, targets: Iterable[str] = ("",)) -> list[Given]:
        """What came after a number in some languages, in order.

        Raises:
            ProtocolError: some of it is not kept any more, or there was never such a number.
        """
        wanted = tuple(targets)
        forgotten = max((self._forgotten[target] for target in wanted), default=0)
        if not forgotten <= number <= self.number:
            raise ProtocolError(
                f"the updates after {number} cannot be repeated: kept are those after "
                f"{forgotten}, up to {self.number}",
                "gone",
                fatal=True,
            )
        found = [each for target in wanted for each in self._news[target] if each.number > number]
        return sorted(found, key=lambda given: given.number)
