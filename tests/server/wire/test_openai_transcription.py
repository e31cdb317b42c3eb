"""The OpenAI realtime transcription wire, as LiveKit speaks it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.errors import ProtocolError
from simulst.server.wire.base import (
    Audio,
    Begin,
    Ended,
    Failed,
    Frame,
    Given,
    Handshake,
    Lagging,
    Mark,
    Marked,
    Opened,
    Reply,
    Restart,
    Taken,
)
from simulst.server.wire.openai_transcription import OpenAITranscription, TranscriptionState
from simulst.types import SentenceEnd, Update
from tests.server.wire.shell import Core, serve
from tests.server.wire.talks import sessions, talk, unit, word

WIRE = OpenAITranscription()
QUERY = {"intent": "transcription", "model": "simulst:de"}
SOUND = base64.b64encode(b"\x00\x40" * 1200).decode()  # 50 ms, as LiveKit sends it
APPEND = json.dumps({"type": "input_audio_buffer.append", "audio": SOUND})
SECOND = APPEND.replace(SOUND, base64.b64encode(b"\x00\x40" * 24_000).decode())
COMMIT = json.dumps({"type": "input_audio_buffer.commit"})
CLEAR = json.dumps({"type": "input_audio_buffer.clear"})
LIVEKIT = json.dumps(
    {
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": {
                "input": {
                    "format": {"rate": 24000, "type": "audio/pcm"},
                    "transcription": {"model": "simulst:de", "language": "en"},
                    "turn_detection": {
                        "type": "server_vad",
                        "prefix_padding_ms": 600,
                        "silence_duration_ms": 350,
                        "threshold": 0.5,
                    },
                }
            },
        },
    }
)
DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"


def connect(script: Sequence[Update] = (), **query: str) -> Core:
    """A connection that has been opened."""
    headers = {"sec-websocket-key": "bm9uY2U="}
    return Core(WIRE, script, Handshake("/v1/realtime", QUERY | query, headers))


def settings_of(**fields: object) -> str:
    """An update of the input's settings."""
    return json.dumps({"type": "session.update", "session": {"audio": {"input": fields}}})


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


def error(frames: Sequence[Frame]) -> dict[str, Any]:
    """The error that is all that was sent."""
    (event,) = read(frames)
    assert event["type"] == "error"
    told: dict[str, Any] = event["error"]
    return told


def transcripts(frames: Iterable[Frame]) -> list[str]:
    """What was completed."""
    return [event["transcript"] for event in read(frames) if event["type"] == COMPLETED]


def check_items(frames: Iterable[Frame]) -> None:
    """What every client may rely on: items one after another, and times that do not go back."""
    at, text, last = 0, {}, None
    ids = []
    for event in read(frames):
        ids.append(event["event_id"])
        item = event.get("item_id")
        match event["type"]:
            case kind if kind == STARTED:
                assert item not in text
                text[item] = ""
                assert event["audio_start_ms"] >= at
                at = event["audio_start_ms"]
            case kind if kind == STOPPED:
                assert event["audio_end_ms"] >= at
                at = event["audio_end_ms"]
            case kind if kind == DELTA:
                text[item] += event["delta"]
            case kind if kind == COMMITTED:
                assert event["previous_item_id"] == last
                last = item
            case kind if kind == COMPLETED:
                assert item == last
                assert event["transcript"] == text.get(item, "")
                assert event["usage"]["type"] == "duration"
                assert event["usage"]["seconds"] >= 0
    assert len(set(ids)) == len(ids)


def validate(frames: Iterable[Frame]) -> None:
    """Each event has the fields that the client's own types require, of the right types."""
    types = pytest.importorskip("openai.types.realtime", reason="openai is not installed")
    pydantic = pytest.importorskip("pydantic")
    adapter = pydantic.TypeAdapter(types.RealtimeServerEvent)
    for event in read(frames):
        parsed = adapter.validate_python(event)
        assert parsed.type == event["type"]
        if hasattr(parsed, "session"):
            assert type(parsed.session).__name__ == "RealtimeTranscriptionSessionCreateRequest"


