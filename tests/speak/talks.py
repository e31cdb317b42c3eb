"""Updates to be spoken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from simulst.types import SAMPLE_RATE, Emission, Reason, SentenceEnd, Update

STEP = SAMPLE_RATE // 2


def unit(index: int, text: str, at: int, sentence: int = 0, space: str = " ") -> Emission:
    """One emission, written when the stream had been heard up to a sample."""
    between = space if index else ""
    return Emission(index, sentence, text, between, 1, at, at, Reason.RATIO)


def spoken(text: str, every: int = STEP, space: str = " ") -> list[Update]:
    """A unit in each step; a sentence ends where there is a bar."""
    updates, sentence, heard, index = [], 0, 0, 0
    units = text.split() if space else text
    for word in units:
        heard += every
        ends = (SentenceEnd(heard),) if word == "|" else ()
        given = () if ends else (unit(index, word, heard, sentence, space),)
        updates.append(Update(heard, committed=ends, emissions=given))
        sentence += len(ends)
        index += len(given)
    return updates


def ended(updates: Sequence[Update]) -> list[Update]:
    """The same, and the end of the session."""
    return [*updates, Update(updates[-1].heard if updates else 0, ended=True)]


def merged(updates: Iterable[Update]) -> Update:
    """What an engine gives that hears all of it in one call."""
    whole = list(updates)
    return Update(
        whole[-1].heard,
        tuple(item for update in whole for item in update.committed),
        tuple(each for update in whole for each in update.emissions),
        ended=whole[-1].ended,
    )


def stamped(updates: Iterable[Update], late: int) -> list[Update]:
    """With the time when each unit could be read."""
    return [
        replace(u, emissions=tuple(replace(e, elapsed=e.delay + late) for e in u.emissions))
        for u in updates
    ]


@st.composite
def talks(draw: st.DrawFn) -> list[Update]:
    """A session in steps: bursts, pauses, marks, sentences, with and without spaces."""
    space = draw(st.sampled_from(["", " "]))
    letters = "你好าิ。、" if not space else "aß1.,!-»"
    texts = st.text(st.sampled_from(letters), min_size=1, max_size=1 if not space else 6)
    heard = sentence = index = 0
    updates = []
    for _ in range(draw(st.integers(0, 25))):
        heard += STEP * draw(st.sampled_from([1, 1, 1, 2, 5]))
        given: list[Emission] = []
        for text in draw(st.lists(texts, max_size=4)):
            given.append(unit(index, text, heard, sentence, space))
            index += 1
        ends = draw(st.sampled_from([0, 0, 0, 1]))
        sentence += ends
        updates.append(Update(heard, (SentenceEnd(heard),) * ends, tuple(given)))
    return ended(updates)


@st.composite
def packets(draw: st.DrawFn) -> tuple[list[Update], list[Update]]:
    """A session in steps, and the same heard several steps at a time."""
    fine = draw(talks())
    coarse, rest = [], fine
    while rest:
        size = draw(st.integers(1, 6))
        coarse.append(merged(rest[:size]))
        rest = rest[size:]
    return fine, coarse
