"""simulst's own wire at /v1/interpret: JSON in text messages, sound in binary ones.

A client begins with one of

    {"type": "start", "rate": 48000, "encoding": "s16le", "source": "en", "target": "de",
     "resumable": true, "tentative": true, "verdicts": true}
    {"type": "resume", "session": "...", "after": 7}

Only `rate`, in Hz, must be given. `encoding` is "s16le" (the default) or "f32le"; the sound is
mono. Without `source` and `target` the server chooses. A session that is `resumable` outlives a cut
connection for some time. `tentative` and `verdicts` ask for events that are left out otherwise.
Then, in any order and number,

    binary                              sound; whole samples, in messages of any size
    {"type": "mark", "name": "..."}     is answered once all sound before it has been dealt with
    {"type": "finish"}                  no more sound: the last words come, then `done`

The sound may follow `start` at once; after `resume` it waits for `opened`. The server says

    {"type": "opened", "session": id, "source", "target", "taken": 0, "resumed": false,
     "follow": key}
    {"type": "ack", "samples": n}       so much of the session's sound is dealt with, once for each
                                        message of sound; the difference to what was sent is waiting
    {"type": "update", "number": n,
     "words": [{"text", "start_ms", "end_ms", "probability"} or {"sentence_end_ms"}],
     "emissions": [{"index", "sentence", "text", "space", "delay_ms", "spoken_ms", "elapsed_ms",
                    "reason"}],
     "verdicts": [{"sentence", "position", "token", "read", "p", "q", "ratio", "u", "accepted",
                   "reason"}]}
    {"type": "partial", "source": "...", "target": "..."}
    {"type": "lag", "lag_ms": n}        the server falls behind by so much; 0 when it no longer does
    {"type": "marked", "name": "..."}
    {"type": "error", "code", "message", "fatal"}
    {"type": "done"}                    and closes the connection; has a "reason" where the server
                                        ended the session, which takes no sound from then on

An `update` holds what became final in one step; lists that are empty are left out. `words` were
recognised. `emissions` were written, never to be taken back: append `space` and `text`. `delay_ms`
says how much of the session had been heard then, `spoken_ms` where the last word that had been read
ended, `elapsed_ms` is `delay_ms` with the computing time. A `partial` replaces the one before: what
was heard and what would be written next, both of which may still change.

Sound that an `ack` or a `marked` speaks of has been taken in; up to a step of the engine, half a
second as it comes, may still wait for what follows it.

After a cut, `resume` names the session and the number of the last `update` that arrived, 0 for
none. `opened` then says how many samples of the session's sound the server has, at the client's
rate: the client sends from there on, and `finish` again if it had. The updates after `after` come
again; numbers rise, but not always by one. Acks, marks and partials are not repeated. A session has
one client: the latest.

Others may read along at /v1/follow?session=KEY with the `follow` key of `opened`, which gives no
right to send. They get the same events, without acks; `&after=N` repeats updates that the server
still has, `&tentative=1` and `&verdicts=1` ask for more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
    Lagging,
    Mark,
    Marked,
    News,
    Opened,
    Request,
    Resume,
    Taken,
)
from simulst.types import SAMPLE_RATE, Emission, SentenceEnd, Update, Verdict, Word

__all__ = ["Own", "OwnState"]

ENCODINGS = {"s16le": pcm.s16le, "f32le": pcm.f32le}
NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}
LONGEST_TEXT = 256  # characters of a mark, a session or a language


@dataclass(frozen=True, slots=True)
class Terms:
    """What a session agreed on; it holds for every connection of the session.

    Attributes:
        rate: samples a second.
        encoding: of the sound.
        tentative, verdicts: events that were asked for.
    """

    rate: int = SAMPLE_RATE
    encoding: str = "s16le"
    tentative: bool = False
    verdicts: bool = False


@dataclass(frozen=True, slots=True)
class OwnState:
    """What a connection remembers.

    Attributes:
        terms: of its session; None before there is one.
        resuming: the session was asked for and has not been opened yet.
        finished: the client has no more sound.
        reads: it follows another's session and says nothing.
        partial: the last one sent.
    """

    terms: Terms | None = None
    resuming: bool = False
    finished: bool = False
    reads: bool = False
    partial: tuple[str, str] = ("", "")


class Own:
    """The wire of /v1/interpret."""

    name = "own"
    sends_token_in_query = "token"

    def open(self, handshake: Handshake) -> tuple[OwnState, Sequence[Request]]:
        """Wait for what the client says first; who follows says nothing."""
        if handshake.path.endswith("/follow"):
            tentative, verdicts = (
                handshake.query.get(name) == "1" for name in ("tentative", "verdicts")
            )
            return OwnState(Terms(tentative=tentative, verdicts=verdicts), reads=True), ()
        return OwnState(), ()

    def receive(self, state: OwnState, frame: Frame) -> tuple[OwnState, Sequence[Request]]:
        """Sound, or a message."""
        if state.reads:
            raise ProtocolError("who follows a session cannot speak in it", "read_only", fatal=True)
        if isinstance(frame, bytes):
            terms = _running(state, "sound")
            return state, (Audio(ENCODINGS[terms.encoding](frame), terms.rate),)
        message = messages.read(frame)
        match message.get("type"):
            case "start":
                return self._start(state, message)
            case "resume":
                fields = _fields(message, session=str, after=int)
                _new(state, "resume")
                if fields["after"] < 0:
                    raise ProtocolError(f"after is {fields['after']}: it is an update's number")
                request = Resume(fields["session"], fields["after"])
                return replace(state, resuming=True), (request,)
            case "mark":
                fields = _fields(message, name=str)
                _running(state, "mark")
                return state, (Mark(fields["name"]),)
            case "finish":
                _fields(message)
                _running(state, "finish")
                return replace(state, finished=True), (Finish(),)
            case kind:
                raise ProtocolError(
                    f"there is no message of type {messages.shown(kind)}: use start, resume, "
                    "mark, finish, or binary messages for sound",
                    "unknown_type",
                )

    @staticmethod
    def _start(state: OwnState, message: Mapping[str, Any]) -> tuple[OwnState, Sequence[Request]]:
        kinds = {"source": str, "target": str, "encoding": str}
        flags = {"resumable": bool, "tentative": bool, "verdicts": bool}
        fields = _fields({**_DEFAULTS, **message}, rate=float, **kinds, **flags)
        _new(state, "start")
        if fields["encoding"] not in ENCODINGS:
            raise ProtocolError(
                f"encoding is {messages.shown(fields['encoding'])}: use one of "
                f"{', '.join(ENCODINGS)}"
            )
        rate = messages.sample_rate(fields["rate"])
        terms = Terms(rate, fields["encoding"], fields["tentative"], fields["verdicts"])
        source, target = (messages.language(name, fields[name]) for name in ("source", "target"))
        begin = Begin(source, target, fields["resumable"], terms)
        return replace(state, terms=terms), (begin,)

    def send(self, state: OwnState, news: News) -> tuple[OwnState, Sequence[Frame]]:
        """One event for each piece of news, and a partial where it has changed."""
        match news:
            case Opened(session, source, target, taken, resumed, follow, memo):
                if isinstance(memo, Terms) and not state.reads:
                    state = replace(state, terms=memo, resuming=False)
                event = _event(
                    "opened",
                    session=session,
                    source=source,
                    target=target,
                    taken=taken,
                    resumed=resumed,
                    follow=follow,
                )
                return state, (event,)
            case Given(number, update):
                return _given(state, number, update)
            case Taken(samples):
                return state, () if state.reads else (_event("ack", samples=samples),)
            case Marked(name):
                return state, () if state.reads else (_event("marked", name=name),)
            case Lagging(lag_ms):
                return state, (_event("lag", lag_ms=lag_ms),)
            case Failed(code, message):
                return state, (_event("error", code=code, message=message, fatal=True),)
            case Ended(reason):
                return state, (_event("done", **({"reason": reason} if reason else {})),)

    def complain(self, state: OwnState, error: ProtocolError) -> Sequence[Frame]:
        """An error event."""
        return (_event("error", code=error.code, message=str(error), fatal=error.fatal),)


_DEFAULTS = {
    "source": "",
    "target": "",
    "encoding": "s16le",
    "resumable": False,
    "tentative": False,
    "verdicts": False,
}


def _fields(message: Mapping[str, Any], **kinds: type) -> dict[str, Any]:
    """The fields of a message, if they are the ones that belong there."""
    kind = message["type"]
    if unknown := sorted(message.keys() - kinds.keys() - {"type"}):
        raise ProtocolError(
            f"{kind} has no field {messages.shown(unknown[0])}; its fields are "
            f"{', '.join(kinds) or 'none'}"
        )
    for name, wanted in kinds.items():
        value = message.get(name)
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise ProtocolError(
                f"{kind} needs {name} of type {NAMES[wanted]}, not {messages.shown(value)}"
            )
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise ProtocolError(f"{name} has {len(value)} characters; {LONGEST_TEXT} are allowed")
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise ProtocolError(f"{name} is {messages.shown(value)}: half a character is no text")
    return {name: message[name] for name in kinds}


def _new(state: OwnState, kind: str) -> None:
    if state.terms is not None or state.resuming:
        raise ProtocolError(
            f"{kind} comes first and once: this connection has its session; open another",
            "already_started",
        )


def _running(state: OwnState, kind: str) -> Terms:
    """The terms of a session that takes sound."""
    if state.terms is None:
        message = "comes before opened" if state.resuming else "comes before start"
        raise ProtocolError(f"{kind} {message}", "not_started")
    if state.finished:
        raise ProtocolError(f"{kind} comes after finish", "finished")
    return state.terms


def _given(state: OwnState, number: int, update: Update) -> tuple[OwnState, Sequence[Frame]]:
    assert state.terms is not None, "a session was opened"
    fields = {
        "words": [_word(item) for item in update.committed],
        "emissions": [_emission(unit) for unit in update.emissions],
        "verdicts": [_verdict(each) for each in update.verdicts if state.terms.verdicts],
    }
    filled = {name: values for name, values in fields.items() if values}
    frames = [_event("update", number=number, **filled)] if filled else []
    partial = update.tentative_source, update.tentative_target
    if state.terms.tentative and partial != state.partial:
        frames.append(_event("partial", source=partial[0], target=partial[1]))
        state = replace(state, partial=partial)
    return state, frames


def _word(item: Word | SentenceEnd) -> dict[str, object]:
    if isinstance(item, SentenceEnd):
        return {"sentence_end_ms": _ms(item.at)}
    times = {"start_ms": _ms(item.start), "end_ms": _ms(item.end)}
    return {"text": item.text, **times, "probability": round(item.probability, 4)}


def _emission(unit: Emission) -> dict[str, object]:
    fields: dict[str, object] = {
        "index": unit.index,
        "sentence": unit.sentence,
        "text": unit.text,
        "space": unit.space,
        "delay_ms": _ms(unit.delay),
        "spoken_ms": _ms(unit.spoken),
        "reason": unit.reason.value,
    }
    if unit.elapsed is not None:
        fields["elapsed_ms"] = _ms(unit.elapsed)
    return fields


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {**asdict(verdict), "reason": verdict.reason.value}


def _ms(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE


def _event(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)
