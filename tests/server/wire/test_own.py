"""Our own wire, frame by frame."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from simulst.errors import ProtocolError
from simulst.server.wire.base import (
    PAUSE_S,
    Audio,
    Begin,
    Dropped,
    Ended,
    Failed,
    Finish,
    Given,
    Handshake,
    Lagging,
    Mark,
    Marked,
    News,
    Opened,
    Request,
    Resume,
    Taken,
)
from simulst.server.wire.own import Own, OwnState
from simulst.types import Emission, Reason, SentenceEnd, Update, Verdict, Word

WIRE = Own()
UPDATE = Update(
    heard=8_000,
    committed=(Word("Hello", 1_600, 3_200, 0.98765), SentenceEnd(3_200)),
    emissions=(Emission(3, 1, "Hallo", " ", 1, 8_000, 3_200, Reason.RATIO, 8_800),),
    verdicts=(Verdict(1, 0, 17, 1, 0.5, 0.4, 1.0, 0.5, True, Reason.RATIO),),
    tentative_source="there",
    tentative_target="da",
)


def talk(*messages: dict[str, Any] | bytes) -> tuple[OwnState, list[Request]]:
    """What a new connection asks for."""
    state, requests = WIRE.open(Handshake("/v1/interpret"))
    asked = list(requests)
    for message in messages:
        frame = message if isinstance(message, bytes) else json.dumps(message)
        state, requests = WIRE.receive(state, frame)
        asked += requests
    return state, asked


def told(state: OwnState, *news: News) -> list[dict[str, Any]]:
    """The events that news lead to."""
    events = []
    for each in news:
        state, frames = WIRE.send(state, each)
        events += [json.loads(frame) for frame in frames]
    return events


def test_a_client_from_start_to_finish() -> None:
    """Each message becomes its request, sound at the rate and in the encoding agreed on."""
    start = {"type": "start", "rate": 8_000.0, "source": "en-GB", "target": "DE", "resumable": True}
    _, (begin, audio, mark, finish) = talk(
        start,
        np.array([0, 16_384, -32_768], "<i2").tobytes(),
        {"type": "mark", "name": "m"},
        {"type": "finish"},
    )
    assert isinstance(begin, Begin)
    assert (begin.source, begin.target, begin.resumable) == ("en", "de", True)
    assert isinstance(audio, Audio) and audio.rate == 8_000
    assert audio.samples.tolist() == [0, 0.5, -1]
    assert (mark, finish) == (Mark("m"), Finish())


@pytest.mark.parametrize(("field", "after_s"), [({}, None), ({"pauses": True}, PAUSE_S)])
def test_a_client_may_pause(field: dict[str, Any], after_s: float | None) -> None:
    """Who says that it need not send all the time gets its last words in a pause."""
    _, (begin,) = talk({"type": "start", "rate": 16_000, **field})
    assert isinstance(begin, Begin) and begin.silence_after_s == after_s


def test_an_update_holds_all_of_a_step() -> None:
    """Words, emissions and, if asked for, verdicts come in one event, with times in ms."""
    state, _ = talk({"type": "start", "rate": 16_000})
    (event,) = told(state, Given(7, UPDATE, 1_700_000_000_500))
    assert event == {
        "type": "update",
        "number": 7,
        "at_ms": 1_700_000_000_500,
        "words": [
            {"text": "Hello", "start_ms": 100, "end_ms": 200, "probability": 0.9877},
            {"sentence_end_ms": 200},
        ],
        "emissions": [
            {
                "index": 3,
                "sentence": 1,
                "text": "Hallo",
                "space": " ",
                "delay_ms": 500,
                "spoken_ms": 200,
                "elapsed_ms": 550,
                "reason": "ratio",
            }
        ],
    }
    state, _ = talk({"type": "start", "rate": 16_000, "verdicts": True, "tentative": True})
    update, partial = told(state, Given(7, UPDATE))
    (verdict,) = update["verdicts"]
    assert (verdict["token"], verdict["ratio"], verdict["reason"]) == (17, 1.0, "ratio")
    assert partial == {"type": "partial", "source": "there", "target": "da"}


def test_a_partial_comes_when_it_has_changed() -> None:
    """The same tentative text is not sent twice; an empty one takes the last one back."""
    state, _ = talk({"type": "start", "rate": 16_000, "tentative": True})
    texts = ("a", "a", "b", "", "")
    news = [Given(n, Update(0, tentative_source=text)) for n, text in enumerate(texts, 1)]
    assert [event["source"] for event in told(state, *news)] == ["a", "b", ""]


def test_verdicts_alone_are_no_news_for_who_did_not_ask() -> None:
    """A step with nothing but verdicts gives no event, so that numbers have gaps."""
    state, _ = talk({"type": "start", "rate": 16_000})
    assert told(state, Given(1, Update(0, verdicts=UPDATE.verdicts))) == []


def test_who_resumes_finds_the_terms_of_the_start() -> None:
    """After a resume sound is taken once opened, in the session's own encoding and rate."""
    _, (begin,) = talk({"type": "start", "rate": 44_100, "encoding": "f32le", "tentative": True})
    assert isinstance(begin, Begin)
    state, (request,) = talk({"type": "resume", "session": "s", "after": 3})
    assert request == Resume("s", 3)
    with pytest.raises(ProtocolError, match="comes before opened"):
        WIRE.receive(state, b"\0\0\0\0")
    state, _ = WIRE.send(state, Opened("s", "en", "de", 5, True, "f", begin.memo))
    state, (audio,) = WIRE.receive(state, np.array([0.25], "<f4").tobytes())
    assert isinstance(audio, Audio)
    assert (audio.rate, audio.samples.tolist()) == (44_100, [0.25])
    assert told(state, Given(4, Update(0, tentative_source="x")))[0]["type"] == "partial"


