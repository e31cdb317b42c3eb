"""Which wire is spoken at which path."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulst.errors import ProtocolError
from simulst.server.wire.base import Frame, Handshake, News, Request, Wire
from simulst.server.wire.openai_transcription import OpenAITranscription
from simulst.server.wire.openai_translation import OpenAITranslation
from simulst.server.wire.own import Own
from simulst.server.wire.simulstream import Simulstream
from simulst.server.wire.skynet import Skynet
from simulst.server.wire.vosk import Vosk
from simulst.server.wire.whisperlive import WhisperLive

__all__ = ["FOLLOW", "ByFirstFrame", "find"]

FOLLOW = "/v1/follow"


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A connection to `/`.

    Attributes:
        handshake: that it began with.
        wire: that its first frame belongs to; None before that.
        state: of the wire.
    """

    handshake: Handshake
    wire: Wire | None = None
    state: Any = None


class ByFirstFrame:
    """The wire of `/`, where clients of several protocols connect: the first frame tells which.

    Those of WhisperLive name their uid, those of simulstream their sample rate; sound and
    everything else is vosk's.
    """

    name = "first-frame"
    sends_token_in_query = "token"

    def __init__(self) -> None:
        self._vosk: Wire = Vosk()
        self._by_key: Mapping[str, Wire] = {
            "uid": WhisperLive(),
            **dict.fromkeys(("sample_rate", "source_lang", "metrics_metadata"), Simulstream()),
        }

    def open(self, handshake: Handshake) -> tuple[_Chosen, Sequence[Request]]:
        """Wait for the first frame."""
        return _Chosen(handshake), ()

    def receive(self, state: _Chosen, frame: Frame) -> tuple[_Chosen, Sequence[Request]]:
        """Pass a frame on; the first one decides to whom."""
        requests: Sequence[Request] = ()
        if state.wire is None:
            wire = self._wire_of(frame)
            opened, requests = wire.open(state.handshake)
            state = replace(state, wire=wire, state=opened)
        assert state.wire is not None
        inner, more = state.wire.receive(state.state, frame)
        return replace(state, state=inner), (*requests, *more)

    def _wire_of(self, frame: Frame) -> Wire:
        try:
            fields = json.loads(frame) if isinstance(frame, str) else None
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            for key, wire in self._by_key.items():
                if key in fields:
                    return wire
        return self._vosk

    def send(self, state: _Chosen, news: News) -> tuple[_Chosen, Sequence[Frame]]:
        """In the form of the wire that was chosen."""
        if state.wire is None:
            return state, ()
        inner, frames = state.wire.send(state.state, news)
        return replace(state, state=inner), frames

    def complain(self, state: _Chosen, error: ProtocolError) -> Sequence[Frame]:
        """In the form of the wire that was chosen."""
        if state.wire is None:
            return (json.dumps({"error": str(error)}),)
        return state.wire.complain(state.state, error)


_OWN = Own()
_ROUTES: tuple[tuple[str, Wire], ...] = (
    ("/v1/realtime/translations", OpenAITranslation()),
    ("/v1/realtime", OpenAITranscription()),
    ("/v1/interpret", _OWN),
    (FOLLOW, _OWN),
    ("/", ByFirstFrame()),
    ("/vosk", Vosk()),
    ("/streaming-whisper/ws/[^/]+", Skynet()),
    ("/whisperlive", WhisperLive()),
    ("/simulstream", Simulstream()),
)


def find(handshake: Handshake) -> Wire | None:
    """The wire of a path; None if there is none."""
    for pattern, wire in _ROUTES:
        if re.fullmatch(pattern, handshake.path):
            return wire
    return None
