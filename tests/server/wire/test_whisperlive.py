"""The wire of WhisperLive; its client is played, and hears a whole talk in `test_talk_clients`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.errors import ProtocolError
from simulst.server.wire.base import (
    PAUSE_S,
    Audio,
    Begin,
    Ended,
    Failed,
    Finish,
    Frame,
    Given,
    Lagging,
)
from simulst.server.wire.whisperlive import END_OF_AUDIO, WhisperLive
from simulst.types import SentenceEnd, Update
from tests.server.wire.shell import Core
from tests.server.wire.talks import sessions, talk, unit, word
from tests.server.wire.whisperlive_client import Stock, options, segment

SOUND = np.full(4096, 0.5, np.float32).tobytes()


GOOD = segment("0.100", "1.000", " Good morning.")
THANKS = segment("1.500", "2.000", " Thank you.")
GUTEN = segment("0.100", "1.000", " Guten Morgen, alle.")
DANKE = segment("1.500", "2.000", " Danke.")


def begin(script: list[Update] | None = None, **changes: Any) -> tuple[Core, Stock]:
    """A connection whose options have been sent."""
    core, stock = Core(WhisperLive(), talk() if script is None else script), Stock()
    ready = stock.read(core.take(options(**changes)))
    assert ready == [{"message": "SERVER_READY", "backend": "faster_whisper"}]
    return core, stock


def test_a_translated_talk() -> None:
    """With task translate the segments are the translation, as it is written."""
    core, stock = begin(task="translate", language="en")
    told = [stock.read(core.take(SOUND)) for _ in range(4)]
    told.append(stock.read(core.take(END_OF_AUDIO)))
    whole = {**GUTEN, "completed": False}
    assert told == [
        [{"segments": [segment("0.100", "0.400", " Guten", False)]}],
        [],
        [{"segments": [whole]}, {"segments": [GUTEN]}],
        [],
        [{"segments": [GUTEN, {**DANKE, "completed": False}]}, {"segments": [GUTEN, DANKE]}],
    ]
    assert stock.srt() == [" Guten Morgen, alle.", " Danke."]
    assert core.requests[0] == Begin("en", "", silence_after_s=PAUSE_S)
    assert core.closed


def test_a_transcribed_talk() -> None:
    """Without a wish for translation the segments are the transcript, as it becomes final."""
    core, stock = begin()
    told = stock.read(core.take(SOUND, SOUND, SOUND, SOUND, END_OF_AUDIO))
    assert [[each["text"] for each in message["segments"]] for message in told] == [
        [" Good"],
        [" Good morning."],
        [" Good morning."],
        [" Good morning.", " Thank you."],
        [" Good morning.", " Thank you."],
    ]
    assert stock.transcript == [GOOD, THANKS]
    assert stock.srt() == [" Good morning.", " Thank you."]


def test_a_talk_with_its_translation() -> None:
    """With enable_translation both come: the transcript grows, translated sentences are whole."""
    core, stock = begin(enable_translation=True, target_language="de", task="translate")
    assert core.requests[0] == Begin("", "de", silence_after_s=PAUSE_S)
    told = stock.read(core.take(SOUND, SOUND, SOUND, SOUND, END_OF_AUDIO))
    assert [each["translated_segments"] for each in told if "translated_segments" in each] == [
        [GUTEN],
        [GUTEN, DANKE],
    ]
    assert stock.srt() == [" Good morning.", " Thank you."]
    assert stock.translated == [GUTEN, DANKE]


def test_a_target_alone_says_nothing() -> None:
    """The stock client always names a target; it is followed with enable_translation only."""
    core, _ = begin(target_language="fr")
    assert core.requests == [Begin("", "", silence_after_s=PAUSE_S)]


@pytest.mark.parametrize(
    ("changes", "data"),
    [
        ({}, np.full(4, 0.5, "<f4").tobytes()),
        ({"audio_format": "float32"}, np.full(4, 0.5, "<f4").tobytes()),
        ({"audio_format": "int16"}, np.full(4, 16_384, "<i2").tobytes()),
        ({"audio_format": "uint8"}, bytes([192] * 4)),
    ],
)
def test_three_kinds_of_samples(changes: dict[str, Any], data: bytes) -> None:
    """Audio comes as floats, as the options say otherwise as integers."""
    core, _ = begin(**changes)
    core.take(data)
    audio = core.requests[-1]
    assert isinstance(audio, Audio)
    assert audio.rate == 16_000
    np.testing.assert_array_equal(audio.samples, np.full(4, 0.5, np.float32))


def test_the_same_sentence_twice_is_kept_twice() -> None:
    """The stock client skips what reads like the one before; here it does not."""
    update = Update(
        0,
        (word("Yes.", 0, 1), SentenceEnd(16_000), word("Yes.", 1, 2), SentenceEnd(32_000)),
        (unit(0, "好。", 1, space=""), unit(1, "好。", 2, sentence=1, space="")),
    )
    for changes in ({}, {"task": "translate"}):
        core, stock = begin([update], **changes)
        stock.read(core.take(SOUND))
        assert len(stock.transcript) == 2


def test_sentences_before_an_open_one_are_all_sent() -> None:
    """Sentences that end in a step are sent, however few were asked for, though one is open."""
    items = [
        item for i in range(5) for item in (word("Yes.", i, i + 1), SentenceEnd((i + 1) * 16_000))
    ]
    update = Update(0, (*items, word("No", 5, 6)))
    core, stock = begin([update], send_last_n_segments=2)
    (message,) = stock.read(core.take(SOUND))
    assert [each["text"] for each in message["segments"]] == [" Yes."] * 5 + [" No"]
    assert len(stock.transcript) == 5


def test_many_sentences_in_one_step_are_all_sent() -> None:
    """A message holds more segments than asked for rather than pass one over."""
    items = [
        item
        for i in range(15)
        for item in (word(f"{i}.", i, i + 0.5), SentenceEnd(round((i + 0.5) * 16_000)))
    ]
    units = tuple(unit(i, f"{i}!", i + 0.5, sentence=i) for i in range(15))
    core, stock = begin(
        [Update(0, tuple(items), units)],
        send_last_n_segments=2,
        enable_translation=True,
        target_language="de",
    )
    stock.read(core.take(SOUND))
    assert [each["text"] for each in stock.transcript] == [f" {i}." for i in range(15)]
    assert [each["text"] for each in stock.translated] == [f" {i}!" for i in range(15)]
    more = Update(0, (word("15.", 15, 16), SentenceEnd(16 * 16_000)), (unit(15, "15!", 16, 15),))
    first, second, third = stock.read(core.tell(Given(2, more)))
    assert [each["text"] for each in second["segments"]] == [" 14.", " 15."]
    assert [each["text"] for each in third["translated_segments"]] == [" 14!", " 15!"]
    assert len(core.state.said) == 2
    assert first["segments"][-1] == {**second["segments"][-1], "completed": False}


def test_a_sentence_without_translation_is_no_segment() -> None:
    """What has no text is not shown, and leaves no empty list."""
    update = Update(0, (word("Hm.", 0, 1), SentenceEnd(16_000)))
    core, stock = begin([update], task="translate")
    assert stock.read(core.take(SOUND)) == []


def test_pressure_and_failure_are_statuses() -> None:
    """Lag is a warning, a failure an error, a full server a number of minutes to wait."""
    core, stock = begin()
    news = (Lagging(4200), Lagging(0), Failed("model", "no such pair"), Failed("overloaded", "x"))
    assert stock.read(core.tell(*news)) == [
        {"status": "WARNING", "message": "4.2 s of audio wait to be translated"},
        {"status": "WARNING", "message": "the server has caught up"},
        {"status": "ERROR", "message": "no such pair"},
        {"status": "WAIT", "message": 1},
    ]


def test_the_server_may_end_it() -> None:
    """A session that ends without the client's word says why and disconnects; nothing is lost."""
    core, stock = begin(talk()[:1])
    stock.read(core.take(SOUND))
    *_, why, end = stock.read(core.tell(Ended("the server stops")))
    assert why == {"status": "WARNING", "message": "the server stops"}
    assert end == {"message": "DISCONNECT"}
    assert stock.srt() == [" Good"]


