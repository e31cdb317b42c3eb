"""The translation as speech, for clients of a whole server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulst import cli, conference
from simulst.config import Speak
from simulst.errors import SpeechError
from simulst.server import speech
from simulst.server.app import App
from simulst.server.gate import Door
from simulst.server.limits import Limits
from simulst.server.speech import Speech, Voices
from simulst.server.wire.base import News, Silenced, Spoke
from simulst.speak.sound import RATE
from simulst.speak.synthesiser import Synthesiser
from simulst.types import Samples
from tests.server.client import COST, PATIENCE_S, Client, Echo, Running, Together, sound
from tests.server.test_command import free_port, reach
from tests.speak.programs import children, playing
from tests.speak.talks import ended, spoken

PATH = "/v1/realtime/translations?model=m"
RULES = Speak(words_min=2, words_max=5, rate=120, rate_max=240)
TALK = sound(2.0, rate=RATE)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Whatever becomes of a session, its synthesiser has ended when the server has."""
    before = children()
    yield
    assert children() <= before


class Voice:
    """A second for each word, whose samples are the number of the group.

    Args:
        held: speaks only when it is set.
        trouble: what is raised.
    """

    def __init__(self, held: bool = False, trouble: Exception | None = None) -> None:
        self.may = threading.Event()
        if not held:
            self.may.set()
        self.began = threading.Event()
        self.trouble = trouble
        self.said: list[str] = []
        self.rates: list[int] = []
        self.unwanted: list[threading.Event] = []
        self.at_work = self.most_at_work = 0

    def speak(self, text: str, rate: int, unwanted: threading.Event) -> Samples:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.said.append(text.strip())
        self.rates.append(rate)
        self.unwanted.append(unwanted)
        self.began.set()
        end_s = time.monotonic() + PATIENCE_S
        while not self.may.wait(0.01):
            assert time.monotonic() < end_s
            if unwanted.is_set():
                self.at_work -= 1
                raise SpeechError("not wanted", lasting=True)
        self.at_work -= 1
        if self.trouble is not None:
            raise self.trouble
        return np.full(len(text.split()) * RATE, len(self.said) / 1_024, np.float32)


@contextlib.asynccontextmanager
async def speaking(*voices: Voice | Synthesiser, **limits: Any) -> AsyncIterator[Running]:
    """A server that speaks German, if there is a voice."""
    found = Voices(RULES, {"de": voices[0]}) if voices else None
    door, usual = Door(port=0), Limits(**{"sessions": 8, **limits})
    app = App(Together({"de": Echo()}), COST, door, usual, voices=found)
    async with app.listening() as listening:
        yield Running(app, next(iter(listening.sockets)).getsockname()[1])


async def begin(client: Client, audio: bool = True) -> None:
    """The settings."""
    asked = {"output_modalities": ["audio"]} if audio else {}
    await client.tell("session.update", session={"audio": {"output": {"language": "de"}}, **asked})
    await client.until("session.updated")


