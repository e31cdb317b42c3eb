"""Guards drop what was not said and keep what was."""

from __future__ import annotations

import numpy as np
import pytest

from simulst.asr.guards import (
    drop_implausible,
    drop_unspoken,
    find_loop,
    is_audible,
    loudness,
)
from simulst.types import SAMPLE_RATE, AudioChunk, Word
from tests.asr.fakes import say, sound


@pytest.mark.parametrize(
    ("committed", "heard", "kept"),
    [
        pytest.param("", "so no no no no", None, id="four times a word is speech"),
        pytest.param("", "so no no no no no", 2, id="five times is a loop"),
        pytest.param("", "well of the of the of the of the of", 3, id="a phrase four times"),
        pytest.param("", "of the of the of the end", None, id="a phrase three times"),
        pytest.param("the of the of", "the of the of", 0, id="a loop that was confirmed"),
        pytest.param("no no no no", "No! way", 0, id="case and marks do not matter"),
        pytest.param("a b", "c a b c a b c a b c d", 1, id="the first round is kept"),
        pytest.param("no no no no no", "way", None, id="committed loops are over"),
        pytest.param("", "", None, id="nothing"),
    ],
)
def test_loops_are_found_across_committed_and_new_words(
    committed: str, heard: str, kept: int | None
) -> None:
    """A loop counts from the words that agreement has already confirmed."""
    assert find_loop(committed.split(), say(heard)) == kept


def test_words_without_length_are_cut() -> None:
    """Three words in a row at one instant were invented beyond the end of speech."""
    spoken = say("we went home")
    invented = [Word(t, 50_000, 50_000) for t in ("thank", "you", "all")]
    assert drop_implausible([*spoken, *invented]) == tuple(spoken)
    assert drop_implausible([*spoken, *invented[:2]]) == (*spoken, *invented[:2])


def test_more_than_eight_words_a_second_are_cut() -> None:
    """Nobody speaks nine words in a second."""
    spoken = say("we went home")
    rush = say("a b c d e f g h i", start_s=3, word_s=0.1, gap_s=0.01)
    assert drop_implausible([*spoken, *rush]) == tuple(spoken)
    assert len(drop_implausible([*spoken, *rush[:8]])) == 11


def test_words_in_silence_are_dropped() -> None:
    """A tail of words without sound anywhere near was not said."""
    words = say("we went 1.5 thank you")
    audio = np.concatenate([sound(SAMPLE_RATE), np.zeros(3 * SAMPLE_RATE, np.float32)])
    assert drop_unspoken(words, AudioChunk(audio, 0), 0.1) == tuple(words[:2])


def test_words_in_noise_far_below_the_speech_are_dropped() -> None:
    """Noise 50 dB under the speaker is silence; the same noise alone could be a soft voice."""
    words = say("we went 1.5 thank you")
    audio = np.concatenate([sound(SAMPLE_RATE), 0.003 * sound(3 * SAMPLE_RATE)])
    assert drop_unspoken(words, AudioChunk(audio, 0), 0.1) == tuple(words[:2])
    assert is_audible(0.03 * sound(1600), 0.0)


def test_loudness_is_of_the_loudest_moment() -> None:
    """Loudness does not depend on how much silence stands around."""
    tone = np.full(SAMPLE_RATE // 50, 0.5, np.float32)
    assert loudness(np.concatenate([np.zeros(640, np.float32), tone])) == pytest.approx(0.5)
    assert loudness(np.zeros(0, np.float32)) == 0.0
