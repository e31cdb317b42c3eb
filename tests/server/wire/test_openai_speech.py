"""Spoken output on the OpenAI realtime translation wire."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from simulst.errors import ProtocolError
from simulst.server.wire.base import Begin, Frame, Given, Handshake, News, Opened, Silenced, Spoke
from simulst.server.wire.openai_translation import OpenAITranslation, TranslationState
from simulst.types import Samples
from tests.server.wire.talks import talk
from tests.server.wire.test_openai_translation import (
    APPEND,
    PATH,
    QUERY,
    WIRE,
    connect,
    error,
    kinds,
    read,
    update,
    validate,
)

AUDIO = ["audio"]
SOUND: Samples = np.linspace(-1, 1, 60_000, dtype=np.float32)  # two and a half seconds
SPOKE = Spoke(SOUND, 32_000)


def begun(frame: Frame, *news: News) -> tuple[TranslationState, list[Frame]]:
    """A connection after its first update and some news; what it was sent since the update."""
    state, _ = WIRE.open(Handshake(PATH, QUERY))
    state, requests = WIRE.receive(state, frame)
    assert isinstance(requests[0], Begin)
    sent: list[Frame] = []
    for each in news:
        state, frames = WIRE.send(state, each)
        sent += frames
    return state, sent


def test_a_client_that_asks_hears_the_translation() -> None:
    """Sound comes as 16-bit samples in pieces of a second at most, as the client's types want."""
    opened = Opened("s", "en", "de", speech=True)
    _, sent = begun(update(output_modalities=AUDIO), opened, Given(1, talk()[0]), SPOKE)
    updated, text, *sound = read(sent)
    assert updated["session"]["output_modalities"] == ["audio"]
    assert text["type"] == "session.output_transcript.delta"
    assert [event["type"] for event in sound] == ["session.output_audio.delta"] * 3
    for event in sound:
        assert (event["sample_rate"], event["channels"], event["format"]) == (24_000, 1, "pcm16")
        assert event["elapsed_ms"] == 2_000
    data = b"".join(base64.b64decode(event["delta"]) for event in sound)
    levels = np.frombuffer(data, "<i2")
    assert levels[0] == -32_768 and levels[-1] == 32_767
    np.testing.assert_allclose(levels / 32_768, SOUND, atol=1e-4)
    validate(sent)


@pytest.mark.parametrize("more", [{}, {"output_modalities": ["text"]}])
def test_a_client_that_does_not_ask_gets_none(more: dict[str, Any]) -> None:
    """Stock clients are asked for nothing and sent nothing that they did not ask for."""
    core = connect(talk())
    core.take(update(**more), APPEND)
    assert core.requests[1] == Begin("", "de", memo="")
    assert core.tell(SPOKE, Silenced("why")) == []
    assert "output_modalities" not in read(core.sent)[1]["session"]


def test_a_server_that_does_not_speak() -> None:
    """Settings come back without audio, an error in the wire's form says why, and text goes on."""
    frame = update(output_modalities=["text", "audio"])
    state, sent = begun(frame, Opened("s", "en", "de"), SPOKE, Given(1, talk()[0]))
    assert kinds(sent) == ["session.updated", "error", "session.output_transcript.delta"]
    updated, told, _ = read(sent)
    assert "output_modalities" not in updated["session"]
    assert told["error"]["code"] == "speech_unavailable"
    assert told["error"]["param"] == "session.output_modalities"
    assert "does not speak" in told["error"]["message"]
    validate(sent)
    assert not state.speech


def test_speech_that_fails_on_the_way() -> None:
    """An error says so, once, and settings that are asked for later say text."""
    opened = Opened("s", "en", "de", speech=True)
    told: list[News] = [opened, SPOKE, Silenced("speech has failed"), SPOKE, Silenced("again")]
    state, sent = begun(update(output_modalities=AUDIO), *told)
    assert kinds(sent)[4:] == ["error"]
    assert read(sent)[-1]["error"]["message"] == "speech has failed"
    _, (reply,) = WIRE.receive(state, update())
    assert "output_modalities" not in json.loads(reply.frame)["session"]  # type: ignore[union-attr]


@pytest.mark.parametrize("value", ["audio", [], ["video"], [1], [["audio"]], {"audio": True}, 7])
def test_modalities_that_are_none(value: object) -> None:
    """What cannot be is refused by name, and the session works as before."""
    core = connect(talk())
    told = error(core.take(update(output_modalities=value)))
    assert (told["code"], told["param"]) == ("invalid_type", "session.output_modalities")
    assert kinds(core.take(update())) == ["session.updated"]


def test_speech_cannot_be_asked_for_later() -> None:
    """A session that has begun as text stays so; naming what is so already is no change."""
    core = connect(talk())
    core.take(update())
    told = error(core.take(update(output_modalities=AUDIO)))
    assert (told["code"], told["param"]) == ("fixed_field", "session.output_modalities")
    assert kinds(core.take(update(output_modalities=["text"]))) == ["session.updated"]
    state, _ = WIRE.open(Handshake(PATH, QUERY))
    state, _ = WIRE.receive(state, APPEND)
    with pytest.raises(ProtocolError, match="once the session has begun"):
        WIRE.receive(state, update(None, output_modalities=AUDIO))


def test_speech_may_be_asked_for_before_the_language() -> None:
    """An update without a language is remembered until the session begins."""
    state, _ = WIRE.open(Handshake(PATH, QUERY))
    state, _ = WIRE.receive(state, update(None, output_modalities=AUDIO))
    assert WIRE.receive(state, update())[1] == (Begin("", "de", memo="", speech=True),)
    assert WIRE.receive(state, APPEND)[1][0] == Begin("", "", memo="", speech=True)


def test_speech_goes_on_after_a_cut() -> None:
    """Who comes back to a session that is spoken hears it again, without asking."""
    frame = update(output_modalities=AUDIO, simulst={"resumable": True})
    _, sent = begun(frame, Opened("s", "en", "de", speech=True), SPOKE)
    assert kinds(sent)[:2] == ["session.updated", "simulst.session"]
    wire = OpenAITranslation()
    state, _ = wire.open(Handshake(PATH, {"simulst_resume": "s"}))
    state, greeting = wire.send(state, Opened("s", "en", "de", 9, True, memo="", speech=True))
    assert read(greeting)[0]["session"]["output_modalities"] == ["audio"]
    assert kinds(wire.send(state, SPOKE)[1]) == ["session.output_audio.delta"] * 3