def test_the_end_may_be_text() -> None:
    """The end is understood as bytes and as text, and nothing belongs after it."""
    for end in (END_OF_AUDIO, END_OF_AUDIO.decode()):
        core, _ = begin()
        core.take(end)
        assert core.requests[-1] == Finish()
        with pytest.raises(ProtocolError, match="after END_OF_AUDIO") as caught:
            core.wire.receive(core.state, SOUND)
        assert not caught.value.fatal  # the last words are still to come


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (SOUND, "16384 bytes came first"),
        ("END_OF_AUDIO", "must be a JSON object"),
        ("{}", "uid is None"),
        (options(uid=7), "uid is 7"),
        (options(uid=""), "uid is ''"),
        (options(uid="u" * 257), "uid is 'uuu"),
        (options(audio_format="mp3"), "one of float32, int16, uint8"),
        (options(audio_format=["int16"]), "audio_format is list"),
        (options(send_last_n_segments=0), "send_last_n_segments is 0"),
        (options(send_last_n_segments=True), "send_last_n_segments is True"),
        (options(language=7), "language is 7"),
        (options(enable_translation=True, target_language="?"), "target_language is"),
    ],
)
def test_bad_options_end_the_connection(frame: Frame, what: str) -> None:
    """Options that make no sense are named in a status."""
    core = Core(WhisperLive())
    (reply,) = core.take(frame)
    message = json.loads(reply)
    assert message["status"] == "ERROR"
    assert what in message["message"]
    assert core.closed


