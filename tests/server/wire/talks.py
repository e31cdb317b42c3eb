"""What an engine would have given for a talk, for the tests of the wires."""

from __future__ import annotations

from hypothesis import strategies as st

from simulst.types import SAMPLE_RATE, Emission, Reason, SentenceEnd, Update, Word

__all__ = ["sessions", "talk", "unit", "word"]


def word(text: str, start_s: float, end_s: float, probability: float = 1.0) -> Word:
    """A source word."""
    return Word(text, round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE), probability)


def unit(index: int, text: str, spoken_s: float, sentence: int = 0, space: str = " ") -> Emission:
    """A target unit that was written when a word had ended."""
    spoken = round(spoken_s * SAMPLE_RATE)
    between = space if index else ""
    return Emission(index, sentence, text, between, 1, spoken + 1600, spoken, Reason.RATIO)


def talk() -> list[Update]:
    """Two sentences in five steps: a start, nothing, an end, a word, and the rest at the end."""
    return [
        Update(
            heard=16_000,
            committed=(word("Good", 0.1, 0.4, 0.5),),
            emissions=(unit(0, "Guten", 0.4),),
            tentative_source="morning",
            tentative_target="Morgen",
        ),
        Update(heard=20_000, tentative_source="morning."),
        Update(
            heard=24_000,
            committed=(word("morning.", 0.5, 1.0, 0.75), SentenceEnd(16_000)),
            emissions=(unit(1, "Morgen,", 1.0), unit(2, "alle.", 1.0)),
        ),
        Update(heard=32_000, committed=(word("Thank", 1.5, 1.75), word("you.", 1.75, 2.0))),
        Update(
            heard=36_000,
            committed=(SentenceEnd(32_000),),
            emissions=(unit(3, "Danke.", 2.0, sentence=1),),
            ended=True,
        ),
    ]


@st.composite
def sessions(draw: st.DrawFn) -> list[Update]:
    """Updates of any session: words, ends and units at any step; the last one ends it."""
    updates: list[Update] = []
    at = sentence = index = 0
    waiting = False  # the open sentence has words
    text = st.sampled_from(['"Ja"', "Ja.", "Nein", "\\", "“Ö”", "好", "end_of_processing"])
    for _ in range(draw(st.integers(1, 8))):
        committed: list[Word | SentenceEnd] = []
        emissions: list[Emission] = []
        for _ in range(draw(st.integers(0, 4))):
            if waiting and draw(st.booleans()):
                committed.append(SentenceEnd(at))
            else:
                start = at + draw(st.integers(0, 16_000))
                at = start + draw(st.integers(0, 16_000))
                committed.append(Word(draw(text), start, at, draw(st.floats(0, 1))))
                waiting = True
            for _ in range(draw(st.integers(0, 2))):
                between = draw(st.sampled_from(["", " "])) if index else ""
                emissions.append(
                    Emission(index, sentence, draw(text), between, 1, at, at, Reason.RATIO)
                )
                index += 1
            if isinstance(committed[-1], SentenceEnd):
                sentence, waiting = sentence + 1, False
        updates.append(Update(at, tuple(committed), tuple(emissions)))
    if waiting:
        updates.append(Update(at, (SentenceEnd(at),), ended=True))
    return updates
