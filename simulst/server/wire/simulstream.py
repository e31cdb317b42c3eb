"""The protocol of the simulstream toolkit.

    client: {"sample_rate", "source_lang", "target_lang", "metrics_metadata"}, s16le frames,
            {"end_of_stream": true}
    server: {"new", "deleted"} ..., {"end_of_processing": true}

New text carries the space before it, and nothing is ever deleted. `metrics_metadata` is for a log
that this server does not keep. An error comes as {"error"}, which the stock client passes over;
the connection then ends, and it notices that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulst.errors import ProtocolError
from simulst.server.wire import messages, pcm
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
    News,
    Reply,
    Request,
)
from simulst.types import SAMPLE_RATE

__all__ = ["Simulstream", "SimulstreamState"]

_END = "end_of_processing"


@dataclass(frozen=True, slots=True)
class SimulstreamState:
    """A connection.

    Attributes:
        rate: of the audio, Hz.
        source, target: languages asked for, or "".
        begun: the session is there; rate and languages are then fixed.
        finishing: the stream has ended.
    """

    rate: int = SAMPLE_RATE
    source: str = ""
    target: str = ""
    begun: bool = False
    finishing: bool = False


class Simulstream:
    """Implements `Wire`."""

    name = "simulstream"
    sends_token_in_query = "token"

    def open(self, handshake: Handshake) -> tuple[SimulstreamState, Sequence[Request]]:
        """Wait for the languages: they come in a message."""
        return SimulstreamState(), ()

    def receive(
        self, state: SimulstreamState, frame: Frame
    ) -> tuple[SimulstreamState, Sequence[Request]]:
        """Take metadata, audio or the end of the stream."""
        if state.finishing:
            raise ProtocolError(
                "a frame came after end_of_stream: open a new connection", "after_end"
            )
        if isinstance(frame, bytes):
            audio = Audio(pcm.s16le(frame), state.rate)
            begin = () if state.begun else (Begin(state.source, state.target),)
            return replace(state, begun=True), (*begin, audio)
        fields = messages.read(frame)
        if "end_of_stream" in fields:
            last = (Finish(),) if state.begun else (Reply(json.dumps({_END: True})), Close())
            return replace(state, finishing=True), last
        asked = _configured(state, fields)
        if state.begun and asked != state:
            raise ProtocolError(
                f"metadata changed to {asked.rate} Hz, {asked.source!r} to {asked.target!r}, after "
                f"audio at {state.rate} Hz, {state.source!r} to {state.target!r}: send it first",
                "out_of_order",
                fatal=True,
            )
        return asked, ()

    def send(self, state: SimulstreamState, news: News) -> tuple[SimulstreamState, Sequence[Frame]]:
        """Tell new text, and the end."""
        match news:
            case Given(update=update) if update.emissions:
                text = "".join(unit.space + unit.text for unit in update.emissions)
                return state, (_dump({"new": text, "deleted": ""}),)
            case Ended():
                return state, (json.dumps({_END: True}),)
            case Failed(message=message):
                return state, (_dump({"error": message}),)
        return state, ()

    def complain(self, state: SimulstreamState, error: ProtocolError) -> Sequence[Frame]:
        """The error, in a message that the stock client passes over."""
        return (_dump({"error": str(error)}),)


def _configured(state: SimulstreamState, fields: Mapping[str, Any]) -> SimulstreamState:
    if "sample_rate" in fields:
        state = replace(state, rate=messages.sample_rate(fields["sample_rate"]))
    if "source_lang" in fields:
        source = messages.language("source_lang", fields["source_lang"])
        state = replace(state, source=source)
    if "target_lang" in fields:
        target = messages.language("target_lang", fields["target_lang"])
        state = replace(state, target=target)
    return state


def _dump(fields: dict[str, str]) -> str:
    """JSON without the mark of the end: the client looks for it anywhere in a message."""
    return json.dumps(fields).replace(_END, _END.replace("_", r"\u005f"))
