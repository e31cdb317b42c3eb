"""Emissions put together into word groups that are fit to be spoken.

A group ends with its sentence, at a mark that parts clauses once it has a few words, at its
greatest length, or when nothing has followed for a while. All of it goes by the clock of the
stream, so that a talk in packets of any size is grouped alike. Words are never dropped, changed
or put into another order.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace

from simulst.config import Speak
from simulst.types import SAMPLE_RATE, Emission, SentenceEnd, Update

__all__ = ["Group", "GroupState", "Grouping"]

CLAUSE_MARKS = frozenset(",;:.!?…–—،؛؟।、，；：。！？")
"""Marks after which a speaker may pause. A full stop may be that of an abbreviation, so it ends
no group that is still too short."""
CLOSING = "\"'“”’»«›‹)]}」』）"  # German closes with the quotes that others open with
UNSPACED = 0.5  # words that a unit counts for in a script without spaces: a letter or two


@dataclass(frozen=True, slots=True)
class Group:
    """Words that are spoken in one breath.

    Attributes:
        text: the units with what stands between them and before the first one, so that the texts
            of all groups, one after another, are the translation.
        sentence: that they belong to.
        written: when the first of them could be read, in samples of the stream.
        ready: when the group was complete, in samples of the stream.
        heard: samples that had been heard when the last of them was written.
    """

    text: str
    sentence: int
    written: int
    ready: int
    heard: int

    @property
    def speakable(self) -> bool:
        """Whether there is anything to say: a letter or a digit."""
        return any(letter.isalnum() for letter in self.text)


@dataclass(frozen=True, slots=True)
class GroupState:
    """A session's grouping between two updates.

    Attributes:
        units: that wait to be spoken, of one sentence.
        size: their number in words.
        closed: sentences that have ended.
    """

    units: tuple[Emission, ...] = ()
    size: float = 0.0
    closed: int = 0


class Grouping:
    """Rules of grouping; it has no state of its own.

    Args:
        settings: least and greatest length, and how long words wait for others.
    """

    def __init__(self, settings: Speak) -> None:
        self._least = settings.words_min
        self._most = settings.words_max
        self._wait = settings.wait_ms * SAMPLE_RATE // 1000

    def open(self) -> GroupState:
        """Nothing has been written."""
        return GroupState()

    def step(self, state: GroupState, update: Update) -> tuple[GroupState, tuple[Group, ...]]:
        """Take an update in, and give the groups that are complete."""
        groups: list[Group] = []
        for unit in update.emissions:
            if state.units and (
                unit.sentence != state.units[0].sentence
                or unit.delay - state.units[-1].delay >= self._wait
                or (state.size >= self._most and not _leans(unit))
            ):
                state = _end(state, _time(unit), groups)
            state = replace(state, units=(*state.units, unit), size=state.size + _size(unit))
            spaced = unit.space or not unit.index
            full = state.size >= self._most and spaced
            if full or (state.size >= self._least and _pauses(unit)):
                state = _end(state, _time(unit), groups)
        ends = sum(isinstance(item, SentenceEnd) for item in update.committed)
        state = replace(state, closed=state.closed + ends)
        if state.units and (
            update.ended
            or state.units[0].sentence < state.closed
            or update.heard - state.units[-1].delay >= self._wait
        ):
            times = [update.heard, *map(_time, update.emissions)]
            state = _end(state, max(times), groups)
        return state, tuple(groups)


def _end(state: GroupState, ready: int, groups: list[Group]) -> GroupState:
    first, last = state.units[0], state.units[-1]
    groups.append(
        Group(
            text="".join(unit.space + unit.text for unit in state.units),
            sentence=first.sentence,
            written=_time(first),
            ready=max(ready, _time(last)),
            heard=last.delay,
        )
    )
    return GroupState(closed=state.closed)


def _time(unit: Emission) -> int:
    """When it could be read; without a stamp, when it was written."""
    return unit.delay if unit.elapsed is None else unit.elapsed


def _size(unit: Emission) -> float:
    """How much it is of a word; marks that stand alone count nothing."""
    if not any(letter.isalnum() for letter in unit.text):
        return 0.0
    return 1.0 if unit.space or not unit.index else UNSPACED


def _leans(unit: Emission) -> bool:
    """Whether it cannot begin a group: a mark, or a sign that is written onto a letter."""
    return not unit.space and all(unicodedata.category(c)[0] in "MP" for c in unit.text[:1])


def _pauses(unit: Emission) -> bool:
    """Whether a speaker may pause after it."""
    return unit.text.rstrip(CLOSING)[-1:] in CLAUSE_MARKS
