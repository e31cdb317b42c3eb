"""Which wire is spoken where."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json

import numpy as np
import pytest

from simulst.audio.resampling import Resampler
from simulst.errors import ProtocolError
from simulst.server import routes
from simulst.server.wire.base import Handshake
from tests.server.client import Echo, alone, pcm, server, sound, texts


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/realtime/translations", "openai-translation"),
        ("/v1/realtime", "openai-transcription"),
        ("/v1/interpret", "own"),
        ("/v1/follow", "own"),
        ("/vosk", "vosk"),
        ("/streaming-whisper/ws/0f1e2d", "skynet"),
        ("/whisperlive", "whisperlive"),
        ("/simulstream", "simulstream"),
        ("/", "first-frame"),
        ("", None),
        ("/v1", None),
        ("/vosk/", None),
        ("/streaming-whisper/ws/a/b", None),
    ],
)
def test_paths(path: str, name: str | None) -> None:
    """Each path has its wire, and others have none."""
    wire = routes.find(Handshake(path))
    assert (wire.name if wire else None) == name


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        ('{"config": {"sample_rate": 16000}}', "vosk"),
        (b"\0\0", "vosk"),
        ('{"eof": 1}', "vosk"),
        ('{"uid": "a", "language": "en", "task": "translate"}', "whisperlive"),
        ('{"sample_rate": 16000, "source_lang": "en"}', "simulstream"),
        ('{"metrics_metadata": {"wav_name": "a"}}', "simulstream"),
    ],
)
def test_the_first_frame_tells_the_protocol(frame: str | bytes, name: str) -> None:
    """At / the first frame decides, and is passed on to the wire that it belongs to."""
    wire = routes.ByFirstFrame()
    state, requests = wire.open(Handshake("/"))
    assert requests == ()
    state, _ = wire.receive(state, frame)
    assert state.wire is not None and state.wire.name == name
    with contextlib.suppress(ProtocolError):  # vosk's wire takes nothing after its eof
        state, _ = wire.receive(state, b"{}{}")
    assert state.wire is not None and state.wire.name == name


def test_nonsense_at_first_is_answered() -> None:
    """What belongs to no protocol is answered as vosk does."""
    wire = routes.ByFirstFrame()
    state, _ = wire.open(Handshake("/"))
    with pytest.raises(ProtocolError) as wrong:
        wire.receive(state, "{")
    (frame,) = wire.complain(state, wrong.value)
    assert "error" in json.loads(frame)


def test_clients_of_the_realtime_protocols() -> None:
    """A translation client and a transcription client get the words at their own paths."""
    samples = sound(1, rate=24_000)
    resampler = Resampler(24_000)
    state, first = resampler.step(resampler.open(), samples)
    expected = texts(alone(Echo(), np.concatenate([first, resampler.finish(state)])))
    appended = {"audio": base64.b64encode(pcm(samples)).decode()}

    async def run() -> None:
        async with server() as running:
            async with running.client("/v1/realtime/translations?model=m") as translation:
                link = translation.socket
                await link.send(
                    json.dumps(
                        {
                            "type": "session.update",
                            "session": {"audio": {"output": {"language": "de"}}},
                        }
                    )
                )
                await link.send(
                    json.dumps({"type": "session.input_audio_buffer.append", **appended})
                )
                await link.send(json.dumps({"type": "session.close"}))
                told = [json.loads(frame) async for frame in link]
                assert told[-1]["type"] == "session.closed"
                deltas = [
                    e["delta"] for e in told if e["type"] == "session.output_transcript.delta"
                ]
                assert "".join(deltas).split() == expected
            async with running.client("/v1/realtime?intent=transcription") as transcription:
                link = transcription.socket
                await link.send(
                    json.dumps(
                        {
                            "type": "session.update",
                            "session": {
                                "type": "transcription",
                                "audio": {
                                    "input": {
                                        "format": {"type": "audio/pcm", "rate": 24_000},
                                        "transcription": {"model": "m", "language": "en"},
                                    }
                                },
                            },
                        }
                    )
                )
                await link.send(json.dumps({"type": "input_audio_buffer.append", **appended}))
                await link.send(json.dumps({"type": "input_audio_buffer.commit"}))
                done: list[str] = []
                async with asyncio.timeout(10):
                    while len(" ".join(done).split()) < len(expected) // 5 * 5:
                        event = json.loads(await link.recv())
                        assert event["type"] != "error", event
                        if event["type"].endswith("transcription.completed"):
                            done.append(event["transcript"])
                assert " ".join(done).split() == expected[: len(" ".join(done).split())]

    asyncio.run(run())


def test_clients_of_three_protocols_meet_at_one_path() -> None:
    """At / a client of vosk, one of WhisperLive and one of simulstream get the same words."""

    async def run() -> None:
        async with server() as running:
            expected = texts(alone(Echo(), sound(1)))
            async with running.client("/") as vosk:
                await vosk.socket.send(json.dumps({"config": {"sample_rate": 16_000}}))
                said = []
                for start in range(0, 16_000, 1_600):
                    await vosk.socket.send(pcm(sound(1)[start : start + 1_600]))
                    said.append(json.loads(await vosk.socket.recv()))
                await vosk.socket.send('{"eof": 1}')
                said.append(json.loads(await vosk.socket.recv()))
                finals = [each["text"] for each in said if each.get("text")]
                assert " ".join(finals).split() == expected
            async with running.client("/") as simulstream:
                await simulstream.socket.send(json.dumps({"sample_rate": 16_000}))
                await simulstream.socket.send(pcm(sound(1)))
                await simulstream.socket.send('{"end_of_stream": true}')
                new = [json.loads(frame) async for frame in simulstream.socket]
                assert new[-1] == {"end_of_processing": True}
                assert "".join(each["new"] for each in new[:-1]).split() == expected
            async with running.client("/") as whisperlive:
                options = {"uid": "u", "task": "translate"}
                await whisperlive.socket.send(json.dumps(options))
                await whisperlive.socket.send(sound(1).astype("<f4").tobytes())
                await whisperlive.socket.send(b"END_OF_AUDIO")
                told = [json.loads(frame) async for frame in whisperlive.socket]
                assert told[0]["message"] == "SERVER_READY"
                last = [each["segments"] for each in told if "segments" in each][-1]
                whole = " ".join(segment["text"] for segment in last).split()
                assert whole == expected[-len(whole) :] and whole

    asyncio.run(run())
