"""How clients say which languages they want, what they are told, and what is kept of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import soundfile

from simulst.emit import jsonl
from simulst.emit.recording import AUDIO
from simulst.server.recordings import TalkRecording
from simulst.types import SAMPLE_RATE
from tests.server.client import Echo, Together, server, sound, texts
from tests.test_conference import conference, expected, noise, short_words

__all__ = ["short_words"]  # a fixture, for this module too


@pytest.fixture
def two() -> Together:
    """German and French."""
    return Together({"de": Echo("de"), "fr": Echo("fr")})


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ({"to": ["de", "it"]}, "unsupported_language"),
        ({"to": ["de", "de-AT"]}, "invalid_language"),
        ({"to": []}, "invalid_language"),
        ({"to": ["de", 5]}, "invalid_language"),
        ({"to": "de"}, "invalid_request"),
        ({"to": ["de"], "target": "fr"}, "invalid_request"),
        ({"target": "it"}, "unsupported_language"),
    ],
)
def test_languages_that_are_refused(two: Together, start: dict[str, Any], code: str) -> None:
    """An unknown language, one named twice, none, and two ways of naming them are errors."""

    async def run() -> None:
        async with server(two) as running, running.client() as client:
            await client.tell("start", rate=SAMPLE_RATE, **start)
            error = await client.until("error")
            assert error["code"] == code
            if code == "unsupported_language":
                assert "en to de or en to fr" in error["message"]

    asyncio.run(run())


def test_the_address_names_the_language_where_the_protocol_does_not(two: Together) -> None:
    """`?to=fr` serves clients of any wire that name none; others are refused before."""

    async def run() -> None:
        async with server(two) as running:
            for path in ("/v1/interpret", "/v1/interpret?to=fr", "/v1/interpret?to=de"):
                async with running.client(path) as client:
                    await client.tell("start", rate=SAMPLE_RATE)
                    opened = await client.until("opened")
                    assert opened["target"] == ("fr" if "fr" in path else "de")
            async with running.client("/v1/interpret?to=de") as client:
                await client.tell("start", rate=SAMPLE_RATE, target="fr")
                assert (await client.until("opened"))["target"] == "fr"
                key = client.of("opened")[0]["follow"]
                for path in (f"/v1/follow?session={key}&to=it", "/vosk?to=it"):
                    with pytest.raises(Exception, match="HTTP 400"):
                        async with running.client(path):
                            pass
            async with running.client("/vosk?to=fr") as client:
                await client.socket.send(json.dumps({"config": {"sample_rate": SAMPLE_RATE}}))
                await client.hear(sound(0.3))
                await client.socket.recv()
                assert running.app.sessions.running()[-1].languages.asked == ("fr",)

    asyncio.run(run())


def test_the_translation_protocol_names_its_language(two: Together) -> None:
    """`session.audio.output.language` chooses; one that is not served is that wire's error."""

    async def run() -> None:
        path = "/v1/realtime/translations?model=simulst"
        async with server(two) as running:
            for language in ("fr", "it"):
                async with running.client(path) as client:
                    output = {"audio": {"output": {"language": language}}}
                    await client.tell("session.update", session=output)
                    if language == "fr":
                        updated = await client.until("session.updated")
                        assert updated["session"]["audio"]["output"]["language"] == "fr"
                    else:
                        error = (await client.until("error"))["error"]
                        assert error["code"] == "unsupported_language"
                        assert "en to de or en to fr" in error["message"]

    asyncio.run(run())


def test_recordings_are_one_sound_and_a_journal_a_language(tmp_path: Path) -> None:
    """Files are those of `interpret --record`; a reader's language is not among them."""

    def record(targets: Sequence[str]) -> TalkRecording:
        folder = tmp_path / "-".join(targets)
        return TalkRecording(folder, {target: {"target": target} for target in targets})

    async def run() -> None:
        engine = conference()
        async with server(engine, record=record) as running:
            await running.interpret(noise(), to=["de", "zh"])
            async with running.client() as client:
                await client.tell("start", rate=SAMPLE_RATE, target="de")
                key = (await client.until("opened"))["follow"]
                async with running.client(f"/v1/follow?session={key}&to=zh") as reader:
                    await reader.until("opened")
                    await client.hear(noise())
                    await client.tell("finish")
                    await reader.until("done")
                    assert reader.texts()
                await client.until("done")

    asyncio.run(run())
    several, one = tmp_path / "de-zh", tmp_path / "de"
    assert sorted(path.name for path in several.iterdir()) == [
        AUDIO,
        "session.de.jsonl",
        "session.zh.jsonl",
    ]
    assert sorted(path.name for path in one.iterdir()) == [AUDIO, "session.jsonl"]
    heard, _ = soundfile.read(several / AUDIO, dtype="float32")
    assert len(heard) == len(noise())
    for target in ("de", "zh"):
        path = several / f"session.{target}.jsonl"
        assert jsonl.read_signature(path) == {"target": target}
        assert texts(list(jsonl.read(path))) == [unit.text for unit in expected(target)[1]]


def test_a_further_language_needs_room(two: Together) -> None:
    """Where a further language does not fit, clients and readers hear that the server is full."""

    async def run() -> None:
        async with server(two, sessions=0) as running:
            admission = running.app.admission
            async with running.client() as client:
                await client.tell("start", rate=SAMPLE_RATE)
                opened = await client.until("opened")
                admission.cost = 0.5  # 1.4 sessions
                follow = f"/v1/follow?session={opened['follow']}"
                with pytest.raises(Exception, match="HTTP 503"):
                    async with running.client(f"{follow}&to=fr"):
                        pass
                admission.share = 0.3
                async with running.client(f"{follow}&to=fr") as reader:
                    await reader.until("opened")
                    _, _, figures = await running.get("/metrics")
                    assert 'simulst_languages{language="fr"} 1\n' in figures
            async with asyncio.timeout(10):
                while running.app.sessions.running() or admission.taken:
                    await asyncio.sleep(0.05)
            admission.share = 0.5
            async with running.client() as client:
                await client.tell("start", rate=SAMPLE_RATE, to=["de", "fr"])
                assert (await client.until("error"))["code"] == "overloaded"
                assert (await client.closed())[0] == 1013

    asyncio.run(run())