# -- a session -------------------------------------------------------------------------------


def test_a_talk_as_livekit_hears_it() -> None:
    """Every frame of a session, in order, to the letter."""
    core = connect(talk())
    core.take(LIVEKIT, *[APPEND] * 5)
    tag = json.loads(str(core.sent[0]))["session"]["id"].removeprefix("sess_")
    first, second = f"item_{tag}_1", f"item_{tag}_2"
    greeting = {
        "id": f"sess_{tag}",
        "object": "realtime.transcription_session",
        "type": "transcription",
        "expires_at": 2_147_483_647,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "transcription": {"model": "simulst:de"},
                "noise_reduction": None,
                "turn_detection": {"type": "server_vad"},
            }
        },
    }
    configured = json.loads(json.dumps(greeting))
    configured["audio"]["input"]["transcription"]["language"] = "en"

    def delta(item: str, text: str) -> tuple[str, dict[str, Any]]:
        return DELTA, {"item_id": item, "content_index": 0, "delta": text}

    def completed(item: str, text: str, seconds: float) -> tuple[str, dict[str, Any]]:
        usage = {"type": "duration", "seconds": seconds}
        fields = {"item_id": item, "content_index": 0, "transcript": text, "usage": usage}
        return COMPLETED, fields

    expected: list[tuple[str, dict[str, Any]]] = [
        ("session.created", {"session": greeting}),
        ("session.updated", {"session": configured}),
        (STARTED, {"audio_start_ms": 100, "item_id": first}),
        delta(first, "Guten"),
        delta(first, " Morgen,"),
        delta(first, " alle."),
        (STOPPED, {"audio_end_ms": 1000, "item_id": first}),
        (COMMITTED, {"item_id": first, "previous_item_id": None}),
        completed(first, "Guten Morgen, alle.", 0.9),
        (STARTED, {"audio_start_ms": 1500, "item_id": second}),
        delta(second, "Danke."),
        (STOPPED, {"audio_end_ms": 2000, "item_id": second}),
        (COMMITTED, {"item_id": second, "previous_item_id": first}),
        completed(second, "Danke.", 0.5),
    ]
    assert read(core.sent) == [
        {"type": kind, "event_id": f"event_{tag}_{number}", **fields}
        for number, (kind, fields) in enumerate(expected, 1)
    ]
    assert core.requests[1] == Begin("en", "de")
    assert isinstance(core.requests[2], Audio)
    assert (core.requests[2].rate, len(core.requests[2].samples)) == (24_000, 1200)


@given(sessions(), st.lists(st.sampled_from([APPEND, COMMIT, CLEAR]), max_size=10))
@settings(max_examples=60, deadline=None)
def test_items_hold_together(script: list[Update], frames: list[str]) -> None:
    """Whatever an engine gives and a client asks, items are whole and times go forward."""
    core = connect(script)
    core.take(LIVEKIT, *frames)
    if CLEAR not in frames:
        core.tell(*(Given(9, each) for each in core._left[""]), Ended())
        units = [unit.text for each in script for unit in each.emissions]
        told = [event["delta"] for event in read(core.sent) if event["type"] == DELTA]
        assert [delta.strip() for delta in told] == units
    check_items(event for event in core.sent if '"error"' not in str(event))


def test_a_connection_opened_in_advance_takes_no_session() -> None:
    """LiveKit keeps some ready; they are greeted, and that is all."""
    core = connect()
    assert kinds(core.sent) == ["session.created"]
    assert all(isinstance(request, Reply) for request in core.requests)


def test_audio_may_come_before_settings() -> None:
    """The address may name both languages; the model's is then not looked at."""
    core = connect(talk(), source="en-US", target="fr")
    assert kinds(core.take(APPEND)) == [STARTED, DELTA]
    assert core.requests[1] == Begin("en", "fr")
    core = connect(talk(), model="gpt-4o-transcribe")
    core.take(APPEND)
    assert core.requests[1] == Begin("", "")


