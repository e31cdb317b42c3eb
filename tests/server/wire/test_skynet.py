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
    PAUSE_S,
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
    News,
    Of,
    On,
    Opened,
    Reply,
)
from simulst.server.wire.skynet import END, MOST_PARTICIPANTS, Skynet
from simulst.types import SentenceEnd, Update
from tests.server.wire.shell import AT_MS, Core
from tests.server.wire.talks import sessions, talk, unit, word

ROOM = Handshake("/streaming-whisper/ws/7c1d9c1e-3b2f-4f0c-9a39-0d7b1d0ad0aa")
SOUND = b"\x00\x40" * 320  # 20 ms
BEGIN = Begin(silence_after_s=PAUSE_S)


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


def of(who: str, *news: News) -> list[Of]:
    """News of a participant."""
    return [Of(who, each) for each in news]


def heard(core: Core) -> list[str]:
    """Whose sound was asked to be heard."""
    return [
        each.track
        for each in core.requests
        if isinstance(each, On) and isinstance(each.request, Audio)
    ]


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
        f'"participant_id": "a1b2c3d4", "ts": {AT_MS + 100}, "text": "Guten", "audio": "", '
        '"type": "interim", "variance": 1.0}'
    )


@pytest.mark.parametrize("language", ["de", "en-US", "null", ""])
@pytest.mark.parametrize("pad", [b"\x00", b" "])
def test_the_header_is_only_a_hint(language: str, pad: bytes) -> None:
    """Either padding is read; the language of one viewer does not choose the pair."""
    core = open_room()
    core.take(payload("a1b2c3d4", language, pad))
    begin, sound = core.requests
    assert begin == On("a1b2c3d4", BEGIN)
    assert isinstance(sound, On) and sound.track == "a1b2c3d4"
    assert isinstance(sound.request, Audio)
    assert sound.request.rate == 16_000
    np.testing.assert_array_equal(sound.request.samples, np.full(320, 0.5, np.float32))


def test_the_longest_header() -> None:
    """A header without padding is read to its last byte."""
    core = open_room()
    core.take(payload("p" * 54, "en-US"))
    assert heard(core) == ["p" * 54]


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


def test_each_participant_has_captions_of_their_own() -> None:
    """Two who speak at once are begun once each, and every caption names who it is of."""
    core, jigasi = open_room(), Jigasi()
    one, two = payload("a1b2c3d4"), payload("ffff0000")
    shown = [jigasi.read(core.take(frame)) for frame in (one, two, one, one, two, two)]
    assert [[(who, text, final) for who, _, text, final in each] for each in shown] == [
        [("a1b2c3d4", "Guten", False)],
        [("ffff0000", "Guten", False)],
        [],
        [("a1b2c3d4", "Guten Morgen, alle.", True)],
        [],
        [("ffff0000", "Guten Morgen, alle.", True)],
    ]
    assert len({number for _, number, _, _ in jigasi.shown}) == 2
    assert core.requests.count(On("a1b2c3d4", BEGIN)) == 1
    assert core.requests.count(On("ffff0000", BEGIN)) == 1
    last = jigasi.read(core.take(END))
    assert [(who, text) for who, _, text, _ in last] == [
        ("a1b2c3d4", "Danke."),
        ("ffff0000", "Danke."),
    ]
    assert core.requests[-1] == Finish()
    assert core.closed


def test_who_comes_back_is_begun_anew() -> None:
    """When the session of a silent participant ends, its last words come, and the next is begun."""
    core, jigasi = open_room(talk()[:1]), Jigasi()
    core.take(payload(), payload("ffff0000"))
    assert core.take() == []
    core.end("a1b2c3d4")
    assert [each[2:] for each in jigasi.read(core.sent[-1:])] == [("Guten", True)]
    before = {number for _, number, _, _ in jigasi.shown}
    ((_, number, text, final),) = jigasi.read(core.take(payload()))
    assert (text, final) == ("Guten", False)
    assert number not in before
    assert core.requests.count(On("a1b2c3d4", BEGIN)) == 2
    assert core.requests.count(On("ffff0000", BEGIN)) == 1