def test_the_other_events() -> None:
    """Every piece of news has its event."""
    state, _ = talk({"type": "start", "rate": 16_000})
    opened = Opened("s", "en", "de", 5, True, "f", state.terms, 1_700_000_000_000)
    assert told(
        state,
        opened,
        Taken(160),
        Marked("m"),
        Lagging(2_000),
        Failed("internal", "it failed"),
        Ended(),
        Ended("the server stops", "stopping"),
    ) == [
        {"type": "opened", "session": "s", "source": "en", "target": "de", "taken": 5}
        | {"resumed": True, "follow": "f", "at_ms": 1_700_000_000_000},
        {"type": "ack", "samples": 160},
        {"type": "marked", "name": "m"},
        {"type": "lag", "lag_ms": 2_000},
        {"type": "error", "code": "internal", "message": "it failed", "fatal": True},
        {"type": "done"},
        {"type": "done", "code": "stopping", "reason": "the server stops"},
    ]


def test_a_reader_gets_no_answers_to_others() -> None:
    """Who follows asks by its address for what it wants, and gets neither acks nor marks."""
    state, requests = WIRE.open(Handshake("/v1/follow", {"tentative": "1"}))
    assert requests == ()
    kinds = [e["type"] for e in told(state, Taken(1), Marked("m"), Given(1, UPDATE), Ended())]
    assert kinds == ["update", "partial", "done"]
    with pytest.raises(ProtocolError) as wrong:
        WIRE.receive(state, b"\0\0")
    assert wrong.value.fatal


def test_events_of_several_languages_name_theirs() -> None:
    """Who asks with `to` reads in each event which language it is about; others never do."""
    start = {"type": "start", "rate": 8_000, "tentative": True}
    state, (begin,) = talk({**start, "to": ["de", "fr-CA"]})
    assert isinstance(begin, Begin) and (begin.target, begin.more) == ("de", ("fr",))
    news: list[News] = [
        Opened("s", "en", "de", memo=begin.memo, more=("fr",), offers=("de", "fr", "it")),
        Given(1, UPDATE, target="de"),
        Given(2, UPDATE, target="fr"),
        Given(3, Update(9_000, tentative_source="there", tentative_target="da"), target="de"),
        Dropped("fr", "it failed"),
    ]
    opened, *events = told(state, *news)
    assert (opened["to"], opened["offers"]) == (["de", "fr"], ["de", "fr", "it"])
    # the last update has nothing new in German, whatever was said in French between
    assert [(each["type"], each["language"]) for each in events] == [
        ("update", "de"),
        ("partial", "de"),
        ("update", "fr"),
        ("partial", "fr"),
        ("error", "fr"),
    ]
    assert not events[-1]["fatal"]
    plain, _ = talk({**start, "target": "de"})
    for event in told(plain, Opened("s", "en", "de", offers=("de",)), *news[1:2]):
        assert not {"to", "offers", "language"} & event.keys()
    one, (begin,) = talk({**start, "to": ["de"]})
    assert isinstance(begin, Begin) and begin.more == ()
    assert told(one, news[1])[0]["language"] == "de"
