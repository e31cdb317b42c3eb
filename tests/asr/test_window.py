"""The window grows with the speech and lets go only of what is committed."""

from __future__ import annotations

from simulst.asr.window import Rolling, append, drop, empty, extend, settle
from simulst.types import SAMPLE_RATE, Word
from tests.asr.fakes import say, sound


def rolling(words: list[Word], seconds: float) -> Rolling:
    """A window of so many seconds from sample 0 with committed words."""
    return extend(append(empty(0), sound(round(seconds * SAMPLE_RATE))), words)


def test_appending_leaves_the_old_window_alone() -> None:
    """A window is a value: two futures can be appended to the same past."""
    past = rolling([], 1)
    one, other = append(past, sound(100, 1)), append(past, sound(200, 2))
    assert (past.end, one.end, other.end) == (16_000, 16_100, 16_200)


def test_dropped_words_take_their_audio_up_to_the_middle_of_the_gap() -> None:
    """The cut lies between the last word let go and the first one kept or still open."""
    words = say("we went home")
    window = rolling(words[:2], 3)
    shorter = drop(window, 1, words[2:])
    assert shorter.prefix == (words[1],)
    assert shorter.start == (words[0].end + words[1].start) // 2
    assert shorter.end == window.end
    assert drop(window, 2, words[2:]).start == (words[1].end + words[2].start) // 2
    assert drop(window, 2, ()).start == words[1].end
    assert drop(window, 0, ()) is window


def test_a_short_window_is_left_as_it_is() -> None:
    """Nothing is let go before the window has reached its limit."""
    window = rolling(say("we went"), 3)
    assert settle(window, (), 3 * SAMPLE_RATE + 1) == (window, ())


def test_a_long_window_keeps_some_committed_speech_as_context() -> None:
    """Where that is enough, only words that ended 3 s before the last committed one go."""
    words = say("a b c d e f g h i j k l m n o p q r s t")
    window, forced = settle(rolling(words, 7.5), (), 7 * SAMPLE_RATE)
    assert not forced
    assert 2.5 * SAMPLE_RATE < words[-1].end - window.start < 3.2 * SAMPLE_RATE


def test_a_long_window_lets_go_of_all_committed_speech_if_it_must() -> None:
    """Context is given up where it would keep the window too long."""
    words = say("a b c")
    window, forced = settle(rolling(words, 6), say("d", start_s=5), 5 * SAMPLE_RATE)
    assert not forced and window.prefix == ()
    assert words[-1].end < window.start < 5 * SAMPLE_RATE


def test_a_long_window_without_commitment_is_forced() -> None:
    """Pending words are committed, but not the one that the end of the audio may cut off."""
    words = say("a b c") + say("d", start_s=5.7)
    window, forced = settle(rolling([], 6), words, 6 * SAMPLE_RATE)
    assert forced == tuple(words[:3])
    assert window.start == 3 * SAMPLE_RATE < words[3].start
