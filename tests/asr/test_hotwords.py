"""Terms that are heard out of what nearly sounds like them."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from simulst.asr.hotwords import DOUBTFUL, HotwordTranscriber, corrected, distance, sounds
from simulst.asr.listener import Listener
from simulst.config import Asr
from simulst.protocols import Transcriber
from simulst.types import SAMPLE_RATE, Window, Word
from tests.asr.fakes import Hearing, Stream, chunk, say

TERMS = (
    ("Estonia",),
    ("garlic",),
    ("handkerchief",),
    ("New", "Delhi"),
    ("Kyrgyzstan",),
    ("uncle",),
)


def heard(text: str, probability: float = 0.5) -> tuple[Word, ...]:
    """Words of a hypothesis, none of them sure."""
    return tuple(
        Word(word, 1000 * i, 1000 * i + 800, probability) for i, word in enumerate(text.split())
    )


def texts(words: tuple[Word, ...]) -> str:
    """What they say."""
    return " ".join(word.text for word in words)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("points to esdunia", "points to Estonia"),
        ("tastes of garlike.", "tastes of garlic."),
        ("his hankerchief, please", "his handkerchief, please"),
        ("from kirgistan today", "from Kyrgyzstan today"),
        ("in new dehly?", "in New Delhi?"),
    ],
)
def test_a_near_miss_becomes_the_term(said: str, meant: str) -> None:
    """The mark behind it stays, and so do the words around."""
    assert texts(corrected(heard(said), TERMS)) == meant


@pytest.mark.parametrize(
    "said", ["a stone here", "own call", "the handle is new", "Estonia", "garlics", "unclear"]
)
def test_what_is_not_near_or_is_right_stays(said: str) -> None:
    """Other words are left alone, and a term as it was written."""
    assert corrected(heard(said), TERMS) == heard(said)


def test_a_word_that_the_recogniser_is_sure_of_stays() -> None:
    """However near it sounds."""
    words = heard("to esdunia", probability=DOUBTFUL)
    assert corrected(words, TERMS) == words


def test_a_term_of_two_words_takes_the_time_of_what_was_heard() -> None:
    """Its words share it in order, and are as doubtful as the worst of those."""
    one = Word("nevdeli,", 3000, 9000, 0.4)
    new, delhi = corrected([one], TERMS)
    assert (new.text, delhi.text) == ("New", "Delhi,")
    assert new.start == 3000 < new.end == delhi.start < delhi.end == 9000
    assert new.probability == delhi.probability == 0.4
    two = (Word("kirgi", 0, 900, 0.6), Word("stan.", 1000, 2000, 0.3))
    (joined,) = corrected(two, TERMS)
    assert joined == Word("Kyrgyzstan.", 0, 2000, 0.3)


def test_distance_is_a_distance() -> None:
    """It is nought for the same alone, symmetric, and bounded by the longer of the two."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abdefgikmnoprstu", k=draw.randint(0, 8))) for _ in range(40)]
    for one, other in pairwise(words):
        assert distance(one, other) == distance(other, one) <= max(len(one), len(other))
        assert (distance(one, other) == 0) == (one == other)
    assert distance("bad", "pat") == 1.0


def test_sounds_leave_spelling_behind() -> None:
    """What is spelt in two ways sounds alike; accents and marks say nothing."""
    assert sounds("Philipp's") == sounds("filips") and sounds("Knock!") == sounds("nok")
    assert sounds("Élysée") == sounds("elisee") and sounds("—") == ""


def test_correction_comes_before_commitment() -> None:
    """Two hypotheses agree on the corrected word, which is then committed and forced as prefix."""
    said = say("points to esdunia and to you all")
    words = [Word(w.text, w.start, w.end, 0.5) for w in said]
    hearing = Hearing(words)
    transcriber = HotwordTranscriber(hearing, TERMS)
    assert isinstance(transcriber, Transcriber) and transcriber.languages == ("en",)
    stream = Stream(Listener(transcriber, Asr()))
    stream.talk(words[-1].end + SAMPLE_RATE)
    stream.finish()
    assert stream.words[:4] == ["points", "to", "Estonia", "and"]
    assert any("Estonia" in [w.text for w in row.prefix] for call in hearing.calls for row in call)


def test_rows_are_corrected_each_for_itself() -> None:
    """A batch gives what its windows give alone."""
    words = [Word(w.text, w.start, w.end, 0.5) for w in say("to esdunia now")]
    transcriber = HotwordTranscriber(Hearing(words), TERMS)
    windows = [Window(chunk(0, end * SAMPLE_RATE)) for end in (1, 2)]
    together = transcriber.transcribe(windows)
    assert together == [transcriber.transcribe([window])[0] for window in windows]
    assert texts(together[1]) == "to Estonia now"
