"""Frames that no client should send, by the hundred thousand, over each wire.

    python -m tests.benchmarks.fuzz_wires [--frames 100000] [--seed 1]

Valid frames are cut, doubled, filled with other values, and mixed with noise. Nothing but a
`ProtocolError` may come out of a wire, each must be told to the client in text or bytes, and no
frame may take long. The suite does the same with fewer frames (hypothesis).
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import struct
import time
from collections import Counter
from typing import Any

from simulst.server.routes import ByFirstFrame
from simulst.server.wire.base import Frame, Handshake, Wire
from simulst.server.wire.openai_transcription import OpenAITranscription
from simulst.server.wire.openai_translation import OpenAITranslation
from simulst.server.wire.own import Own
from simulst.server.wire.simulstream import Simulstream
from simulst.server.wire.skynet import Skynet
from simulst.server.wire.vosk import Vosk
from simulst.server.wire.whisperlive import WhisperLive
from tests.server.wire.shell import Core
from tests.server.wire.talks import talk

PCM = bytes(3200)
B64 = base64.b64encode(PCM).decode()
AUDIO = {"input": {"format": {"type": "audio/pcm", "rate": 24000}}, "output": {"language": "de"}}
WIRES: dict[str, tuple[Wire, str, list[Any]]] = {
    "openai translation": (
        OpenAITranslation(),
        "/v1/realtime/translations",
        [
            {"type": "session.update", "session": {"audio": AUDIO}},
            {"type": "session.input_audio_buffer.append", "audio": B64},
            {"type": "session.close"},
        ],
    ),
    "openai transcription": (
        OpenAITranscription(),
        "/v1/realtime",
        [
            {"type": "session.update", "session": {"type": "transcription", "audio": AUDIO}},
            {"type": "input_audio_buffer.append", "audio": B64},
            {"type": "input_audio_buffer.commit"},
            {"type": "input_audio_buffer.clear"},
        ],
    ),
    "vosk": (
        Vosk(),
        "/vosk",
        [{"config": {"sample_rate": 16000, "words": 1}}, PCM, {"reset": 1}, {"eof": 1}],
    ),
    "skynet": (
        Skynet(),
        "/streaming-whisper/ws/1",
        [b"a|en".ljust(60, b"\0") + PCM, b"b|de".ljust(60) + PCM, b"\0"],
    ),
    "whisperlive": (
        WhisperLive(),
        "/whisperlive",
        [
            {"uid": "1", "language": "en", "task": "translate", "target_language": "de"},
            struct.pack("<800f", *[0.1] * 800),
            b"END_OF_AUDIO",
        ],
    ),
    "simulstream": (
        Simulstream(),
        "/simulstream",
        [
            {"sample_rate": 16000, "source_lang": "en", "target_lang": "de"},
            PCM,
            {"end_of_stream": True},
        ],
    ),
    "own": (
        Own(),
        "/v1/interpret",
        [
            {"type": "start", "rate": 16000, "target": "de", "tentative": True},
            PCM,
            {"type": "mark", "name": "x"},
            {"type": "finish"},
        ],
    ),
}
WIRES["by the first frame"] = (
    ByFirstFrame(),
    "/",
    [frame for name in ("vosk", "whisperlive", "simulstream") for frame in WIRES[name][2]],
)
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1e308, 2**70, "", "x" * 300, "\ud800"),
    *([], [[]], {}, "16000"),
)


def spoilt(frame: Any, dice: random.Random) -> Frame:
    """A frame as a broken, hostile or merely confused client would send it."""
    kind = dice.random()
    if kind < 0.05:
        return dice.randbytes(dice.randrange(80))
    if kind < 0.1:
        return "".join(chr(dice.randrange(1, 0x2FFF)) for _ in range(dice.randrange(40)))
    if isinstance(frame, dict):
        if kind < 0.55:
            frame = _altered(frame, dice)
        text = json.dumps(frame)
        return text[: dice.randrange(len(text))] if 0.55 < kind < 0.65 else text
    assert isinstance(frame, bytes)
    if kind < 0.3:
        return frame[: dice.randrange(len(frame) + 1)]
    return frame * 2 if kind < 0.35 else frame


def _altered(frame: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """One value somewhere in it is another, is missing, or has come in addition."""
    changed = dict(frame)
    key = dice.choice(list(changed))
    if isinstance(changed[key], dict) and changed[key] and dice.random() < 0.7:
        changed[key] = _altered(changed[key], dice)
    elif dice.random() < 0.3:
        del changed[key]
    elif dice.random() < 0.3:
        changed["unknown"] = dice.choice(VALUES)
    else:
        changed[key] = dice.choice(VALUES)
    return changed


def main() -> None:
    """Try, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for name, (wire, path, frames) in WIRES.items():
        dice = random.Random(f"{args.seed}/{name}")
        codes: Counter[str] = Counter()
        connections, replies, slowest_s = 1, 0, 0.0
        core = Core(wire, talk(), Handshake(path))
        for _ in range(args.frames):
            if core.closed or dice.random() < 0.02:
                codes.update(error.code for error in core.errors)
                core = Core(wire, talk(), Handshake(path))
                connections += 1
            begun_s = time.perf_counter()
            for reply in core.take(spoilt(dice.choice(frames), dice)):
                assert isinstance(reply, bytes) or reply.encode()
                replies += 1
            slowest_s = max(slowest_s, time.perf_counter() - begun_s)
        codes.update(error.code for error in core.errors)
        print(
            f"{name}: {args.frames} frames in {connections} connections, {replies} replies, "
            f"slowest {slowest_s * 1000:.0f} ms, {codes.total()} refused: "
            f"{', '.join(sorted(codes))}",
            flush=True,
        )


if __name__ == "__main__":
    main()
