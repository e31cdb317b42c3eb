"""The OpenAI realtime translation wire."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

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
    Marked,
    News,
    Opened,
    Reply,
    Resume,
    Taken,
)
from simulst.server.wire.openai_translation import RATE, OpenAITranslation, TranslationState
from simulst.types import Update
from tests.server.wire.shell import Core, serve
from tests.server.wire.talks import sessions, talk

WIRE = OpenAITranslation()
PATH = "/v1/realtime/translations"
QUERY = {"model": "interpreter"}
SOUND = base64.b64encode(b"\x00\x40" * 4800).decode()  # 200 ms
APPEND = json.dumps({"type": "session.input_audio_buffer.append", "audio": SOUND})
CLOSE = json.dumps({"type": "session.close"})
SOURCE = ["Good", " morning.", " Thank", " you."]
TARGET = ["Guten", " Morgen,", " alle.", " Danke."]


def connect(script: Sequence[Update] = (), **query: str) -> Core:
    """A connection that has been opened."""
    return Core(WIRE, script, Handshake(PATH, QUERY | query, {"sec-websocket-key": "bm9uY2U="}))


def update(language: str | None = "de", transcription: str | None = None, **more: object) -> str:
    """The settings as the client's library writes them."""
    wanted = {"model": transcription} if transcription else None
    audio: dict[str, Any] = {"input": {"transcription": wanted, "noise_reduction": None}}
    if language is not None:
        audio["output"] = {"language": language}
    return json.dumps({"type": "session.update", "session": {"audio": audio, **more}})


def read(frames: Iterable[Frame]) -> list[dict[str, Any]]:
    """Frames as a client reads them; each is text."""
    events = []
    for frame in frames:
        assert isinstance(frame, str)
        events.append(json.loads(frame))
    return events


def kinds(frames: Iterable[Frame]) -> list[str]:
    """Types of events."""
    return [event["type"] for event in read(frames)]


def deltas(frames: Iterable[Frame], which: str) -> list[str]:
    """Deltas of one kind, "input" or "output"."""
    wanted = f"session.{which}_transcript.delta"
    return [event["delta"] for event in read(frames) if event["type"] == wanted]


def error(frames: Sequence[Frame]) -> dict[str, Any]:
    """The error that is all that was sent."""
    (event,) = read(frames)
    assert event["type"] == "error"
    told: dict[str, Any] = event["error"]
    return told


def validate(frames: Iterable[Frame]) -> None:
    """Each event has the fields that the client's own types require, of the right types."""
    types = pytest.importorskip("openai.types.realtime", reason="openai is not installed")
    pydantic = pytest.importorskip("pydantic")
    adapter = pydantic.TypeAdapter(types.RealtimeTranslationServerEvent)
    for event in read(frames):
        parsed = adapter.validate_python(event)
        assert parsed.type == event["type"]


# -- a session -------------------------------------------------------------------------------


def test_a_talk_from_greeting_to_end() -> None:
    """Every frame of a session, in order, to the letter."""
    core = connect(talk()[::2])
    core.take(update("de-AT", "whisper-1"), APPEND, CLOSE)
    tag = json.loads(str(core.sent[0]))["session"]["id"].removeprefix("sess_")
    session = {
        "id": f"sess_{tag}",
        "type": "translation",
        "model": "interpreter",
        "expires_at": 2_147_483_647,
        "audio": {
            "input": {"transcription": None, "noise_reduction": None},
            "output": {"language": None},
        },
    }
    configured = session | {
        "audio": {
            "input": {"transcription": {"model": "whisper-1"}, "noise_reduction": None},
            "output": {"language": "de"},
        }
    }
    expected: list[tuple[str, dict[str, Any]]] = [
        ("session.created", {"session": session}),
        ("session.updated", {"session": configured}),
        ("session.input_transcript.delta", {"delta": "Good", "elapsed_ms": 1000}),
        ("session.output_transcript.delta", {"delta": "Guten", "elapsed_ms": 500}),
        ("session.input_transcript.delta", {"delta": " morning.", "elapsed_ms": 1500}),
        ("session.output_transcript.delta", {"delta": " Morgen,", "elapsed_ms": 1100}),
        ("session.output_transcript.delta", {"delta": " alle.", "elapsed_ms": 1100}),
        ("session.output_transcript.delta", {"delta": " Danke.", "elapsed_ms": 2100}),
        ("session.closed", {}),
    ]
    assert read(core.sent) == [
        {"type": kind, "event_id": f"event_{tag}_{number}", **fields}
        for number, (kind, fields) in enumerate(expected, 1)
    ]
    assert core.requests[1] == Begin("", "de", memo="whisper-1")
    assert isinstance(core.requests[2], Audio)
    assert core.requests[2].rate == RATE
    assert len(core.requests[2].samples) == 4800
    assert core.requests[2].samples[0] == 0.5
    assert core.requests[3:] == [Finish()]