def test_bad_audio_is_left_out() -> None:
    """Part of a sample, or text in between, is a warning, and the talk goes on."""
    core, stock = begin()
    for frame in (SOUND[:-1], "hello"):
        (message,) = stock.read(core.take(frame))
        assert message["status"] == "WARNING"
    assert len(core.take(SOUND)) == 1


@given(sessions(), st.sampled_from(["transcribe", "translate"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_client_stores_every_sentence(
    updates: list[Update], task: str, enable_translation: bool
) -> None:
    """Whatever the talk, the stock client ends up with all its sentences, in order, once each."""
    core, stock = begin(updates, task=task, enable_translation=enable_translation)
    stock.read(core.take(*[SOUND] * len(updates), END_OF_AUDIO))
    sources: list[str] = []
    targets: list[str] = []
    words: list[str] = []
    units = [unit for update in updates for unit in update.emissions]
    number = 0
    for item in (item for update in updates for item in update.committed):
        if isinstance(item, SentenceEnd):
            sources.append(" " + " ".join(words))
            mine = [unit for unit in units if unit.sentence == number]
            text = "".join(unit.space + unit.text for unit in mine).strip()
            targets += [f" {text}"] if mine else []
            words, number = [], number + 1
        else:
            words.append(item.text)
    shown = targets if task == "translate" and not enable_translation else sources
    assert [each["text"] for each in stock.transcript] == shown
    assert stock.srt() == shown
    assert [each["text"] for each in stock.translated] == (targets if enable_translation else [])


@given(
    st.lists(
        st.binary(max_size=9)
        | st.text(max_size=9)
        | st.dictionaries(
            st.sampled_from(["uid", "language", "task", "audio_format", "send_last_n_segments"]),
            st.none() | st.integers() | st.text(max_size=5) | st.lists(st.none(), max_size=2),
        ).map(json.dumps),
        max_size=6,
    ),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_no_client_breaks_it(frames: list[Frame], begun: bool) -> None:
    """Only protocol errors come out, each is told, and after one the talk goes on."""
    core = begin([])[0] if begun else Core(WhisperLive())
    for frame in frames:
        errors, replies = len(core.errors), core.take(frame)
        if len(core.errors) > errors:
            assert json.loads(replies[0])["status"] in ("WARNING", "ERROR")
        if core.closed:
            return
    core.take(SOUND if core.state.uid else options())
    assert len(core.errors) == sum(not error.fatal for error in core.errors)
