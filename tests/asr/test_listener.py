"""Listening commits every word once, whatever speech, silence or the recogniser do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.asr.listener import Listener
from simulst.config import Asr
from simulst.types import SAMPLE_RATE, AudioChunk, Hypothesis, SentenceEnd, Speech, Window, Word
from tests.asr.fakes import STEP, Hearing, Script, Stream, chunk, say, sound

TALK = "Good morning, and welcome to our city. My name is Anna. Today we talk about words"


def end_of(words: Sequence[Word]) -> int:
    """A quarter of a second behind the last word."""
    return words[-1].end + SAMPLE_RATE // 4


@pytest.mark.parametrize("policy", ["local-agreement", "alignatt"])
def test_a_talk_is_committed_while_it_is_spoken(policy: str) -> None:
    """Words come out during the talk, each once, with the ends of sentences between them."""
    words = say(TALK)
    stream = Stream(Listener(Hearing(words), Asr(policy=policy)))
    stream.talk(end_of(words) // 2 // STEP * STEP, end=False)
    assert stream.words == TALK.split()[: len(stream.words)] and len(stream.words) > 4
    stream.talk(end_of(words), start=stream.clock)
    stream.finish()
    assert stream.text == TALK.replace(". ", ". | ") + " |"


def test_the_last_words_come_out_when_speech_ends() -> None:
    """Ended speech commits its last words at once, though nothing confirmed them."""
    words = say("we went home")
    stream = Stream(Listener(Hearing(words), Asr()))
    stream.talk(end_of(words))
    assert stream.words == ["we", "went", "home"]


def test_the_last_words_come_out_at_the_end_of_the_stream() -> None:
    """A stream that stops in the middle of speech loses nothing that was recognised."""
    words = say("we went home")
    stream = Stream(Listener(Hearing(words), Asr()))
    stream.talk(end_of(words), end=False)
    assert stream.text == "we went"
    assert stream.last.tentative == (words[2],)
    stream.finish()
    assert stream.text == "we went home |"
    assert stream.finish().committed == ()


def test_an_end_without_audio_flushes_without_the_model() -> None:
    """An empty end marker commits what the last step heard and asks the recogniser nothing."""
    words = say("we went home")
    hearing = Hearing(words)
    stream = Stream(Listener(hearing, Asr()))
    stream.talk(end_of(words), end=False)
    calls = len(hearing.calls)
    stream.hear(Speech(AudioChunk(np.zeros(0, np.float32), stream.clock), ended=True))
    assert stream.words == ["we", "went", "home"]
    assert len(hearing.calls) == calls


def test_a_step_without_speech_costs_nothing_and_changes_nothing() -> None:
    """Without new speech no model is called and the tentative words stay on show."""
    words = say("we went home")
    hearing = Hearing(words)
    stream = Stream(Listener(hearing, Asr()))
    stream.talk(end_of(words), end=False)
    calls, tentative = len(hearing.calls), stream.last.tentative
    assert stream.hear(clock=stream.clock + STEP) == Hypothesis((), tentative)
    assert len(hearing.calls) == calls


def test_a_stop_written_at_the_edge_of_the_audio_is_not_believed() -> None:
    """ "I went." becomes "I went to": neither stop nor sentence end was committed."""
    words = say("I went to town")

    def stop_at_edge(heard: list[Word], window: Window) -> list[Word]:
        heard = [word for word in heard if not word.text.startswith("hm")]
        at_edge = heard and window.audio.end < words[-1].end
        return [*heard[:-1], replace(heard[-1], text=heard[-1].text + ".")] if at_edge else heard

    stream = Stream(Listener(Hearing(words, stop_at_edge), Asr()))
    stream.talk(end_of(words))
    assert stream.finish().committed == (SentenceEnd(words[-1].end),)
    assert stream.text == "I went to town |"


def test_a_stop_heard_after_the_word_was_committed_closes_the_sentence() -> None:
    """A mark that comes late ends the sentence; the committed word stays as it was."""
    one, two, three = say("city Today we")
    stop = Word(".", one.end, one.end)
    script = Script([one, two], [one], [stop, two], [stop, two, three])
    stream = Stream(Listener(script, Asr()))
    stream.talk(4 * STEP, end=False)
    assert stream.text == "city | Today"
    assert script.windows[2].prefix == (one,)


def test_a_late_mark_is_in_the_prefix_but_is_no_word() -> None:
    """A comma that comes late is what the recogniser goes on from, and is not shown."""
    one, two, three = say("morning and welcome")
    comma = Word(",", one.end, one.end)
    script = Script([one, two], [one], [comma, two], [comma, two, three], [])
    stream = Stream(Listener(script, Asr()))
    stream.talk(5 * STEP, end=False)
    assert stream.text == "morning and"
    assert [word.text for word in script.windows[-1].prefix] == ["morning,", "and"]


def test_silence_gives_no_words_even_if_the_recogniser_invents_some() -> None:
    """Text hallucinated in digital silence is never shown: the model is not even asked."""
    hearing = Hearing(say("thank you for watching"))
    stream = Stream(Listener(hearing, Asr()))
    for at in range(0, 6 * STEP, STEP):
        silence = AudioChunk(np.zeros(STEP, np.float32), at)
        assert stream.hear(Speech(silence)) == Hypothesis()
    stream.finish()
    assert stream.committed == [] and hearing.calls == []


def test_words_invented_behind_the_speech_are_dropped() -> None:
    """Words put on the silence, or at one instant, behind the speech are not flushed."""
    words = say("we went home")
    quiet = np.concatenate([sound(words[-1].end), np.zeros(2 * SAMPLE_RATE, np.float32)])
    on_silence = say("thank you all", start_s=2)
    at_once = [Word(t, words[-1].end, words[-1].end) for t in ("thank", "you", "all")]
    for tail in (on_silence, at_once):
        stream = Stream(Listener(Script([*words, *tail]), Asr()))
        stream.hear(Speech(AudioChunk(quiet, 0), ended=True))
        assert stream.words == ["we", "went", "home"]


def test_a_repetition_loop_is_cut_though_agreement_confirms_it() -> None:
    """A loop stays short however often it is confirmed, and the prefix that feeds it is cleared."""

    def loop(heard: list[Word], window: Window) -> list[Word]:
        if window.audio.end < 4 * SAMPLE_RATE:
            return heard
        # repeats itself for as long as it finds itself in the prefix, or hears that stretch
        at = max(window.audio.start, 3 * SAMPLE_RATE)
        said = [w for w in heard if w.start < at]
        count = (window.audio.end - at) // 4000
        return said + [Word("la", at + i * 4000, at + i * 4000 + 3000) for i in range(count)]

    words = say("we went home by bus and then")
    hearing = Hearing(words, loop)
    stream = Stream(Listener(hearing, Asr()))
    stream.talk(12 * SAMPLE_RATE)
    assert stream.words[:7] == [word.text for word in words]
    assert 1 <= stream.words.count("la") < 5
    assert hearing.calls[-1][0].prefix == ()


def test_a_long_pause_leaves_the_state_sound() -> None:
    """After minutes of silence the next speech is heard as the first was, as a new sentence."""
    first = say("we went home")
    second = say("they came back", start_s=300)
    stream = Stream(Listener(Hearing([*first, *second]), Asr()))
    stream.talk(end_of(first))
    for at in range(SAMPLE_RATE * 2, SAMPLE_RATE * 299, 10 * SAMPLE_RATE):
        stream.hear(clock=at)
    stream.talk(end_of(second), start=299 * SAMPLE_RATE + 8000)
    stream.finish()
    assert stream.text == "we went home | they came back |"


def test_a_pause_closes_the_sentence_as_soon_as_it_is_long_enough() -> None:
    """The sentence is closed by the clock in silence, without waiting for another word."""
    words = say("we went home")
    stream = Stream(Listener(Hearing(words), Asr(pause_ms=900)))
    stream.talk(end_of(words))
    last = words[-1].end
    assert stream.hear(clock=last + 14_399).committed == ()
    assert stream.hear(clock=last + 14_400).committed == (SentenceEnd(last),)
    assert stream.hear(clock=last + 99_000).committed == ()


def test_the_window_stays_bounded_for_a_talk_of_any_length() -> None:
    """Neither sentences nor their absence let the window outgrow window_s and a step."""
    for text in (f"{TALK}. " * 12, TALK.replace(".", "") * 12):
        words = say(text)
        hearing = Hearing(words)
        stream = Stream(Listener(hearing, Asr(window_s=6, pause_ms=5000)))
        stream.talk(end_of(words))
        longest = max(len(call[0].audio.samples) for call in hearing.calls)
        assert longest <= 6 * SAMPLE_RATE + STEP
        assert stream.words == text.split()
        assert len(stream.state.recent) <= 64


def test_a_window_starts_behind_the_last_committed_sentence() -> None:
    """Audio of closed sentences is let go; the prefix is what is committed of the open one."""
    words = say("we went home. they came back with us")
    hearing = Hearing(words)
    stream = Stream(Listener(hearing, Asr()))
    stream.talk(end_of(words), end=False)
    window = hearing.calls[-1][0]
    assert words[2].end <= window.audio.start <= words[3].start
    assert [word.text for word in window.prefix] == ["they", "came", "back"][: len(window.prefix)]
    assert window.prefix[0].start >= window.audio.start


def test_a_window_in_which_nothing_agrees_is_committed_by_force() -> None:
    """A recogniser that changes its mind for ever cannot hold the words back for ever."""
    words = say(TALK.replace(".", "") * 3)

    def waver(heard: list[Word], window: Window) -> list[Word]:
        mark = "x" if window.audio.end // STEP % 2 else "y"
        return [replace(word, text=word.text + mark) for word in heard]

    stream = Stream(Listener(Hearing(words, waver), Asr(window_s=5, pause_ms=5000)))
    stream.talk(end_of(words), end=False)
    assert 20 < len(stream.words) < len(words)
    stream.finish()
    plain = [word[:-1] for word in stream.words if not word.startswith("hm")]
    assert plain == [word.text for word in words if word.text in plain]
    assert len(plain) >= 0.9 * len(words)


def test_speech_without_words_does_not_fill_the_memory() -> None:
    """Music keeps the gate open without giving a word; the window is let go all the same."""
    hearing = Hearing([])
    stream = Stream(Listener(hearing, Asr(window_s=4)))
    stream.talk(40 * SAMPLE_RATE)
    assert max(len(call[0].audio.samples) for call in hearing.calls) <= 4 * SAMPLE_RATE + STEP
    assert stream.finish().committed == ()


def test_two_runs_of_speech_in_one_step_are_heard_in_order() -> None:
    """The end of one run and the start of the next may fall into the same step."""
    words = [*say("we went"), *say("they came", start_s=3)]
    hearing = Hearing(words)
    stream = Stream(Listener(hearing, Asr()))
    stream.hear(
        Speech(chunk(0, 16_000), ended=True),
        Speech(chunk(46_000, 64_000), ended=True),
        clock=64_000,
    )
    assert stream.text == "we went | they came"
    assert len(hearing.calls) == 2


def test_a_gap_ends_the_run_before_it() -> None:
    """Speech that goes on further down the stream is a new run, as if the first had ended."""
    words = [*say("we went"), *say("they came", start_s=3)]
    stream = Stream(Listener(Hearing(words), Asr()))
    stream.hear(Speech(chunk(0, 16_000)))
    stream.hear(Speech(chunk(46_000, 64_000), ended=True))
    assert stream.text == "we went | they came"


def test_speech_longer_than_whisper_hears_is_taken_in_parts() -> None:
    """A minute given in one step is recognised in windows of at most 30 s."""
    words = say(f"{TALK}. " * 10)
    hearing = Hearing(words)
    stream = Stream(Listener(hearing, Asr()))
    stream.hear(Speech(chunk(0, end_of(words)), ended=True))
    assert max(len(call[0].audio.samples) for call in hearing.calls) < 30 * SAMPLE_RATE
    assert stream.words == [word.text for word in words]


def test_all_streams_share_one_call_and_do_not_disturb_each_other() -> None:
    """A step of many streams is one call of the transcriber and gives what each gives alone."""
    words = say(TALK)
    hearing = Hearing(words)
    listener = Listener(hearing, Asr())
    alone = [Stream(listener), Stream(listener)]
    alone[0].talk(end_of(words))
    alone[1].talk(6 * STEP, end=False)
    hearing.calls.clear()
    states = [listener.open(), listener.open(), listener.open()]
    committed: list[list[Word | SentenceEnd]] = [[], [], []]
    for at in range(0, end_of(words), STEP):
        stop = min(end_of(words), at + STEP)
        first = (Speech(chunk(at, stop), ended=stop == end_of(words)),)
        second = (Speech(chunk(at, stop)),) if at < 6 * STEP else ()
        rows = listener.step(states, [first, (), second], [stop, stop, stop])
        states = [state for state, _ in rows]
        for row, (_, hypothesis) in enumerate(rows):
            committed[row] += hypothesis.committed
    assert committed == [alone[0].committed, [], alone[1].committed]
    assert len(hearing.calls) == -(-end_of(words) // STEP)
    assert [len(call) for call in hearing.calls[:7]] == [2, 2, 2, 2, 2, 2, 1]


def test_a_state_can_be_kept_and_resumed() -> None:
    """A state is a value: going on from an old one gives the same as the first time."""
    words = say(TALK)
    stream = Stream(Listener(Hearing(words), Asr()))
    stream.talk(8 * STEP, end=False)
    kept, before = stream.state, list(stream.committed)
    stream.talk(end_of(words), start=8 * STEP)
    first = list(stream.committed)
    stream.state, stream.committed, stream.clock = kept, before, 8 * STEP
    stream.talk(end_of(words), start=8 * STEP)
    assert stream.committed == first


def test_an_empty_stream_gives_nothing() -> None:
    """A stream without speech ends without words and without a sentence."""
    stream = Stream(Listener(Hearing([]), Asr()))
    assert stream.hear(clock=SAMPLE_RATE) == Hypothesis()
    assert stream.finish() == Hypothesis()


SPOKEN = st.lists(
    st.tuples(
        st.sampled_from(["we", "went,", "home.", "Mr.", "and", "come!", "by", "bus", "late"]),
        st.sampled_from([0.05, 0.1, 0.1, 0.3, 1.2]),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(SPOKEN, st.integers(0, 2**32), st.sampled_from(["local-agreement", "alignatt"]))
def test_words_come_once_in_order_and_packets_do_not_matter(
    spoken: list[tuple[str, float]], seed: int, policy: str
) -> None:
    """Speech divided into packets in any way gives the same steps, and every word exactly once."""
    words, at = [], 3200
    for number, (text, gap_s) in enumerate(spoken):
        text = f"{text[0]}{number}{text[1:]}"  # no loops here
        words.append(Word(text, at, at + 4000))
        at += 4000 + round(gap_s * SAMPLE_RATE)
    audio, end = sound(at + 4000), at + 4000
    listener = Listener(Hearing(words), Asr(policy=policy, window_s=4))
    whole, divided = Stream(listener), Stream(listener)
    draw = np.random.default_rng(seed)
    for start in range(0, end, STEP):
        stop = min(end, start + STEP)
        whole.hear(Speech(AudioChunk(audio[start:stop], start), ended=stop == end))
        cuts = sorted({start, stop, *draw.integers(start, stop, size=draw.integers(0, 4)).tolist()})
        packets = [Speech(AudioChunk(audio[a:b], a), ended=b == end) for a, b in pairwise(cuts)]
        divided.hear(*packets)
        assert whole.last == divided.last
    whole.finish()
    divided.finish()
    assert whole.committed == divided.committed
    assert [e for e in whole.committed if isinstance(e, Word)] == words
    assert isinstance(whole.committed[-1], SentenceEnd)
    assert not any(
        isinstance(a, SentenceEnd) and isinstance(b, SentenceEnd)
        for a, b in pairwise(whole.committed)
    )