async def append(client: Client, samples: Samples = TALK) -> None:
    """Sound, in messages of 200 ms."""
    for start in range(0, len(samples), RATE // 5):
        levels = np.rint(samples[start : start + RATE // 5] * 32_768).astype("<i2")
        data = base64.b64encode(levels.tobytes()).decode()
        await client.tell("session.input_audio_buffer.append", audio=data)


async def talk(running: Running, audio: bool = True) -> Client:
    """A whole session."""
    async with running.client(PATH) as client:
        await begin(client, audio)
        await append(client)
        await client.tell("session.close")
        await client.until("session.closed")
        return client


def written(client: Client) -> str:
    """The text."""
    return "".join(event["delta"] for event in client.of("session.output_transcript.delta"))


def heard(client: Client) -> Samples:
    """The sound, at its end."""
    data = [base64.b64decode(e["delta"]) for e in client.of("session.output_audio.delta")]
    return (np.frombuffer(b"".join(data), "<i2") / 32_768).astype(np.float32)


def run(use: Coroutine[Any, Any, None]) -> None:
    """In a loop of its own, and not for ever."""
    asyncio.run(asyncio.wait_for(use, 60))


# -- sessions --------------------------------------------------------------------------------


def test_who_asks_hears_all_of_it() -> None:
    """Every word is spoken, in order, after it was written and before the session is closed."""
    voice = Voice()

    async def use() -> None:
        async with speaking(voice) as running:
            client = await talk(running)
        assert " ".join(voice.said) == written(client).strip()
        assert len(voice.said) == 4 and len(written(client).split()) == 20
        expected = [np.full(5 * RATE, n / 1_024, np.float32) for n in (1, 2, 3, 4)]
        np.testing.assert_array_equal(heard(client), np.concatenate(expected))
        kinds = [event["type"] for event in client.events]
        assert kinds[-1] == "session.closed" and "error" not in kinds
        first = kinds.index("session.output_audio.delta")
        assert kinds[:first].count("session.output_transcript.delta") >= 5

    run(use())


def test_who_does_not_ask_hears_nothing() -> None:
    """Nothing is synthesised for them, beside one who asks."""
    voice = Voice()

    async def use() -> None:
        async with speaking(voice) as running:
            silent, loud = await asyncio.gather(talk(running, False), talk(running))
        assert len(heard(silent)) == 0 and len(heard(loud)) == 20 * RATE
        assert written(silent) == written(loud)
        assert len(voice.said) == 4

    run(use())


def test_a_server_that_does_not_speak() -> None:
    """Who asks is told so once, and reads the whole talk."""

    async def use() -> None:
        async with speaking() as running:
            client = await talk(running)
        assert [e["error"]["code"] for e in client.of("error")] == ["speech_unavailable"]
        assert len(written(client).split()) == 20 and not len(heard(client))

    run(use())


@pytest.mark.parametrize("trouble", [SpeechError("voice failed"), ZeroDivisionError("a bug")])
def test_a_synthesiser_that_dies(trouble: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """The client is told once, the log has the reason, and the text is whole."""

    async def use() -> None:
        async with speaking(Voice(trouble=trouble)) as running:
            client = await talk(running)
        assert [e["error"]["code"] for e in client.of("error")] == ["speech_unavailable"]
        assert str(trouble) not in json.dumps(client.events)
        assert len(written(client).split()) == 20 and not len(heard(client))

    with caplog.at_level(logging.WARNING):
        run(use())
    assert str(trouble) in caplog.text


def test_a_slow_synthesiser_holds_up_nobody() -> None:
    """While one session waits for its speech another one is interpreted from end to end, and the
    loop answers; then the first gets all of its own."""
    voice = Voice(held=True)

    async def use() -> None:
        async with speaking(voice) as running, running.client(PATH) as client:
            await begin(client)
            await append(client)
            await client.tell("session.close")
            while not voice.began.is_set():
                await asyncio.sleep(0.01)
            other = await talk(running, audio=False)
            assert len(written(other).split()) == 20
            assert (await running.get("/healthz"))[0] == 200
            assert not client.of("session.closed")
            voice.may.set()
            await client.until("session.closed")
            assert len(written(client).split()) == 20 and len(heard(client)) == 20 * RATE
        assert voice.most_at_work == 1

    run(use())


def test_few_synthesisers_serve_many() -> None:
    """No more than two are at work, and every session gets its speech."""
    voice = Voice(held=True)

    async def use() -> None:
        async with speaking(voice) as running:
            sessions = [asyncio.create_task(talk(running)) for _ in range(4)]
            while voice.at_work < speech.AT_ONCE:
                await asyncio.sleep(0.01)
            voice.may.set()
            clients = await asyncio.gather(*sessions)
        assert [len(heard(client)) for client in clients] == [20 * RATE] * 4
        assert voice.most_at_work == speech.AT_ONCE

    run(use())


@pytest.mark.parametrize("how", ["leaves", "server"])
def test_nothing_is_spoken_for_those_who_are_gone(how: str) -> None:
    """When a client goes, or the server stops, the synthesiser is killed."""
    slow = Synthesiser(Speak(command="sleep 600", timeout_s=600), "de")
    before = children()

    async def use() -> None:
        async with speaking(slow) as running, running.client(PATH) as client:
            await begin(client)
            await append(client)
            while children() <= before:
                await asyncio.sleep(0.01)
            if how == "leaves":
                await client.socket.close()
                while not children() <= before:
                    await asyncio.sleep(0.01)
                assert running.app.sessions.running() == []
        assert children() <= before

    run(use())


def test_a_session_that_resumes_is_spoken_on() -> None:
    """After a cut text comes again, and speech goes on with what is written from then on."""
    voice = Voice()

    async def use() -> None:
        async with speaking(voice) as running:
            async with running.client(PATH) as client:
                settings = {
                    "audio": {"output": {"language": "de"}},
                    "output_modalities": ["audio"],
                    "simulst": {"resumable": True},
                }
                await client.tell("session.update", session=settings)
                name = (await client.until("simulst.session"))["session"]
                await append(client, TALK[:30_000])
                while len(heard(client)) < 10 * RATE:
                    await client.until("session.output_audio.delta")
                client.socket.transport.abort()
            while not any(each.cut_s for each in running.app.sessions.running()):
                await asyncio.sleep(0.01)
            async with running.client(f"{PATH}&simulst_resume={name}&after=0") as again:
                assert (await again.until("simulst.session"))["taken"] == 30_000
                await append(again, TALK[30_000:])
                await again.tell("session.close")
                await again.until("session.closed")
        assert len(written(again).split()) == 20
        assert len(heard(again)) == 10 * RATE

    run(use())


def test_the_openai_client() -> None:
    """The unmodified client asks, hears, and reads, by its own types."""
    openai = pytest.importorskip("openai", reason="openai is not installed")
    pytest.importorskip(
        "openai.resources.realtime.translations", reason="this openai has no translations"
    )

    async def use() -> None:
        async with speaking(Voice()) as running:
            client = openai.AsyncOpenAI(
                api_key="none", base_url=f"http://127.0.0.1:{running.port}/v1", max_retries=0
            )
            events: list[Any] = []
            async with client.realtime.translations.connect(model="m") as link:
                settings = {"audio": {"output": {"language": "de"}}}
                await link.session.update(session={**settings, "output_modalities": ["audio"]})
                data = base64.b64encode(np.rint(TALK * 32_768).astype("<i2").tobytes()).decode()
                await link.session.input_audio_buffer.append(audio=data)
                await link.session.close()
                async for event in link:
                    events.append(event)
            await client.close()
        audio = [event for event in events if event.type == "session.output_audio.delta"]
        assert sum(len(base64.b64decode(event.delta)) for event in audio) == 2 * 20 * RATE
        assert {(e.sample_rate, e.channels, e.format) for e in audio} == {(RATE, 1, "pcm16")}
        text = "".join(e.delta for e in events if e.type == "session.output_transcript.delta")
        assert len(text.split()) == 20
        assert events[-1].type == "session.closed"

    run(use())


# -- one session's speech ---------------------------------------------------------------------


class Time:
    """A clock that stands still."""

    s = 100.0

    def now(self) -> float:
        return self.s


def test_the_rate_goes_by_what_the_client_has_to_play() -> None:
    """Words that come faster than they can be heard are spoken faster, up to the bound."""
    voice, told = Voice(), list[News]()

    async def use() -> None:
        done = asyncio.Event()
        with ThreadPoolExecutor(2) as pool:
            one = Speech(RULES, voice, pool, told.append, Time().now)
            for update in ended(spoken("a b c | d e f | g h i |")):
                one.take(update)
            one.finish(done.set)
            await done.wait()
        # each group is three seconds, which the voice does not shorten; the last one waits for
        # two of them, and was complete three steps of half a second after its first word
        assert voice.rates == [120, 180, 240]
        assert one.spoken.groups == 3 and one.spoken.most_lag_s == pytest.approx(7.5)

    run(use())
    assert [each.heard for each in told if isinstance(each, Spoke)] == [24_000, 56_000, 88_000]


def test_what_may_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speech that is too far behind is given up, its client told, and the end not waited for."""
    monkeypatch.setattr(speech, "MOST_WAITING", 3)
    voice, told = Voice(held=True), list[News]()

    async def use() -> None:
        done = asyncio.Event()
        with ThreadPoolExecutor(1) as pool:
            one = Speech(RULES, voice, pool, told.append, Time().now)
            for update in ended(spoken("a | b | c | d | e | f |")):
                one.take(update)
            one.finish(done.set)
            voice.may.set()
            await done.wait()
        assert (one.spoken.groups, one.spoken.lost) == (1, 5)

    run(use())
    assert [type(each) for each in told] == [Silenced, Spoke]


def test_after_a_restart_the_old_words_are_not_spoken() -> None:
    """What waited is dropped, what was at work is not told, and sentences count anew."""
    voice, told = Voice(held=True), list[News]()

    async def use() -> None:
        done = asyncio.Event()
        with ThreadPoolExecutor(1) as pool:
            one = Speech(RULES, voice, pool, told.append, Time().now)
            for update in spoken("alt eins | alt zwei | alt"):
                one.take(update)
            one.restart()
            assert voice.unwanted[0].is_set()
            for update in ended(spoken("neu |")):
                one.take(update)
            voice.may.set()
            one.finish(done.set)
            await done.wait()

    run(use())
    assert voice.said[-1] == "neu" and len(told) == 1


def test_what_nobody_hears_is_not_spoken() -> None:
    """Words of a time without a client are left out, and sentences go on being counted."""
    voice, told = Voice(), list[News]()

    async def use() -> None:
        done = asyncio.Event()
        with ThreadPoolExecutor(1) as pool:
            one = Speech(RULES, voice, pool, told.append, Time().now)
            for number, update in enumerate(ended(spoken("eins | zwei | drei | vier |"))):
                one.take(update, heard=not 2 <= number < 6)
            one.finish(done.set)
            await done.wait()

    run(use())
    assert voice.said == ["eins", "vier"]


# -- the command ------------------------------------------------------------------------------


def test_languages_that_cannot_be_spoken(caplog: pytest.LogCaptureFixture) -> None:
    """At the start each language is tried; one line tells of those without a voice."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    with caplog.at_level(logging.WARNING):
        voices = Voices.open(Speak(), ["de", "qx"])
        voices.close()
    assert voices.languages == ["de"]
    assert len(caplog.messages) == 1 and "nothing is spoken in qx: espeak-ng" in caplog.text


@pytest.mark.parametrize("speaks", [True, False])
def test_serve_speaks_if_it_is_allowed_to(
    speaks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only `serve --speak` does, with the synthesiser of the settings."""
    monkeypatch.setattr(conference, "build", lambda config, targets: Together({"de": Echo()}))
    port, clients = free_port(), list[Client]()

    async def visit() -> None:
        client = Client(await reach(port, PATH))
        clients.append(client)
        await begin(client)
        await append(client)
        await client.tell("session.close")
        await client.until("session.closed")
        await client.closed()
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=lambda: run(visit()))
    thread.start()
    options = ["--speak"] * speaks + ["--set", f"speak.command={playing(tmp_path, 0.5)}"]
    code = cli.main(["serve", "--to", "de", "--port", str(port), "--drain-s", "5", *options])
    thread.join(PATIENCE_S)
    (client,) = clients
    assert code == 0
    assert len(written(client).split()) == 20
    assert len(heard(client)) == (4 * RATE // 2 if speaks else 0)
    assert len(client.of("error")) == (not speaks)