def test_source_words_come_only_if_they_are_asked_for() -> None:
    """Without transcription there are no input deltas; it can be switched on and off."""
    core = connect(talk())
    assert deltas(core.take(update(), APPEND), "input") == []
    on = core.take(update(None, "whisper-1"), APPEND, APPEND)
    assert deltas(on, "input") == ["morning."]
    off = core.take(update(None), APPEND)
    assert deltas(off, "input") == []


def test_deltas_put_together_are_the_talk() -> None:
    """Deltas carry their own spaces."""
    core = connect(talk())
    core.take(update(transcription="whisper-1"), *[APPEND] * 5, CLOSE)
    assert deltas(core.sent, "input") == SOURCE
    assert deltas(core.sent, "output") == TARGET


@given(sessions())
@settings(max_examples=25, deadline=None)
def test_nothing_is_lost_or_made_up(script: list[Update]) -> None:
    """Whatever an engine gives, the deltas are its emissions, once each and in order."""
    core = connect(script)
    core.take(update(transcription="m"), *[APPEND] * 3, CLOSE)
    units = [unit for each in script for unit in each.emissions]
    assert deltas(core.sent, "output") == [unit.space + unit.text for unit in units]
    ids = [event["event_id"] for event in read(core.sent)]
    assert len(set(ids)) == len(ids)


def test_the_address_names_the_source() -> None:
    """`?source=` goes into the session; a model that is not named has a name all the same."""
    core = Core(WIRE, (), Handshake(PATH, {"source": "en-GB"}))
    core.take(update("fr"))
    assert core.requests[1] == Begin("en", "fr", memo="")
    assert read(core.sent)[0]["session"]["model"] == "simulst"


def test_audio_may_come_before_settings() -> None:
    """The session then begins in the server's language, which `session.updated` names."""
    core = connect(talk())
    assert deltas(core.take(APPEND), "output") == ["Guten"]
    assert core.requests[1] == Begin("", "", memo="")
    (event,) = read(core.take(update(None)))
    assert event["session"]["audio"]["output"] == {"language": "de"}


def test_settings_without_a_language_do_not_begin() -> None:
    """A session is taken only when there is something to translate into, or sound."""
    core = connect()
    assert kinds(core.take(update(None, "whisper-1"))) == ["session.updated"]
    assert all(isinstance(request, Reply) for request in core.requests)


def test_settings_are_confirmed_once_the_session_is_there() -> None:
    """An update that begins waits for the session; a second one waits behind it."""
    state, _ = WIRE.open(Handshake(PATH, QUERY))
    state, requests = WIRE.receive(state, update("de"))
    assert requests == (Begin("", "de", memo=""),)
    state, requests = WIRE.receive(state, update("de", "whisper-1"))
    assert requests == ()
    state, frames = WIRE.send(state, Opened("s", "en", "de"))
    assert kinds(frames) == ["session.updated"] * 2
    assert kinds(WIRE.send(state, Opened("s", "en", "de"))[1]) == []


def test_close_without_a_session() -> None:
    """A client that has sent nothing is let go at once."""
    core = connect()
    assert kinds(core.take(CLOSE)) == ["session.closed"]
    assert core.requests[-1] == Close()
    assert core.closed


def test_what_the_protocol_has_no_word_for_is_not_sent() -> None:
    """No extension event reaches a client that did not ask."""
    core = connect(talk())
    core.take(update(), APPEND)
    assert core.tell(Taken(4800), Lagging(900), Marked("x"), Given(9, Update(heard=1))) == []
    assert not any("simulst." in kind for kind in kinds(core.sent))
    assert "session-1" not in "".join(map(str, core.sent))  # whoever has it may resume


def test_a_session_that_fails() -> None:
    """The reason comes as an error of the server."""
    core = connect()
    frames = core.tell(Failed("overloaded", "this server has 4 sessions; try again in 5 s"))
    assert error(frames) == {
        "type": "server_error",
        "code": "overloaded",
        "message": "this server has 4 sessions; try again in 5 s",
        "param": None,
        "event_id": None,
    }


