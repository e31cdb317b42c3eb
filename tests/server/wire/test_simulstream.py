"""The wire of the simulstream toolkit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.errors import ProtocolError
from simulst.server.wire.base import Audio, Begin, Close, Failed, Finish, Frame, Given, Lagging
from simulst.server.wire.simulstream import Simulstream
from simulst.types import Update
from tests.server.wire.shell import Core
from tests.server.wire.talks import sessions, talk

METADATA = (
    '{"sample_rate": 8000, "metrics_metadata": {"wav_name": "/tmp/a.wav"}, '
    '"target_lang": "de", "source_lang": "en"}'
)
SOUND = b"\x00\x40" * 800
END = '{"end_of_stream": true}'


def read(frames: list[Frame]) -> list[dict[str, Any]]:
    """Frames as a client reads them."""
    return [json.loads(frame) for frame in frames]


def test_a_talk() -> None:
    """New text comes as it is written, nothing is deleted, and the end is told."""
    core = Core(Simulstream(), talk())
    assert core.take(METADATA) == []
    told = [read(core.take(SOUND)) for _ in range(4)]
    told.append(read(core.take(END)))
    assert told == [
        [{"new": "Guten", "deleted": ""}],
        [],
        [{"new": " Morgen, alle.", "deleted": ""}],
        [],
        [{"new": " Danke.", "deleted": ""}, {"end_of_processing": True}],
    ]
    begin, audio, *_, finish = core.requests
    assert begin == Begin("en", "de")
    assert isinstance(audio, Audio)
    assert audio.rate == 8000
    np.testing.assert_array_equal(audio.samples, np.full(800, 0.5, np.float32))
    assert finish == Finish()


def test_metadata_may_be_left_out() -> None:
    """Without a word about it, sound is at 16 kHz and the server chooses the languages."""
    core = Core(Simulstream())
    core.take(SOUND)
    begin, audio = core.requests
    assert begin == Begin()
    assert isinstance(audio, Audio)
    assert audio.rate == 16_000


def test_metadata_may_come_in_parts() -> None:
    """Each message adds to the ones before, and may come again unchanged."""
    core = Core(Simulstream())
    core.take(
        '{"sample_rate": "8000"}', '{"target_lang": "it"}', "{}", SOUND, '{"sample_rate": 8000}'
    )
    assert core.requests[0] == Begin("", "it")
    assert core.errors == []


def test_metadata_are_fixed_by_audio() -> None:
    """A rate or a language that changes under way ends the connection, and is named."""
    core = Core(Simulstream())
    core.take(METADATA, SOUND)
    (reply,) = read(core.take('{"target_lang": "it"}'))
    assert "'en' to 'it', after audio at 8000 Hz, 'en' to 'de'" in reply["error"]
    assert core.closed


def test_a_stream_without_audio_ends_at_once() -> None:
    """An empty file needs no session."""
    core = Core(Simulstream())
    assert read(core.take(METADATA, END)) == [{"end_of_processing": True}]
    assert core.requests[-1] == Close()


def test_nothing_belongs_after_the_end() -> None:
    """Frames after the end of the stream are refused."""
    core = Core(Simulstream())
    core.take(SOUND)
    core.state, _ = core.wire.receive(core.state, END)
    with pytest.raises(ProtocolError, match="after end_of_stream"):
        core.wire.receive(core.state, SOUND)


def test_half_a_sample_is_left_out() -> None:
    """Bad audio is told in a message that the client passes over, and the talk goes on."""
    core = Core(Simulstream(), talk())
    (reply,) = read(core.take(SOUND[:-1]))
    assert "1599 bytes" in reply["error"]
    assert read(core.take(SOUND)) == [{"new": "Guten", "deleted": ""}]


def test_only_the_end_reads_like_the_end() -> None:
    """The client looks for the end anywhere in a message: no other one contains it."""
    core = Core(Simulstream())
    (error,) = core.tell(Failed("x", "no end_of_processing here"))
    assert isinstance(error, str)
    assert "end_of_processing" not in error
    assert json.loads(error) == {"error": "no end_of_processing here"}
    assert core.tell(Lagging(900), Given(1, Update(0, tentative_target="Ja"))) == []


@given(sessions(), st.integers(0, 10))
@settings(max_examples=50, deadline=None)
def test_the_parts_are_the_whole(updates: list[Update], count: int) -> None:
    """What is new, one after another, is the translation; only the last message ends it."""
    core = Core(Simulstream(), updates)
    frames = core.take(SOUND, *[SOUND] * count, END)
    assert ["end_of_processing" in frame for frame in frames if isinstance(frame, str)] == [
        *[False] * (len(frames) - 1),
        True,
    ]
    messages = read(frames[:-1])
    assert all(message["deleted"] == "" and message["new"] for message in messages)
    written = "".join(u.space + u.text for update in updates for u in update.emissions)
    assert "".join(message["new"] for message in messages) == written


@given(
    st.lists(
        st.binary(max_size=9)
        | st.text(max_size=9)
        | st.dictionaries(
            st.sampled_from(["sample_rate", "source_lang", "target_lang", "metrics_metadata"]),
            st.none() | st.sampled_from(["en", 8000, "16000", 1e99, [], {}]),
        ).map(json.dumps),
        max_size=6,
    )
)
@settings(max_examples=80, deadline=None)
def test_no_client_breaks_it(frames: list[Frame]) -> None:
    """Only protocol errors come out, each is told, and after one the talk goes on."""
    core = Core(Simulstream(), talk())
    for frame in frames:
        errors, replies = len(core.errors), core.take(frame)
        if len(core.errors) > errors:
            assert "error" in read(replies)[0]
        if core.closed:
            return
    core.take(SOUND)
    assert isinstance(core.requests[-1], Audio)
