"""Sentences end at punctuation, at pauses, or when they are too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.asr.sentences import Sentence, close, close_after_pause, ends_sentence, follow
from simulst.config import Asr
from simulst.types import SAMPLE_RATE, SentenceEnd, Word
from tests.asr.fakes import say


def marked(text: str, config: Asr | None = None) -> str:
    """The text with a bar at each sentence end."""
    _, events = follow(Sentence(), say(text), config or Asr())
    return " ".join(event.text if isinstance(event, Word) else "|" for event in events)


@pytest.mark.parametrize(
    "text", ["went.", "went!", "went?", "went…", "went...", 'went."', "went?!", "went.)", "行く。"]
)
def test_final_punctuation_ends_a_sentence(text: str) -> None:
    """Full stop, question and exclamation mark and ellipsis count, also before a quote."""
    assert ends_sentence(text)


@pytest.mark.parametrize(
    "text", ["went", "went,", "Mr.", "Dr.", "(Dr.", "e.g.", "U.S.", "J.", "3.5", "went:", "O'Hara"]
)
def test_abbreviations_initials_and_decimals_do_not(text: str) -> None:
    """A full stop inside or behind a shortened word says nothing about the sentence."""
    assert not ends_sentence(text)


def test_a_number_ends_a_sentence_where_it_is_no_ordinal() -> None:
    """ "3." closes an English sentence and means "third" in German; "I." is the pronoun."""
    assert ends_sentence("3.", "en") and not ends_sentence("3.", "de")
    assert ends_sentence("I.")


def test_words_pass_and_ends_stand_between_them() -> None:
    """Every word comes out at once, followed by the end that it causes."""
    assert marked("I met Dr. Smith. He left") == "I met Dr. Smith. | He left"


def test_a_pause_ends_a_sentence() -> None:
    """A gap of pause_ms between two words closes the sentence before the second."""
    assert marked("we went 0.7 home") == "we went home"
    assert marked("we went 0.9 home") == "we went | home"


def test_silence_on_the_clock_ends_a_sentence_once() -> None:
    """The sentence is closed when the stream has been silent long enough, and only once."""
    config = Asr(pause_ms=900)
    sentence, _ = follow(Sentence(), say("we went"), config)
    assert close_after_pause(sentence, sentence.end + 14_399, config) == (sentence, ())
    later, events = close_after_pause(sentence, sentence.end + 14_400, config)
    assert events == (SentenceEnd(sentence.end),)
    assert close_after_pause(later, sentence.end + 99_999, config)[1] == ()
    assert close(later)[1] == ()


def test_a_long_sentence_is_cut_at_a_comma_near_the_limit() -> None:
    """Without punctuation a sentence has sentence_words words, or ends at a late comma."""
    config = Asr(sentence_words=10)
    words = ["a,", *"bcdefghijk"]
    assert marked(" ".join(words), config) == "a, b c d e f g h i j | k"
    words[7] += ","
    assert marked(" ".join(words), config) == "a, b c d e f g h, | i j k"


def test_a_late_mark_ends_the_sentence_before_it() -> None:
    """A lone full stop is no word; it closes what is open, and nothing if nothing is."""
    assert marked("we went . Then") == "we went | Then"
    assert marked(". Then . . we") == "Then | we"
    assert marked("we , went") == "we went"


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b.", "c,", ".", "Mr."]), st.integers(0, 30_000))),
    st.integers(2, 6),
)
def test_no_sentence_is_empty_and_no_word_is_lost(
    spoken: list[tuple[str, int]], longest: int
) -> None:
    """Between two ends there is a word, no sentence is too long, each end is its last word's."""
    words, at = [], 0
    for text, gap in spoken:
        words.append(Word(text, at + gap, at + gap + 3200))
        at += gap + 3200
    sentence, events = follow(Sentence(), words, Asr(sentence_words=longest))
    assert [e for e in events if isinstance(e, Word)] == [w for w in words if w.text != "."]
    before: Word | SentenceEnd | None = None
    length = 0
    for event in (*events, *close_after_pause(sentence, at + SAMPLE_RATE, Asr())[1]):
        length = length + 1 if isinstance(event, Word) else 0
        assert length <= longest
        if isinstance(event, SentenceEnd):
            assert isinstance(before, Word) and event.at == before.end
        before = event
    assert before is None or isinstance(before, SentenceEnd)