def test_a_session_that_the_server_ends() -> None:
    """The reason comes before the end."""
    core = connect(talk())
    core.take(update(), APPEND)
    frames = core.tell(Ended("the server stops"))
    assert kinds(frames) == ["error", "session.closed"]
    assert read(frames)[0]["error"]["message"] == "the server stops"


# -- what is refused -------------------------------------------------------------------------


def test_the_language_cannot_change() -> None:
    """The error says why, names the field and the client's event, and nothing else changes."""
    core = connect(talk())
    core.take(update("de"), APPEND)
    change = json.loads(update("fr", "whisper-1")) | {"event_id": "mine-7"}
    told = error(core.take(json.dumps(change)))
    assert told["type"] == "invalid_request_error"
    assert told["code"] == "language_fixed"
    assert told["param"] == "session.audio.output.language"
    assert told["event_id"] == "mine-7"
    assert "'fr'" in told["message"]
    assert "what it has written is final" in told["message"]
    assert "open a new one" in told["message"]
    assert kinds(core.take(update("de"))) == ["session.updated"]
    assert deltas(core.take(APPEND, APPEND), "input") == []  # transcription stayed off


def test_a_language_after_the_first_audio_comes_too_late() -> None:
    """While the server's choice is not known yet, no other language can be had."""
    state, _ = WIRE.open(Handshake(PATH, QUERY))
    state, _ = WIRE.receive(state, APPEND)
    with pytest.raises(ProtocolError, match="before the first audio"):
        WIRE.receive(state, update("de"))


BAD: list[tuple[Frame, str, str | None]] = [
    ("{", "invalid_json", None),
    ("[]", "invalid_json", None),
    ('{"type": "session.close", "n": NaN}', "invalid_json", None),
    ("[" * 100_000, "invalid_json", None),
    (b"\x00\x01", "invalid_message", None),
    (CLOSE.encode(), "invalid_message", None),
    ("{}", "missing_type", "type"),
    ('{"type": 3}', "missing_type", "type"),
    ('{"type": "response.create"}', "unknown_event", "type"),
    ('{"type": "session.update"}', "invalid_type", "session"),
    ('{"type": "session.update", "session": []}', "invalid_type", "session"),
    ('{"type": "session.update", "session": {"audio": 1}}', "invalid_type", "session.audio"),
    (update("the German one"), "invalid_language", "session.audio.output.language"),
    (
        '{"type": "session.update", "session": {"audio": {"output": {"language": 7}}}}',
        "invalid_language",
        "session.audio.output.language",
    ),
    (
        '{"type": "session.update", "session": {"audio": {"input": {"transcription": {}}}}}',
        "invalid_type",
        "session.audio.input.transcription.model",
    ),
    (update(type="realtime"), "fixed_field", "session.type"),
    (update(model="another"), "fixed_field", "session.model"),
    (update(simulst=True), "invalid_type", "session.simulst"),
    (update(simulst={"resumable": 1}), "invalid_type", "session.simulst.resumable"),
    ('{"type": "session.input_audio_buffer.append"}', "invalid_audio", "audio"),
    ('{"type": "session.input_audio_buffer.append", "audio": 5}', "invalid_audio", "audio"),
    ('{"type": "session.input_audio_buffer.append", "audio": "?"}', "invalid_audio", "audio"),
    ('{"type": "session.input_audio_buffer.append", "audio": "AAAA"}', "invalid_audio", "audio"),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "code", "param"), BAD, ids=[str(b[0])[:60] for b in BAD])
def test_bad_events_are_answered_and_left_out(frame: Frame, code: str, param: str | None) -> None:
    """Each has an error in the protocol's form, after which the session works as before."""
    core = connect(talk())
    told = error(core.take(frame))
    assert (told["code"], told["param"]) == (code, param)
    assert not core.closed
    assert len(told["message"]) < 400
    assert deltas(core.take(update(), APPEND), "output") == ["Guten"]