def test_the_settings_may_name_the_target() -> None:
    """The model of the transcription counts before the address."""
    core = connect(model="", target="fr")
    core.take(settings_of(transcription={"model": "simulst:de", "languages": ["en"]}))
    assert core.requests[1] == Begin("en", "de")


def test_settings_are_confirmed_once_the_session_is_there() -> None:
    """An update that begins waits for the session; a second one waits behind it."""
    state, _ = WIRE.open(Handshake("/v1/realtime", QUERY))
    state, requests = WIRE.receive(state, settings_of(turn_detection=None))
    assert [type(request) for request in requests] == [Reply]
    for expected in ((Begin("en", "de"),), ()):
        state, requests = WIRE.receive(state, LIVEKIT)
        assert requests == expected
    state, frames = WIRE.send(state, Opened("s", "en", "de"))
    assert kinds(frames) == ["session.updated"] * 2


def test_a_second_stream_on_the_same_connection() -> None:
    """LiveKit sends its settings again when it takes a connection from its pool."""
    core = connect(talk())
    core.take(LIVEKIT, APPEND)
    assert kinds(core.take(LIVEKIT)) == ["session.updated"]
    told = error(core.take(settings_of(transcription={"language": "fr"})))
    assert told["code"] == "language_fixed"
    assert told["param"] == "session.audio.input.transcription.language"
    assert "open a new connection" in told["message"]


