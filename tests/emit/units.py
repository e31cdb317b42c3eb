"""Emissions and updates for the tests of captions."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from simulst.types import SAMPLE_RATE, Emission, Reason, SentenceEnd, Update, Verdict, Word


def unit(index: int, text: str, at_s: float, sentence: int = 0, space: str = " ") -> Emission:
    """One emission, written `at_s` seconds into the stream."""
    delay = round(at_s * SAMPLE_RATE)
    between = space if index else ""
    return Emission(index, sentence, text, between, 1, delay, delay, Reason.RATIO, delay + 80)


def units(text: str, start_s: float = 1.0, every_s: float = 0.4) -> list[Emission]:
    """The words of one sentence, evenly spaced."""
    return [unit(i, word, start_s + i * every_s) for i, word in enumerate(text.split())]


def one_by_one(emissions: Iterable[Emission]) -> list[Update]:
    """An update for each emission, as it is written."""
    return [Update(heard=each.delay, emissions=(each,)) for each in emissions]


def talk() -> list[Update]:
    """Two short sentences, with every kind of thing that an update can hold."""
    verdict = Verdict(0, 0, 17, 1, 0.25, 0.5, 0.5, 0.4, True, Reason.RATIO)
    entropy = Verdict(0, 1, 18, 1, None, None, 2.5, None, False, Reason.ENTROPY)
    return [
        Update(heard=8000, tentative_source="good"),
        Update(
            heard=16000,
            committed=(Word("Good", 1600, 6400, 0.5),),
            emissions=(unit(0, "Guten", 1.0),),
            verdicts=(verdict, entropy),
            tentative_source="morning",
            tentative_target="Morgen",
        ),
        Update(
            heard=24000,
            committed=(Word("morning.", 6400, 16000), SentenceEnd(16000)),
            emissions=(unit(1, "Morgen.", 1.5),),
        ),
        Update(heard=32000, committed=(Word("Thanks.", 20000, 30000),)),
        Update(
            heard=36000,
            committed=(SentenceEnd(30000),),
            emissions=(unit(2, "Danke.", 2.25, sentence=1),),
            ended=True,
        ),
    ]


@st.composite
def streams(draw: st.DrawFn) -> list[Update]:
    """A session's updates: bursts, pauses, long and wide words, with and without spaces."""
    space = draw(st.sampled_from(["", " "]))
    texts = st.text(st.sampled_from("aßÄ你。&<>-"), min_size=1, max_size=60)
    heard, sentence, index = 0, 0, 0
    updates = []
    for _ in range(draw(st.integers(0, 12))):
        heard += draw(st.integers(0, 4 * SAMPLE_RATE))
        sentence += draw(st.integers(0, 1))
        words = []
        for _ in range(draw(st.integers(0, 6))):
            words.append(unit(index, draw(texts), heard / SAMPLE_RATE, sentence, space))
            index += 1
        updates.append(Update(heard=heard, emissions=tuple(words)))
    return [*updates, Update(heard=heard, ended=True)]
