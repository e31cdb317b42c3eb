"""The target languages of one session: those its client asked for, and those of its readers.

A reader's language joins when its first reader comes, with the sentence that is open then, and
leaves some time after the last one has gone: a connection that was cut comes back sooner. Its
sentences count as the session's, so that a number means the same sentence in every language, and
its units go on counting where it had left off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from simulst.types import SentenceEnd, Update

__all__ = ["LINGER_S", "Languages"]

LINGER_S = 10.0  # without a reader; more than the pages wait until they come back


class Languages:
    """Of one session.

    Args:
        asked: by the client, at least one.

    Attributes:
        asked: the same.
        present: all that there are, or will be with the next step.
        lost: those that failed; they do not come back.
    """

    def __init__(self, asked: Sequence[str]) -> None:
        assert asked, "somebody has to be interpreted"
        self.asked = tuple(asked)
        self.present = list(asked)
        self.lost: set[str] = set()
        self._joining: list[str] = []
        self._leaving: list[str] = []
        self._unread_s: dict[str, float] = {}  # since when
        self._sentences = 0  # that have ended
        self._units: Counter[str] = Counter()
        self._first: dict[str, tuple[int, int]] = {}  # sentence and unit that a language began with

    @property
    def client(self) -> tuple[str, ...]:
        """The client's that are left."""
        return tuple(each for each in self.asked if each not in self.lost)

    @property
    def further(self) -> int:
        """Languages beyond the first."""
        return max(0, len(self.present) - 1)

    @property
    def joining(self) -> bool:
        """There is something to do, also without sound."""
        return bool(self._joining)

    # -- readers -------------------------------------------------------------------------------

    def want(self, target: str) -> None:
        """Somebody reads a language, which is not lost."""
        assert target not in self.lost, "it does not come back"
        self._unread_s.pop(target, None)
        if target in self.present:
            return
        self.present.append(target)
        if target in self._leaving:
            self._leaving.remove(target)
        else:
            self._joining.append(target)

    def unread(self, target: str, now_s: float) -> None:
        """The last reader of a language has gone."""
        if target in self.present and target not in self.asked:
            self._unread_s[target] = now_s

    def sweep(self, now_s: float) -> None:
        """Give up what nobody has read for a while."""
        for target, since_s in list(self._unread_s.items()):
            if now_s - since_s >= LINGER_S:
                self._drop(target)

    def _drop(self, target: str) -> None:
        self._unread_s.pop(target, None)
        self.present.remove(target)
        if target in self._joining:
            self._joining.remove(target)
        else:
            self._leaving.append(target)

    # -- steps ---------------------------------------------------------------------------------

    def begin(self) -> tuple[str, ...]:
        """The languages to begin with, or to begin again with: all count from 0."""
        self._joining.clear()
        self._leaving.clear()
        self._sentences = 0
        self._units.clear()
        self._first.clear()
        return tuple(self.present)

    def change(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Languages that join with the next step, and those that leave; told once."""
        joins, leaves = tuple(self._joining), tuple(self._leaving)
        self._joining.clear()
        self._leaving.clear()
        return joins, leaves

    def join(self, joined: Iterable[str]) -> None:
        """What these give from now on begins with the open sentence."""
        for target in joined:
            self._first[target] = self._sentences, self._units[target]

    def lose(self, failed: Iterable[str]) -> None:
        """Some have failed, and have left already."""
        for target in failed:
            self.lost.add(target)
            self._unread_s.pop(target, None)
            for which in (self.present, self._leaving):
                if target in which:
                    which.remove(target)

    def place(self, updates: Mapping[str, Update]) -> dict[str, Update]:
        """What a step gave, counted from the beginning of the session."""
        placed = {}
        for target, update in updates.items():
            placed[target] = self._placed(update, *self._first.get(target, (0, 0)))
            self._units[target] += len(update.emissions)
        for update in list(updates.values())[:1]:  # all have heard the same
            self._sentences += sum(isinstance(item, SentenceEnd) for item in update.committed)
        return placed

    @staticmethod
    def _placed(update: Update, sentence: int, unit: int) -> Update:
        if not (sentence or unit):
            return update
        return replace(
            update,
            emissions=tuple(
                replace(each, sentence=each.sentence + sentence, index=each.index + unit)
                for each in update.emissions
            ),
            verdicts=tuple(
                replace(each, sentence=each.sentence + sentence) for each in update.verdicts
            ),
        )