@pytest.mark.parametrize(
    ("form", "rate", "data", "first"),
    [
        ({"type": "audio/pcm", "rate": 16000}, 16_000, b"\x00\xc0", -0.5),
        ({"type": "audio/pcmu"}, 8_000, b"\x80", 32_124 / 32_768),
        ({"type": "audio/pcma"}, 8_000, b"\x55", -8 / 32_768),
    ],
)
def test_formats(form: dict[str, Any], rate: int, data: bytes, first: float) -> None:
    """The audio is read in the format of the settings, which cannot change under it."""
    core = connect()
    (told,) = read(core.take(settings_of(format=form)))
    assert told["session"]["audio"]["input"]["format"] == form
    audio = base64.b64encode(data).decode()
    core.take(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
    assert isinstance(core.requests[-1], Audio)
    assert core.requests[-1].rate == rate
    assert core.requests[-1].samples[0] == np.float32(first)
    assert kinds(core.take(settings_of(format=form))) == ["session.updated"]
    changed = error(core.take(settings_of(format={"type": "audio/pcm", "rate": 48000})))
    assert changed["code"] == "fixed_field"


def test_what_the_protocol_has_no_word_for_is_not_sent() -> None:
    """Progress, lag, foreign marks and steps that give nothing lead to no event."""
    core = connect(talk())
    core.take(LIVEKIT, APPEND)
    assert core.tell(Taken(1200), Lagging(900), Marked("x"), Given(9, Update(heard=1))) == []


def test_the_end_completes_what_is_open() -> None:
    """When the server ends a session, a sentence that was begun does not stay open."""
    core = connect(talk())
    core.take(LIVEKIT, APPEND)
    frames = core.tell(Ended())
    assert kinds(frames) == [STOPPED, COMMITTED, COMPLETED]
    assert transcripts(frames) == ["Guten"]
    assert core.tell(Ended()) == []


def test_a_session_that_fails() -> None:
    """The reason comes as an error of the server."""
    frames = connect().tell(Failed("overloaded", "try again in 5 s"))
    assert error(frames)["type"] == "server_error"
    assert error(frames)["message"] == "try again in 5 s"


# -- commit and clear ------------------------------------------------------------------------


def test_a_commit_brings_the_last_words() -> None:
    """Silence follows the audio, so that its sentence ends though the client sends no more."""
    core = connect([talk()[0], talk()[2]])
    core.take(LIVEKIT, APPEND)
    frames = core.take(COMMIT)
    silence, mark = core.requests[-2:]
    assert isinstance(silence, Audio)
    assert (silence.rate, len(silence.samples), np.abs(silence.samples).max()) == (
        24_000,
        48_000,
        0,
    )
    assert mark == Mark("1")
    assert kinds(frames) == [DELTA, DELTA, STOPPED, COMMITTED, COMPLETED]
    assert transcripts(frames) == ["Guten Morgen, alle."]


def test_a_commit_ends_a_sentence_that_goes_on() -> None:
    """What had been written is completed, and what comes later is the next item's."""
    core = connect([talk()[0], Update(heard=20_000), *talk()[2:]])
    core.take(LIVEKIT, APPEND)
    assert transcripts(core.take(COMMIT)) == ["Guten"]
    assert transcripts(core.take(APPEND)) == ["Morgen, alle."]
    check_items(core.sent)


def test_a_commit_of_silence_is_an_empty_item() -> None:
    """A client that waits for its commit is answered though nothing was said."""
    core = connect()
    core.take(LIVEKIT, APPEND)
    frames = core.take(COMMIT)
    assert kinds(frames) == [COMMITTED, COMPLETED]
    assert transcripts(frames) == [""]


def test_times_are_those_of_the_clients_audio() -> None:
    """The silence of a commit is not on the client's clock, neither during it nor after it."""
    first = Update(
        heard=48_000,
        committed=(word("Yes.", 0.01, 1.5), SentenceEnd(24_000)),  # ends within the silence
        emissions=(unit(0, "Ja.", 1.5),),
    )
    second = Update(
        heard=64_000,
        committed=(word("No.", 3.05, 3.25), SentenceEnd(52_000)),
        emissions=(unit(1, "Nein.", 3.25, sentence=1),),
    )
    core = connect([Update(heard=0)] * 20 + [first, second])
    core.take(LIVEKIT, *[APPEND] * 20)  # 1 s
    (started, _, stopped, *_) = read(core.take(COMMIT))
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (10, 1000)
    (started, _, stopped, *_) = read(core.take(APPEND))
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (1050, 1250)


def test_a_commit_without_audio_is_an_error() -> None:
    """As the protocol has it, under its own name."""
    core = connect(talk())
    assert error(core.take(COMMIT))["code"] == "input_audio_buffer_commit_empty"
    core.take(APPEND, COMMIT)
    assert error(core.take(COMMIT))["code"] == "input_audio_buffer_commit_empty"


def test_a_clear_begins_again() -> None:
    """The open item ends with what it has, and times go on from there."""
    core = connect(talk())
    core.take(LIVEKIT, SECOND)
    frames = core.take(CLEAR)
    assert core.requests[-1] == Restart()
    assert kinds(frames) == [STOPPED, COMMITTED, COMPLETED, "input_audio_buffer.cleared"]
    assert transcripts(frames) == ["Guten"]
    (started, delta) = read(core.take(SECOND))
    assert started["audio_start_ms"] == 1000 + 100
    assert delta["delta"] == "Guten"
    check_items(core.sent)


def test_a_clear_without_audio_drops_nothing() -> None:
    """What was committed is not dropped: there is nothing to begin again for."""
    core = connect(talk())
    assert kinds(core.take(CLEAR)) == ["input_audio_buffer.cleared"]
    core.take(APPEND, COMMIT)
    assert kinds(core.take(CLEAR)) == ["input_audio_buffer.cleared"]
    assert Restart() not in core.requests


def test_words_that_a_clear_overtook() -> None:
    """Until the new session is there, news is of the old one; a late mark is of no account."""
    state, _ = WIRE.open(Handshake("/v1/realtime", QUERY))
    for frame in (APPEND, COMMIT, APPEND, CLEAR, APPEND, COMMIT):
        state, _ = WIRE.receive(state, frame)
    state, _ = WIRE.send(state, Opened("s", "en", "de"))
    state, old = WIRE.send(state, Given(1, talk()[0]))
    state, cut = WIRE.send(state, Opened("t", "en", "de"))
    state, late = WIRE.send(state, Marked("1"))
    state, new = WIRE.send(state, Given(1, talk()[0]))
    state, done = WIRE.send(state, Marked("2"))
    assert kinds(old) == [STARTED, DELTA]
    assert kinds(cut) == [STOPPED, COMMITTED, COMPLETED, "input_audio_buffer.cleared"]
    assert late == []
    assert kinds(new) == [STARTED, DELTA]
    assert kinds(done) == [STOPPED, COMMITTED, COMPLETED]
    check_items([*old, *cut, *new, *done])


# -- what is refused -------------------------------------------------------------------------


BAD: list[tuple[Frame, str, str | None]] = [
    ("{", "invalid_json", None),
    ("7", "invalid_json", None),
    (b"\x00\x01", "invalid_message", None),
    ("{}", "missing_type", "type"),
    ('{"type": "conversation.item.create"}', "unknown_event", "type"),
    ('{"type": "session.update"}', "invalid_type", "session"),
    ('{"type": "session.update", "session": {"type": "realtime"}}', "fixed_field", "session.type"),
    (settings_of(format=5), "invalid_type", "session.audio.input.format"),
    (settings_of(format={"type": "ogg"}), "invalid_value", "session.audio.input.format.type"),
    (
        settings_of(format={"type": "audio/pcm", "rate": 5}),
        "invalid_sample_rate",
        "session.audio.input.format.rate",
    ),
    (settings_of(turn_detection="off"), "invalid_type", "session.audio.input.turn_detection"),
    (settings_of(transcription=[]), "invalid_type", "session.audio.input.transcription"),
    (
        settings_of(transcription={"model": 5}),
        "invalid_type",
        "session.audio.input.transcription.model",
    ),
    (
        settings_of(transcription={"language": "?"}),
        "invalid_language",
        "session.audio.input.transcription.language",
    ),
    ('{"type": "input_audio_buffer.append"}', "invalid_audio", "audio"),
    ('{"type": "input_audio_buffer.append", "audio": "*"}', "invalid_audio", "audio"),
    ('{"type": "input_audio_buffer.append", "audio": "AAAA"}', "invalid_audio", "audio"),
    (COMMIT, "input_audio_buffer_commit_empty", None),
]


@pytest.mark.parametrize(("frame", "code", "param"), BAD, ids=[str(b[0])[:60] for b in BAD])
def test_bad_events_are_answered_and_left_out(frame: Frame, code: str, param: str | None) -> None:
    """Each has an error in the protocol's form, after which the session works as before."""
    core = connect(talk())
    told = error(core.take(frame))
    assert (told["code"], told["param"]) == (code, param)
    assert not core.closed
    assert kinds(core.take(LIVEKIT, APPEND)) == ["session.updated", STARTED, DELTA]


NAMES = [
    "type", "session", "audio", "input", "format", "rate", "transcription", "model", "language",
    "languages", "turn_detection", "event_id",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
EVENTS = st.builds(
    lambda kind, rest: json.dumps({**rest, "type": kind}),
    st.sampled_from(["session.update", "input_audio_buffer.append", "input_audio_buffer.commit"]),
    st.dictionaries(st.sampled_from(["session", "audio", "event_id"]), JSON, max_size=3),
)
INPUTS = st.dictionaries(
    st.sampled_from(["format", "transcription", "turn_detection", "noise_reduction"]), JSON
).map(lambda fields: settings_of(**fields))
FRAMES = (
    st.text(max_size=30)
    | st.binary(max_size=30)
    | EVENTS
    | INPUTS
    | JSON.map(json.dumps)
    | st.sampled_from([APPEND, COMMIT, CLEAR, LIVEKIT])
)


@given(st.lists(FRAMES, max_size=6))
@settings(max_examples=60, deadline=None)
def test_no_frame_breaks_a_connection(frames: list[Frame]) -> None:
    """Whatever comes is taken or refused, and what is refused leaves the state usable."""
    state, _ = WIRE.open(Handshake("/v1/realtime", QUERY))
    for frame in frames:
        before = state
        try:
            state, _ = WIRE.receive(state, frame)
        except ProtocolError as caught:
            assert not caught.fatal
            assert state == before
            (event,) = read(WIRE.complain(state, caught))
            assert event["error"]["message"]
    assert isinstance(state, TranscriptionState)
    audio = APPEND if state.form == "audio/pcm" else APPEND.replace(SOUND, "AAAA")
    assert WIRE.receive(state, audio)[0].begun


# -- the real clients ------------------------------------------------------------------------


def test_every_event_has_what_the_client_requires() -> None:
    """A session with all kinds of events, and every error, by the client's own types."""
    core = connect(talk())
    core.take(*[frame for frame, _, _ in BAD], LIVEKIT, APPEND, COMMIT, APPEND, APPEND, CLEAR)
    core.take(APPEND, COMMIT, COMMIT)
    core.tell(Failed("internal", "begin another"), Ended())
    assert len(set(kinds(core.sent))) == 9
    validate(core.sent)


def test_the_openai_client() -> None:
    """The unmodified client configures, sends, commits, and gets its completed item."""
    openai = pytest.importorskip("openai", reason="openai is not installed")

    async def use() -> list[Any]:
        async with serve(WIRE, [talk()[0], talk()[2]]) as (port, cores):
            client = openai.AsyncOpenAI(
                api_key="secret", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0
            )
            events = []
            query = {"intent": "transcription", "target": "de"}
            async with client.realtime.connect(extra_query=query) as link:
                await link.session.update(session=json.loads(LIVEKIT)["session"])
                await link.send(json.loads(SECOND))
                await link.input_audio_buffer.commit()
                async for event in link:
                    events.append(event)
                    if event.type == COMPLETED:
                        break
                assert cores[0].handshake.path == "/v1/realtime"
                assert Begin("en", "de") in cores[0].requests
            await client.close()
            return events

    events = asyncio.run(asyncio.wait_for(use(), 20))
    assert [event.type for event in events] == [
        "session.created", "session.updated", STARTED, DELTA, DELTA, DELTA,
        STOPPED, COMMITTED, COMPLETED,
    ]  # fmt: skip
    assert events[-1].transcript == "Guten Morgen, alle."
    assert events[-1].usage.seconds == 0.9


def test_the_livekit_plugin() -> None:
    """The unmodified plugin shows the translation as its transcript, sentence by sentence."""
    livekit = pytest.importorskip(
        "livekit.plugins.openai", reason="livekit-plugins-openai is not installed"
    )
    rtc = pytest.importorskip("livekit.rtc")
    http = pytest.importorskip("livekit.agents.utils.http_context")

    async def use() -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        async with serve(WIRE, talk()) as (port, cores), http.open():
            recogniser = livekit.STT(
                model="simulst:de",
                base_url=f"http://127.0.0.1:{port}/v1",
                api_key="secret",
                use_realtime=True,
            )
            stream = recogniser.stream()
            stream.push_frame(rtc.AudioFrame(b"\x00\x40" * 1200 * 5, 24_000, 1, 1200 * 5))
            async for event in stream:
                texts = [each.text for each in event.alternatives]
                seen.append((event.type.value, *texts) if texts else (event.type.value, ""))
                if event.type.value == "recognition_usage" and len(seen) > 6:
                    break
            await stream.aclose()
            await recogniser.aclose()
            assert cores[-1].errors == []
            assert Begin("en", "de") in cores[-1].requests
        return seen

    seen = asyncio.run(asyncio.wait_for(use(), 30))
    spoken = [kind for kind, _ in seen if kind.endswith("of_speech")]
    assert spoken == ["start_of_speech", "end_of_speech"] * 2
    final = [text for kind, text in seen if kind == "final_transcript"]
    assert final == ["Guten Morgen, alle.", "Danke."]
    assert ("interim_transcript", "Guten") in seen
