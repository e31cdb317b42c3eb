"""The wire of Skynet, as Jigasi speaks it.

Jigasi is a Java program: what it does with a message, and what it sends, is played here.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.errors import ProtocolError
from simulst.server.wire.base import (
    Audio,
    Begin,
    Close,
    Ended,
    Failed,
    Finish,
    Frame,
    Given,
    Handshake,
    Lagging,
)
from simulst.server.wire.skynet import END, MOST_REFUSED, Skynet
from simulst.types import Update
from tests.server.wire.shell import Core
from tests.server.wire.talks import sessions, talk

ROOM = Handshake("/streaming-whisper/ws/7c1d9c1e-3b2f-4f0c-9a39-0d7b1d0ad0aa")
SOUND = b"\x00\x40" * 320  # 20 ms


def payload(participant: str = "a1b2c3d4", language: str = "de", pad: bytes = b"\x00") -> bytes:
    """A binary frame as Jigasi makes it; its JavaScript demo pads with spaces."""
    header = f"{participant}|{language}".encode()
    assert len(header) <= 60
    return header.ljust(60, pad) + SOUND


@dataclass
class Jigasi:
    """What Jigasi reads in a message: it fails where a field is missing or of another type."""

    known: set[str] = field(default_factory=lambda: {"a1b2c3d4", "ffff0000"})
    shown: list[tuple[str, uuid.UUID, str, bool]] = field(default_factory=list)

    def read(self, frames: list[Frame]) -> list[tuple[str, uuid.UUID, str, bool]]:
        """Take messages; the captions that they make."""
        before = len(self.shown)
        for frame in frames:
            assert isinstance(frame, str)
            message = json.loads(frame)
            types = {
                "id": str,
                "participant_id": str,
                "ts": int,
                "text": str,
                "audio": str,
                "type": str,
                "variance": float,  # json reads 1 as an int, as a cast to double fails on it
            }
            assert {name: type(value) for name, value in message.items()} == types
            assert message["type"] in ("final", "interim")
            number = uuid.UUID(message["id"])
            assert 0 <= message["variance"] <= 1
            if message["text"] and message["participant_id"] in self.known:
                final = message["type"] == "final"
                self.shown.append((message["participant_id"], number, message["text"], final))
        return self.shown[before:]


def open_room(script: list[Update] | None = None) -> Core:
    """A connection of a room."""
    return Core(Skynet(), talk() if script is None else script, ROOM)


def test_a_talk_becomes_captions() -> None:
    """Interims grow as words are written, and the final of a sentence replaces its interims."""
    core, jigasi = open_room(), Jigasi()
    told = [jigasi.read(core.take(payload())) for _ in range(4)]
    told.append(jigasi.read(core.take(END)))
    assert [[(text, final) for _, _, text, final in each] for each in told] == [
        [("Guten", False)],
        [],
        [("Guten Morgen, alle.", True)],
        [],
        [("Danke.", True)],
    ]
    first, second, third = (number for _, number, _, _ in jigasi.shown)
    assert first == second != third
    assert core.closed
    assert isinstance(core.requests[-1], Finish)


def test_a_message_to_the_letter() -> None:
    """All fields are there and no others, and variance has its decimal point."""
    core = open_room()
    frame = core.take(payload())[0]
    assert isinstance(frame, str)
    assert frame.endswith(
        '"participant_id": "a1b2c3d4", "ts": 100, "text": "Guten", "audio": "", '
        '"type": "interim", "variance": 1.0}'
    )


@pytest.mark.parametrize("language", ["de", "en-US", "null", ""])
@pytest.mark.parametrize("pad", [b"\x00", b" "])
def test_the_header_is_only_a_hint(language: str, pad: bytes) -> None:
    """Either padding is read; the language of one viewer does not choose the pair."""
    core = open_room()
    core.take(payload("a1b2c3d4", language, pad))
    begin, audio = core.requests
    assert begin == Begin()
    assert isinstance(audio, Audio)
    assert audio.rate == 16_000
    np.testing.assert_array_equal(audio.samples, np.full(320, 0.5, np.float32))
    assert core.state.participant == "a1b2c3d4"


def test_the_longest_header() -> None:
    """A header without padding is read to its last byte."""
    core = open_room()
    core.take(payload("p" * 54, "en-US"))
    assert core.state.participant == "p" * 54


@pytest.mark.parametrize("path", ["/ws/room", "/streaming-whisper/ws/room", "ws/room"])
def test_a_meeting_has_its_address(path: str) -> None:
    """Jigasi puts the name of a meeting behind the address it was given."""
    state, requests = Skynet().open(Handshake(path))
    assert state.meeting == "room"
    assert requests == ()


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/", "/streaming-whisper/room", "/news/room"])
def test_an_address_without_a_meeting_is_refused(path: str) -> None:
    """The error says what an address looks like."""
    with pytest.raises(ProtocolError, match="must end with /ws/MEETING"):
        Skynet().open(Handshake(path))


def test_one_participant_is_translated_and_the_others_are_told() -> None:
    """The first who speaks is translated; each other one reads once that they are not."""
    core, jigasi = open_room(), Jigasi()
    core.take(payload("a1b2c3d4"))
    ((who, _, text, final),) = jigasi.read(core.take(payload("ffff0000")))
    assert (who, final) == ("ffff0000", True)
    assert text.startswith("[not translated")
    assert core.take(payload("ffff0000"), payload("ffff0000")) == []
    assert sum(isinstance(each, Audio) for each in core.requests) == 1
    core.take(payload("a1b2c3d4"))
    assert [each[2] for each in jigasi.read(core.take(payload("a1b2c3d4")))] == [
        "Guten Morgen, alle."
    ]


def test_a_room_of_strangers_is_bounded() -> None:
    """However many names come, few are remembered and told."""
    core = open_room()
    core.take(payload())
    core.take(*(payload(f"p{i}") for i in range(MOST_REFUSED + 10)))
    assert len(core.state.refused) == MOST_REFUSED
    assert len(core.sent) == MOST_REFUSED + 1


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (b"", "has 0 bytes"),
        (b"\x01", "has 1 bytes"),
        (b"a|de" + SOUND[:40], "has 44 bytes"),
        (b"a1b2c3d4".ljust(60, b"\x00") + SOUND, r"must be participant\|language"),
        (b"|de".ljust(60, b"\x00") + SOUND, r"must be participant\|language"),
        (b"\xff|de".ljust(60, b"\x00") + SOUND, "must be UTF-8"),
        (payload()[:-1], "639 bytes"),
    ],
)
def test_a_bad_frame_is_left_out(frame: bytes, what: str) -> None:
    """What cannot be read is refused without a word that Jigasi could not read, and forgotten."""
    core = open_room()
    core.take(frame)
    assert core.sent == []
    assert len(core.take(payload())) == 1
    assert core.take(frame) == []
    assert [re.search(what, str(error)) is None for error in core.errors] == [False, False]


def test_text_ends_the_connection() -> None:
    """Only bytes belong here; the participant reads why captions end."""
    core, jigasi = open_room(), Jigasi()
    core.take(payload())
    ((_, _, text, final),) = jigasi.read(core.take('{"eof": 1}'))
    assert "only binary frames" in text
    assert final
    assert core.closed


def test_a_failure_is_a_caption() -> None:
    """Who is translated reads why it ends; before anyone is, there is nobody to tell."""
    core, jigasi = open_room(), Jigasi()
    assert core.tell(Failed("full", "the server is full"), Lagging(900)) == []
    core.take(payload())
    ((_, _, text, _),) = jigasi.read(core.tell(Failed("full", "the server is full")))
    assert text == "the server is full"


def test_the_end() -> None:
    """A zero byte ends the meeting, also one in which nobody spoke; nothing comes after it."""
    core = open_room()
    core.take(END)
    assert core.requests == [Close()]
    with pytest.raises(ProtocolError, match="after the end"):
        core.wire.receive(core.state, payload())


def test_an_end_without_a_sentence_end_loses_nothing() -> None:
    """An open sentence becomes final when the session ends."""
    core, jigasi = open_room(talk()[:1]), Jigasi()
    core.take(payload())
    assert [each[2:] for each in jigasi.read(core.tell(Ended()))] == [("Guten", True)]
    assert core.tell(Ended()) == []


def test_ids_differ_from_meeting_to_meeting() -> None:
    """No two captions of two meetings or participants share an id."""
    numbers = set()
    for room, who in (("a", "x"), ("a", "y"), ("b", "x")):
        core = Core(Skynet(), talk(), Handshake(f"/ws/{room}"))
        (frame,) = core.take(payload(who))
        numbers.add(json.loads(frame)["id"])
    assert len(numbers) == 3


@given(sessions())
@settings(max_examples=50, deadline=None)
def test_captions_only_grow(updates: list[Update]) -> None:
    """Each interim goes on from the one before, and the finals are the whole translation."""
    core, jigasi = open_room(updates), Jigasi()
    jigasi.read(core.take(*[payload()] * len(updates), END))
    latest: dict[uuid.UUID, str] = {}
    finished: list[uuid.UUID] = []
    for _, number, text, final in jigasi.shown:
        assert number not in finished
        assert text.startswith(latest.get(number, ""))
        latest[number] = text
        if final:
            finished.append(number)
    written = "".join(u.space + u.text for update in updates for u in update.emissions)
    assert "".join(latest[n] for n in finished).replace(" ", "") == written.replace(" ", "")


@given(
    st.lists(
        st.binary(max_size=70)
        | st.text(max_size=9)
        | st.builds(payload, st.sampled_from(["a1b2c3d4", "ffff0000", "ü"])),
        max_size=8,
    )
)
@settings(max_examples=80, deadline=None)
def test_no_client_breaks_it(frames: list[Frame]) -> None:
    """Only protocol errors come out, Jigasi reads all that is sent, and the talk goes on."""
    core, jigasi = open_room([]), Jigasi()
    for frame in frames:
        jigasi.read(core.take(frame))
        if core.closed:
            return
    core.take(payload(core.state.participant or "a1b2c3d4"))
    assert isinstance(core.requests[-1], Audio)
    assert len(jigasi.read(core.tell(Given(1, talk()[0])))) == (core.state.participant != "ü")
