"""The wire of vosk-server."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.errors import ProtocolError
from simulst.server.wire.base import (
    Audio,
    Begin,
    Failed,
    Finish,
    Given,
    Handshake,
    Lagging,
    Restart,
    Taken,
)
from simulst.server.wire.vosk import Vosk, VoskState
from simulst.types import SentenceEnd, Update
from tests.server.wire.shell import Core
from tests.server.wire.talks import sessions, talk, unit, word

BLOCK = b"\x00\x40" * 1600  # 3200 bytes, as FreeSWITCH and Asterisk send them
GUTEN: dict[str, Any] = {
    "result": [
        {"conf": 0.625, "start": 0.1, "end": 0.4, "word": "Guten"},
        {"conf": 0.625, "start": 0.4, "end": 0.7, "word": "Morgen,"},
        {"conf": 0.625, "start": 0.7, "end": 1.0, "word": "alle."},
    ],
    "text": "Guten Morgen, alle.",
}
DANKE = {"result": [{"conf": 1.0, "start": 1.5, "end": 2.0, "word": "Danke."}], "text": "Danke."}


def read(frames: list[Any]) -> list[dict[str, Any]]:
    """Frames as a client reads them."""
    assert all(isinstance(frame, str) for frame in frames)
    return [json.loads(frame) for frame in frames]


def test_a_talk_in_lock_step() -> None:
    """Partials grow, a final ends each sentence, and the end brings what is left."""
    core = Core(Vosk(), talk())
    assert core.take('{"config": {"sample_rate": 16000}}') == []
    replies = [read(core.take(BLOCK)) for _ in range(4)]
    replies.append(read(core.take('{"eof" : 1}')))
    assert replies == [
        [{"partial": "Guten"}],
        [{"partial": "Guten"}],
        [GUTEN],
        [{"partial": ""}],
        [DANKE],
    ]
    assert core.closed


def test_audio_is_what_was_sent() -> None:
    """Samples are signed 16-bit at the configured rate."""
    core = Core(Vosk())
    core.take('{"config": {"sample_rate": "16000"}}', BLOCK)
    begin, audio = core.requests
    assert begin == Begin()
    assert isinstance(audio, Audio)
    assert audio.rate == 16_000
    np.testing.assert_array_equal(audio.samples, np.full(1600, 0.5, np.float32))


@pytest.mark.parametrize(
    ("config", "rate"),
    [
        ("", 8000),  # FreeSWITCH and Asterisk
        ('{"config" : { "sample_rate" : "16000" }}', 16_000),  # BigBlueButton
        ('{"config" : {"sample_rate" : 48000.0 }}', 48_000),  # Jigasi
        ('{ "config" : { "sample_rate" : 16000.000000 } }', 16_000),  # the vosk package
        ('{"config": {"phrase_list": ["one", "[unk]"], "words": 1}}', 8000),
    ],
)
def test_every_client_gets_its_rate(config: str, rate: int) -> None:
    """The rate comes as a number, with a decimal point, as text, or not at all."""
    core = Core(Vosk())
    core.take(*([config] if config else []), BLOCK)
    audio = core.requests[-1]
    assert isinstance(audio, Audio)
    assert audio.rate == rate
    assert not core.errors


def test_the_address_may_name_the_languages() -> None:
    """Clients that only have an address can choose the pair in it."""
    core = Core(Vosk(), handshake=Handshake("/vosk", {"source": "en", "target": "de-AT"}))
    assert core.requests == [Begin("en", "de")]
    with pytest.raises(ProtocolError, match="target is 'x y'"):
        Vosk().open(Handshake("/vosk", {"target": "x y"}))


def test_words_can_be_left_out() -> None:
    """A client that asks for no words gets the text alone."""
    core = Core(Vosk(), talk())
    core.take('{"config": {"words": 0}}', BLOCK, BLOCK)
    assert read(core.take(BLOCK)) == [{"text": "Guten Morgen, alle."}]


def test_alternatives_have_one_reading() -> None:
    """With max_alternatives a final is a list, of the one reading there is."""
    core = Core(Vosk(), talk())
    core.take('{"config": {"max_alternatives": 3}}', BLOCK, BLOCK)
    words = [{k: v for k, v in each.items() if k != "conf"} for each in GUTEN["result"]]
    assert read(core.take(BLOCK)) == [
        {"alternatives": [{"confidence": 0.625, "result": words, "text": GUTEN["text"]}]}
    ]


def test_what_may_be_taken_back_is_not_shown() -> None:
    """A partial holds written words only, although more is drafted and heard."""
    core = Core(Vosk(), talk()[:1])
    assert read(core.take(BLOCK)) == [{"partial": "Guten"}]


def test_sentences_that_end_together_share_a_final() -> None:
    """Two ends within one frame still make one reply, and lose no word."""
    update = Update(
        0,
        (word("A.", 0, 1), SentenceEnd(16_000), word("B.", 1, 2), SentenceEnd(32_000)),
        (unit(0, "X.", 1), unit(1, "Y.", 2, sentence=1)),
    )
    core = Core(Vosk(), [update])
    (final,) = read(core.take(BLOCK))
    assert final["text"] == "X. Y."
    assert [each["word"] for each in final["result"]] == ["X.", "Y."]


def test_news_between_frames_wait_for_their_reply() -> None:
    """What the engine gives by itself is told with the next reply, not in between."""
    core = Core(Vosk())
    first, _, last, *_ = talk()
    assert core.tell(Given(1, first), Given(2, last), Lagging(900)) == []
    assert read(core.tell(Taken(1600))) == [GUTEN]


def test_the_end_is_one_final() -> None:
    """Whatever is left comes as one message after eof, and nothing left as an empty one."""
    core = Core(Vosk(), talk())
    (final,) = read(core.take('{"eof":1}'))
    assert final["text"] == "Guten Morgen, alle. Danke."
    assert isinstance(core.requests[-1], Finish)
    silent = Core(Vosk())
    assert read(silent.take('{"eof" : 1}')) == [{"text": ""}]


def test_a_reset_begins_again() -> None:
    """A reset is answered with what was written; then the talk starts over at another rate."""
    core = Core(Vosk(), talk())
    core.take(BLOCK)
    (reply,) = read(core.take('{"reset" : 1}'))
    assert reply["text"] == "Guten"
    assert isinstance(core.requests[-1], Restart)
    core.take('{"config": {"sample_rate": 16000}}')
    assert read(core.take(BLOCK, BLOCK, BLOCK))[2] == GUTEN
    assert not core.errors


def test_frames_around_a_reset_are_all_answered() -> None:
    """Frames that a reset overtakes, and those sent behind it, have their replies."""
    wire = Vosk()
    state, _ = wire.open(Handshake("/"))
    for frame in (BLOCK, BLOCK, '{"reset": 1}', BLOCK):
        state, _ = wire.receive(state, frame)
    assert (state.owed, state.later) == (2, 1)
    core = Core(wire)
    core.state = state
    core._open("", "", "")  # the new session is there
    assert read(core.sent) == [{"partial": ""}, {"partial": ""}, {"text": ""}]
    assert core.state.owed == 1
    assert read(core.tell(Taken(1600))) == [{"partial": ""}]
    assert core.state.owed == 0


def test_freeswitch_sees_every_final() -> None:
    """No final holds two quotes in a row, even if its last word ends with one or a backslash."""
    update = Update(
        0,
        (word("Yes.", 0, 1), SentenceEnd(16_000)),
        (unit(0, '"Ja', 1), unit(1, 'doch"', 1), unit(2, '\\"', 1)),
        ended=True,
    )
    core = Core(Vosk(), [update])
    (final,) = core.take(BLOCK)
    assert isinstance(final, str)
    assert '""' not in final
    assert "partial" not in final
    assert json.loads(final)["text"] == '"Ja doch" \\"'


def test_asterisk_sees_every_final() -> None:
    """Asterisk takes a partial before a text: no message has both, and no final is empty."""
    core = Core(Vosk(), talk())
    for reply in read(core.take(*[BLOCK] * 4, '{"eof" : 1}')):
        assert ("partial" in reply) != ("text" in reply)
        assert reply.get("text") != ""


def test_bad_audio_is_answered_too() -> None:
    """A client in lock-step goes on after half a sample, and can read what was wrong."""
    core = Core(Vosk(), talk())
    core.take(BLOCK)
    (reply,) = read(core.take(b"\x00"))
    assert reply["partial"] == "Guten"
    assert "1 bytes" in reply["error"]
    assert read(core.take(BLOCK)) == [{"partial": "Guten"}]


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        ("eof", "must be a JSON object"),
        ("{}", "must have config"),
        ('{"text": "\\ud800"}', "must have config"),
        ('{"config": 8000}', "config is 8000"),
        ('{"config": {"sample_rate": "fast"}}', "sample_rate is 'fast'"),
        ('{"config": {"sample_rate": 16000}}', "after audio at 8000 Hz"),
        ('{"config": {"max_alternatives": -1}}', "max_alternatives is -1"),
        ('{"config": {"max_alternatives": {}}}', "max_alternatives is dict"),
        ('{"config": {"max_alternatives": 1e400}}', "max_alternatives is inf"),
    ],
)
def test_a_bad_message_ends_the_connection(frame: str, what: str) -> None:
    """Text that makes no sense is named, in a form that all clients survive."""
    core = Core(Vosk())
    core.take(BLOCK)
    (reply,) = read(core.take(frame))
    assert what in reply["error"]
    assert reply["partial"] == ""
    assert core.closed


def test_nothing_belongs_after_the_end() -> None:
    """Frames after eof are refused, and so is a reset that overtakes another."""
    wire = Vosk()
    state, _ = wire.receive(VoskState(), '{"eof": 1}')
    with pytest.raises(ProtocolError, match="after eof"):
        wire.receive(state, BLOCK)
    state, _ = wire.receive(VoskState(), '{"reset": 1}')
    with pytest.raises(ProtocolError, match="reset came twice"):
        wire.receive(state, '{"reset": 1}')


def test_a_failure_is_told() -> None:
    """A session that cannot go on says why, in a partial that FreeSWITCH passes over."""
    (frame,) = Core(Vosk()).tell(Failed("model", "no pair en-xx: ask for en-de"))
    assert isinstance(frame, str)
    assert '""' in frame
    assert json.loads(frame) == {"partial": "", "error": "no pair en-xx: ask for en-de"}


@given(sessions(), st.integers(0, 12), st.booleans())
@settings(max_examples=50, deadline=None)
def test_lock_step_holds_for_any_talk(updates: list[Update], count: int, odd: bool) -> None:
    """As many replies as binary frames, good or bad; all that is written comes, once, in order."""
    core = Core(Vosk(), updates)
    finals: list[str] = []
    for i in range(count):
        (reply,) = read(core.take(BLOCK[:3199] if odd and i % 3 == 0 else BLOCK))
        if "text" in reply:
            finals.append(reply["text"])
    (last,) = read(core.take('{"eof" : 1}'))
    finals.append(last["text"])
    written = "".join(u.space + u.text for update in updates for u in update.emissions)
    assert "".join(finals).replace(" ", "") == written.replace(" ", "")
    for frame in core.sent[:-1]:
        assert isinstance(frame, str)
        assert '""' not in frame or '"partial": ""' in frame


@given(
    st.lists(
        st.sampled_from(['{"reset": 1}', '{"config": {"sample_rate": 8e3}}', BLOCK])
        | st.binary(max_size=9)
        | st.text(max_size=9)
        | st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: st.dictionaries(
                st.sampled_from(["config", "eof", "reset", "sample_rate", "max_alternatives"]),
                inner,
            ),
        ).map(json.dumps),
        max_size=6,
    )
)
@settings(max_examples=80, deadline=None)
def test_no_client_breaks_it(frames: list[str | bytes]) -> None:
    """Only protocol errors come out, each is told, and after one the talk goes on."""
    core = Core(Vosk(), talk())
    for frame in frames:
        replies = core.take(frame)
        if isinstance(frame, bytes):
            assert len(replies) == 1
        for reply in replies:
            assert isinstance(reply, str)
            reply.encode()
        if core.closed:
            return
    assert len(core.take(BLOCK)) == 1
