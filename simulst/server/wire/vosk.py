"""The protocol of vosk-server, as its Python clients, FreeSWITCH, Asterisk and Jigasi speak it.

    client: {"config": {"sample_rate": 16000}} (or none), s16le frames, {"reset": 1}, {"eof": 1}
    server: {"partial": ...} or {"result": [...], "text": ...}, one for each binary frame

What is recognised is the translation. A partial is the open sentence as far as it is written: it
only grows, until the sentence ends and comes as a final. Translation that is not accepted yet is
never shown, although a partial might be taken back. The address may name the languages:
`?source=en&target=de`. There is no grammar, so `phrase_list` has no effect.

Held for real clients:

- They work in lock-step: each binary frame, good or bad, is answered by exactly one message;
  sentences that end within one frame share a final. `eof` and `reset` are answered once each. So
  nothing comes in a pause of the sending: the last words answer the next frame, or `eof`.
- Without a config the rate is 8000 Hz, as FreeSWITCH and Asterisk send it. The rate may come
  as text or with a decimal point.
- FreeSWITCH drops any message that contains `""`, as an empty partial does. A final has no empty
  field, and quotes are escaped so that none stands before the one that ends the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from simulst.errors import ProtocolError
from simulst.server.wire import messages, pcm
from simulst.server.wire.base import (
    Audio,
    Begin,
    Ended,
    Failed,
    Finish,
    Frame,
    Given,
    Handshake,
    News,
    Opened,
    Request,
    Restart,
    Taken,
)
from simulst.server.wire.sentences import Sentence, follow, joined, timed
from simulst.types import SAMPLE_RATE

__all__ = ["Phase", "Vosk", "VoskState"]

DEFAULT_RATE = 8_000  # Hz
MOST_ALTERNATIVES = 1_000  # asked for; there is one
_ESCAPE = re.compile(r"\\(.)")


class Phase(Enum):
    """How far a connection is."""

    GOING = "going"
    RESTARTING = "restarting"  # a reset waits for its new session
    FINISHING = "finishing"  # after eof


@dataclass(frozen=True, slots=True)
class VoskState:
    """A connection.

    Attributes:
        rate: of the audio, Hz.
        words: finals have times of words.
        alternatives: how many readings the client asked for; 0 for the plain form.
        phase: how far it is.
        heard: audio has come since the session began; the rate is then fixed.
        owed: binary frames not answered yet; while restarting, those from before the reset.
        later: binary frames that came after the reset, while restarting.
        closed: sentences that ended and were not sent yet.
        open: the sentence that grows.
    """

    rate: int = DEFAULT_RATE
    words: bool = True
    alternatives: int = 0
    phase: Phase = Phase.GOING
    heard: bool = False
    owed: int = 0
    later: int = 0
    closed: tuple[Sentence, ...] = ()
    open: Sentence = field(default_factory=Sentence)


class Vosk:
    """Implements `Wire`."""

    name = "vosk"
    sends_token_in_query = "token"

    def open(self, handshake: Handshake) -> tuple[VoskState, Sequence[Request]]:
        """Begin at once: the first frame may be audio."""
        source, target = (
            messages.language(name, handshake.query.get(name)) for name in ("source", "target")
        )
        return VoskState(), (Begin(source, target),)

    def receive(self, state: VoskState, frame: Frame) -> tuple[VoskState, Sequence[Request]]:
        """Take audio, a config, a reset or the end."""
        if state.phase is Phase.FINISHING:
            raise ProtocolError("a frame came after eof: open a new connection", "after_end")
        if isinstance(frame, bytes):
            audio = Audio(pcm.s16le(frame), state.rate)
            return _count(state, heard=True), (audio,)
        fields = messages.read(frame)
        if "config" in fields:
            return _configure(state, fields["config"]), ()
        if fields.get("eof"):
            return replace(state, phase=Phase.FINISHING), (Finish(),)
        if fields.get("reset"):
            if state.phase is Phase.RESTARTING:
                raise ProtocolError(
                    "reset came twice: wait for the reply to the first", "out_of_order"
                )
            return replace(state, phase=Phase.RESTARTING, heard=False), (Restart(),)
        raise ProtocolError(
            f"a message has the keys {messages.shown(', '.join(fields))}: it must have config, "
            "reset or eof",
            "unknown_message",
            fatal=True,
        )

    def send(self, state: VoskState, news: News) -> tuple[VoskState, Sequence[Frame]]:
        """Answer what has been taken in, and the end."""
        match news:
            case Given(update=update):
                closed, now = follow(state.open, update)
                told = tuple(each for each in closed if each.units)
                return replace(state, closed=(*state.closed, *told), open=now), ()
            case Taken():
                return _answer(replace(state, owed=max(0, state.owed - 1)))
            case Opened() if state.phase is Phase.RESTARTING:
                return _restarted(state)
            case Ended():
                return replace(state, closed=(), open=Sentence()), (_final(state, _rest(state)),)
            case Failed(message=message):
                return state, (_partial(state, message),)
        return state, ()

    def complain(self, state: VoskState, error: ProtocolError) -> Sequence[Frame]:
        """One reply, so that a client in lock-step goes on: a partial, with the error beside it."""
        return (_partial(state, str(error)),)


# -- what comes in ---------------------------------------------------------------------------


def _count(state: VoskState, heard: bool) -> VoskState:
    if state.phase is Phase.RESTARTING:
        return replace(state, heard=heard, later=state.later + 1)
    return replace(state, heard=heard, owed=state.owed + 1)


def _configure(state: VoskState, config: object) -> VoskState:
    if not isinstance(config, dict):
        raise ProtocolError(f"config is {messages.shown(config)}: it must be an object", fatal=True)
    if "sample_rate" in config:
        rate = messages.sample_rate(config["sample_rate"])
        if state.heard and rate != state.rate:
            raise ProtocolError(
                f"sample_rate is {rate} after audio at {state.rate} Hz: send the config first, "
                "or a reset before it",
                "invalid_sample_rate",
                fatal=True,
            )
        state = replace(state, rate=rate)
    if "words" in config:
        state = replace(state, words=bool(config["words"]))
    if "max_alternatives" in config:
        try:
            count = int(config["max_alternatives"])
        except (TypeError, ValueError, OverflowError):
            count = -1
        if not 0 <= count <= MOST_ALTERNATIVES:
            raise ProtocolError(
                f"max_alternatives is {messages.shown(config['max_alternatives'])}: it must be a "
                f"number between 0 and {MOST_ALTERNATIVES}",
                fatal=True,
            )
        state = replace(state, alternatives=count)
    return state


# -- what goes out ---------------------------------------------------------------------------


def _rest(state: VoskState) -> tuple[Sentence, ...]:
    """All that was written and not yet sent as final."""
    return (*state.closed, state.open) if state.open.units else state.closed


def _answer(state: VoskState) -> tuple[VoskState, Sequence[Frame]]:
    """One reply: a final for what has ended, else how far the open sentence is."""
    if state.closed:
        return replace(state, closed=()), (_final(state, state.closed),)
    return state, (_partial(state),)


def _restarted(state: VoskState) -> tuple[VoskState, Sequence[Frame]]:
    """Answer the frames that the reset overtook, and the reset."""
    frames = (*[_partial(state)] * state.owed, _final(state, _rest(state)))
    after = VoskState(
        state.rate, state.words, state.alternatives, heard=state.heard, owed=state.later
    )
    return after, frames


def _dump(fields: dict[str, Any]) -> str:
    """JSON in which no escaped quote stands before the quote that ends a text."""
    text = json.dumps(fields, ensure_ascii=False)
    return _ESCAPE.sub(lambda found: r"\u0022" if found[1] == '"' else found[0], text)


def _partial(state: VoskState, error: str = "") -> str:
    fields = {"partial": state.open.target}
    return _dump({**fields, "error": error} if error else fields)


def _final(state: VoskState, sentences: tuple[Sentence, ...]) -> str:
    text = joined(tuple(unit for sentence in sentences for unit in sentence.units))
    words = [word for sentence in sentences for word in _words(sentence)] if state.words else []
    result = {"result": words} if words else {}
    if not state.alternatives:
        return _dump({**result, "text": text})
    confidence = min((sentence.probability for sentence in sentences), default=1.0)
    for word in words:
        del word["conf"]
    return _dump({"alternatives": [{"confidence": confidence, **result, "text": text}]})


def _words(sentence: Sentence) -> list[dict[str, Any]]:
    return [
        {
            "conf": round(sentence.probability, 6),
            "start": round(start / SAMPLE_RATE, 3),
            "end": round(end / SAMPLE_RATE, 3),
            "word": unit.text,
        }
        for unit, start, end in timed(sentence)
    ]