def test_nothing_comes_after_close() -> None:
    """An event after session.close is refused, and the last words still come."""
    state, _ = WIRE.open(Handshake(PATH, QUERY))
    for frame in (update(), CLOSE):
        state, _ = WIRE.receive(state, frame)
    for frame in (APPEND, CLOSE, update()):
        with pytest.raises(ProtocolError, match=r"after session\.close"):
            WIRE.receive(state, frame)
    state, _ = WIRE.send(state, Opened("s", "en", "de"))
    assert deltas(WIRE.send(state, Given(1, talk()[0]))[1], "output") == ["Guten"]
    assert kinds(WIRE.send(state, Ended())[1]) == ["session.closed"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "session", "audio", "input", "output", "language", "transcription", "model",
             "simulst", "resumable", "event_id"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
EVENTS = st.builds(
    lambda kind, rest: json.dumps({**rest, "type": kind}),
    st.sampled_from(["session.update", "session.input_audio_buffer.append", "session.close"]),
    st.dictionaries(st.sampled_from(["session", "audio", "event_id"]), JSON, max_size=3),
)


@given(
    st.lists(
        st.text(max_size=30) | st.binary(max_size=30) | EVENTS | JSON.map(json.dumps), max_size=6
    )
)
@settings(max_examples=60, deadline=None)
def test_no_frame_breaks_a_connection(frames: list[Frame]) -> None:
    """Whatever comes is taken or refused, and what is refused leaves the state usable."""
    state, _ = WIRE.open(Handshake(PATH, QUERY))
    for frame in frames:
        before = state
        try:
            state, _ = WIRE.receive(state, frame)
        except ProtocolError as caught:
            assert not caught.fatal
            assert state == before
            (event,) = read(WIRE.complain(state, caught))
            assert event["error"]["message"]
    assert isinstance(state, TranslationState)
    if not state.closing:
        state, _ = WIRE.receive(state, APPEND)
        assert state.begun


# -- the extension ---------------------------------------------------------------------------


RESUMABLE = update("de", "whisper-1", simulst={"resumable": True})


def first_connection(script: Sequence[Update]) -> list[Frame]:
    """All frames after the greeting, of a resumable session that is cut before its end."""
    state, _ = WIRE.open(Handshake(PATH, QUERY))
    state, requests = WIRE.receive(state, RESUMABLE)
    assert requests == (Begin("", "de", resumable=True, memo="whisper-1"),)
    sent: list[Frame] = []
    told: list[News] = [Opened("secret", "en", "de"), *map(Given, range(1, 9), script)]
    for news in told:
        state, frames = WIRE.send(state, news)
        sent += frames
    return sent


def test_a_resumable_session_is_told_its_id_and_its_steps() -> None:
    """Both come in events of their own; a step comes behind its deltas, or not without any."""
    frames = first_connection(talk()[:3])
    assert kinds(frames) == [
        "session.updated",
        "simulst.session",
        "session.input_transcript.delta",
        "session.output_transcript.delta",
        "simulst.step",
        "session.input_transcript.delta",
        "session.output_transcript.delta",
        "session.output_transcript.delta",
        "simulst.step",
    ]
    session, step = read(frames)[1], read(frames)[-1]
    assert {k: session[k] for k in ("session", "resumed", "taken")} == {
        "session": "secret", "resumed": False, "taken": 0,
    }  # fmt: skip
    assert step["number"] == 3


@pytest.mark.parametrize("cut", range(2, 15))
def test_after_a_cut_no_word_is_lost_and_none_comes_twice(cut: int) -> None:
    """Wherever it is cut, the old deltas and the new ones, less the known, are the talk."""
    script = talk()
    got = first_connection(script)[:cut]
    steps = [e["number"] for e in read(got) if e["type"] == "simulst.step"]
    after = max(steps, default=0)
    place = max((i for i, k in enumerate(kinds(got)) if k == "simulst.step"), default=-1)
    known = len([k for k in kinds(got[place + 1 :]) if k.endswith(".delta")])

    query = QUERY | {"simulst_resume": "secret", "after": str(after)}
    state, requests = WIRE.open(Handshake(PATH, query))
    assert requests == (Resume("secret", after),)
    back = Opened("secret", "en", "de", taken=4800, resumed=True, memo="whisper-1")
    state, greeting = WIRE.send(state, back)
    assert kinds(greeting) == ["session.created", "simulst.session"]
    created, session = read(greeting)
    assert created["session"]["audio"]["output"] == {"language": "de"}
    assert (session["resumed"], session["taken"]) == (True, 4800)
    again: list[Frame] = []
    for number, each in enumerate(script, 1):
        if number > after:
            state, frames = WIRE.send(state, Given(number, each))
            again += frames
    fresh = [frame for frame in again if kinds([frame])[0].endswith(".delta")][known:]
    assert deltas([*got, *fresh], "input") == SOURCE
    assert deltas([*got, *fresh], "output") == TARGET


def test_a_client_that_resumes_waits() -> None:
    """Before it knows how much the server has, it would send sound twice."""
    state, _ = WIRE.open(Handshake(PATH, {"simulst_resume": "secret"}))
    for frame in (APPEND, RESUMABLE, CLOSE):
        with pytest.raises(ProtocolError, match=r"wait for simulst\.session"):
            WIRE.receive(state, frame)
    state, _ = WIRE.send(state, Opened("secret", "en", "de", 9, True, memo=""))
    state, requests = WIRE.receive(state, APPEND)
    assert isinstance(requests[0], Audio)
    assert WIRE.receive(state, CLOSE)[1] == (Finish(),)


def test_steps_without_words_leave_no_space() -> None:
    """A client that is cut before the first word gets it without a space in front."""
    heard = Update(heard=8_000, tentative_source="Goo")
    assert kinds(first_connection([heard])) == ["session.updated", "simulst.session"]
    state, requests = WIRE.open(Handshake(PATH, {"simulst_resume": "secret"}))
    assert requests == (Resume("secret", 0),)
    state, _ = WIRE.send(state, Opened("secret", "en", "de", resumed=True, memo="whisper-1"))
    assert deltas(WIRE.send(state, Given(2, talk()[0]))[1], "input") == ["Good"]


@pytest.mark.parametrize("after", ["", "-1", "x", "1.5", "²", "9" * 19])
def test_a_step_is_a_number(after: str) -> None:
    """What is none cannot be resumed from."""
    with pytest.raises(ProtocolError, match="number of a simulst.step"):
        WIRE.open(Handshake(PATH, {"simulst_resume": "secret", "after": after}))


def test_what_makes_a_session_resumable_cannot_change() -> None:
    """Steps are counted from the beginning, and replayed with the same deltas."""
    core = connect(talk())
    core.take(update())
    assert error(core.take(RESUMABLE))["param"] == "session.simulst.resumable"
    core = connect(talk())
    core.take(RESUMABLE)
    told = error(core.take(update(None)))
    assert told["param"] == "session.audio.input.transcription"
    assert kinds(core.take(update(None, "whisper-1"))) == ["session.updated"]


# -- the real client -------------------------------------------------------------------------


def test_every_event_has_what_the_client_requires() -> None:
    """A session with all kinds of events, and every error, by the client's own types."""
    core = connect(talk())
    core.take(*[frame for frame, _, _ in BAD], RESUMABLE, APPEND, CLOSE)
    core.tell(Failed("internal", "begin another"), Ended("the server stops"))
    known = [frame for frame in core.sent if "simulst." not in kinds([frame])[0]]
    assert len(set(kinds(known))) == 6
    validate(known)


def test_the_openai_client() -> None:
    """The unmodified client translates a talk, with an error on the way, until session.closed."""
    openai = pytest.importorskip("openai", reason="openai is not installed")
    pytest.importorskip(
        "openai.resources.realtime.translations", reason="this openai has no translations"
    )

    async def use() -> list[Any]:
        async with serve(WIRE, talk()) as (port, cores):
            client = openai.AsyncOpenAI(
                api_key="secret", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0
            )
            events = []
            async with client.realtime.translations.connect(model="interpreter") as link:
                events.append(await link.recv())
                wanted = {"input": {"transcription": {"model": "m"}}, "output": {"language": "de"}}
                await link.session.update(session={"audio": wanted})
                for _ in range(3):
                    await link.session.input_audio_buffer.append(audio=SOUND)
                await link.session.update(session={"audio": {"output": {"language": "fr"}}})
                await link.session.close()
                async for event in link:
                    events.append(event)
            assert cores[0].handshake.path == PATH
            assert cores[0].handshake.query == QUERY
            await client.close()
            return events

    events = asyncio.run(asyncio.wait_for(use(), 20))
    assert [type(event).__name__.removeprefix("RealtimeTranslation") for event in events] == [
        "SessionCreatedEvent",
        "SessionUpdatedEvent",
        "InputTranscriptDeltaEvent",
        "OutputTranscriptDeltaEvent",
        "InputTranscriptDeltaEvent",
        "OutputTranscriptDeltaEvent",
        "OutputTranscriptDeltaEvent",
        "RealtimeErrorEvent",
        "InputTranscriptDeltaEvent",
        "InputTranscriptDeltaEvent",
        "OutputTranscriptDeltaEvent",
        "SessionClosedEvent",
    ]
    text = {"session.input_transcript.delta": "", "session.output_transcript.delta": ""}
    for event in events:
        if event.type in text:
            text[event.type] += event.delta
    assert list(text.values()) == ["Good morning. Thank you.", "Guten Morgen, alle. Danke."]
    assert events[1].session.audio.output.language == "de"
    assert events[7].error.code == "language_fixed"
