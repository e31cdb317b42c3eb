"""Scripts without spaces over every wire: characters follow each other as they were written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from simulst.server.wire.base import Frame, Handshake, Wire
from simulst.server.wire.openai_transcription import OpenAITranscription
from simulst.server.wire.openai_translation import OpenAITranslation
from simulst.server.wire.own import Own
from simulst.server.wire.simulstream import Simulstream
from simulst.server.wire.skynet import END, Skynet
from simulst.server.wire.vosk import Vosk
from simulst.server.wire.whisperlive import END_OF_AUDIO, WhisperLive
from simulst.types import Update
from tests.server.wire import test_openai_transcription as transcription
from tests.server.wire import test_openai_translation as translation
from tests.server.wire import test_skynet as skynet
from tests.server.wire import test_vosk as vosk
from tests.server.wire import test_whisperlive as whisperlive
from tests.server.wire.shell import Core
from tests.server.wire.talks import talk
from tests.server.wire.whisperlive_client import options

CHINESE = {"Guten": "早上", "Morgen,": "好，", "alle.": "各位。", "Danke.": "谢谢。"}
PLAIN = Handshake("/")


def chinese() -> list[Update]:
    """The talk, translated into a script without spaces."""
    found = []
    for update in talk():
        units = (replace(unit, text=CHINESE[unit.text], space="") for unit in update.emissions)
        found.append(replace(update, emissions=tuple(units), tentative_target=""))
    return found


WIRES: dict[str, tuple[Wire, Handshake, Sequence[Frame], str]] = {
    "vosk": (Vosk(), PLAIN, [vosk.BLOCK] * 4 + ['{"eof": 1}'], '"text": "(.+?)"'),
    "simulstream": (
        *(Simulstream(), PLAIN, [vosk.BLOCK] * 4 + ['{"end_of_stream": true}']),
        '"new": "(.+?)"',
    ),
    "skynet": (
        *(Skynet(), skynet.ROOM, [skynet.payload()] * 4 + [END]),
        '"text": "([^"]+)", "audio": "", "type": "final"',
    ),
    "whisperlive": (
        WhisperLive(),
        PLAIN,
        [
            options(task="translate", language="en"),
            *[whisperlive.SOUND] * 4,
            END_OF_AUDIO,
        ],
        '"text": " ?([^"]+)", "completed": true',
    ),
    "openai translation": (
        OpenAITranslation(),
        Handshake(translation.PATH, translation.QUERY),
        [translation.APPEND] * 4 + [translation.CLOSE],
        '"session.output_transcript.delta".*"delta": "(.+?)"',
    ),
    "own": (Own(), PLAIN, ['{"type": "start", "rate": 16000}', *[vosk.BLOCK] * 4], ""),
    "openai transcription": (
        OpenAITranscription(),
        Handshake("/v1/realtime", transcription.QUERY),
        [transcription.APPEND] * 5 + [transcription.COMMIT],
        "",
    ),
}


@pytest.mark.parametrize("name", WIRES)
def test_nothing_stands_between_characters(name: str) -> None:
    """No frame has a space between two characters, and together they say the whole talk."""
    wire, handshake, frames, pattern = WIRES[name]
    core = Core(wire, chinese(), handshake)
    core.take(*frames)
    assert core.errors == []
    sent = [json.dumps(json.loads(frame), ensure_ascii=False) for frame in core.sent]
    assert any("早上" in frame for frame in sent)
    assert not [frame for frame in sent if re.search(r"[一-鿿，。] +[一-鿿，。]", frame)]
    if pattern:
        texts = dict.fromkeys(text for frame in sent for text in re.findall(pattern, frame))
        assert "".join(texts) == "早上好，各位。谢谢。"