def test_a_time_is_that_of_the_day() -> None:
    """A sentence has the time at which it began, which stays though its sound comes later."""
    core = open_room([])
    core.take(payload())
    opened, first, second = (
        Opened("s", "en", "de", at_ms=1_000),
        Update(0, (word("Yes", 0.5, 1),), (unit(0, "Ja", 1),)),
        Update(
            0,
            (word("yes.", 1, 1.5), SentenceEnd(24_000), word("No", 2.25, 2.5)),
            (unit(1, "ja.", 1.5), unit(2, "Nein", 2.5, sentence=1)),
        ),
    )
    news = of("a1b2c3d4", opened, Given(1, first, 1_010), Given(2, second, 61_000))
    told = [json.loads(frame) for frame in core.tell(*news)]
    assert [(each["text"], each["ts"]) for each in told] == [
        ("Ja", 1_510),
        ("Ja ja.", 1_510),
        ("Nein", 63_250),
    ]


def test_a_room_of_strangers_is_bounded() -> None:
    """However many names come, few are listened to at once; a place that is free is given away."""
    core = open_room([])
    core.take(*(payload(f"p{i}") for i in range(MOST_PARTICIPANTS + 10)))
    assert len(core.state.talks) == MOST_PARTICIPANTS
    assert heard(core) == [f"p{i}" for i in range(MOST_PARTICIPANTS)]
    core.end("p7")
    core.take(payload("late"))
    assert heard(core)[-1] == "late"


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (b"", "has 0 bytes"),
        (b"\x01", "has 1 bytes"),
        (b"a|de" + SOUND[:40], "has 44 bytes"),
        (b"a1b2c3d4".ljust(60, b"\x00") + SOUND, r"must be participant\|language"),
        (b"|de".ljust(60, b"\x00") + SOUND, r"must be participant\|language"),
        (b"\xff|de".ljust(60, b"\x00") + SOUND, "must be UTF-8"),
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


def test_broken_sound_harms_nobody_else() -> None:
    """Half a sample is left out, its participant is told so once, and it counts as no error."""
    core, jigasi = open_room(), Jigasi()
    broken = payload("ffff0000")[:-1]
    ((who, _, text, _),) = [
        each for each in jigasi.read(core.take(broken, broken, payload())) if "639" in each[2]
    ]
    assert who == "ffff0000" and text.startswith("[not translated: ")
    assert sum(isinstance(each, Reply) for each in core.requests) == 1
    assert core.errors == []
    assert heard(core) == ["a1b2c3d4"]
    core.take(payload("ffff0000"))
    assert heard(core) == ["a1b2c3d4", "ffff0000"]


def test_text_ends_the_connection() -> None:
    """Only bytes belong here; all participants read why captions end."""
    core, jigasi = open_room(), Jigasi()
    core.take(payload(), payload("ffff0000"))
    told = jigasi.read(core.take('{"eof": 1}'))
    assert [who for who, _, _, _ in told] == ["a1b2c3d4", "ffff0000"]
    assert all("only binary frames" in text and final for _, _, text, final in told)
    assert core.closed


def test_a_failure_is_a_caption() -> None:
    """Who is concerned reads why, behind the last words; before anyone is, nobody is told."""
    core, jigasi = open_room(), Jigasi()
    failed = Failed("overloaded", "the server is full", AT_MS + 5_000)
    assert core.tell(failed, *of("a1b2c3d4", Lagging(900))) == []
    core.take(payload(), payload("ffff0000"))
    first, second = core.tell(*of("a1b2c3d4", failed))
    assert jigasi.read([first])[0][2:] == ("Guten", True)
    assert jigasi.read([second])[0][0::2] == ("a1b2c3d4", "[not translated: the server is full]")
    assert json.loads(second)["ts"] == AT_MS + 5_000
    ((who, _, text, _),) = jigasi.read(core.take(payload("ffff0000"), payload("ffff0000")))
    assert (who, text) == ("ffff0000", "Guten Morgen, alle.")


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
    ended = of("a1b2c3d4", Ended())
    assert [each[2:] for each in jigasi.read(core.tell(*ended))] == [("Guten", True)]
    assert core.tell(*ended) == []


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
    core.take(payload())
    assert heard(core)[-1] == "a1b2c3d4"
    opened = Opened("s", "en", "de", at_ms=AT_MS)
    assert len(jigasi.read(core.tell(*of("a1b2c3d4", opened, Given(1, talk()[0]))))) == 1
