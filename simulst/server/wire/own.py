"""simulst's own wire at /v1/interpret: JSON in text messages, sound in binary ones.

A client begins with one of

    {"type": "start", "rate": 48000, "encoding": "s16le", "source": "en", "target": "de",
     "resumable": true, "tentative": true, "verdicts": true, "pauses": true}
    {"type": "resume", "session": "...", "after": 7}

Only `rate`, in Hz, must be given. `encoding` is "s16le" (the default) or "f32le"; the sound is
mono. Without `source` and `target` the server chooses; /v1/languages lists what it has. A session
that is `resumable` outlives a cut connection for some time. `tentative` and `verdicts` ask for
events that are left out otherwise. A client that need not send while nobody speaks says `pauses`:
when no sound has come for a second, the session hears two of silence, so that the last words come
(up to five seconds later where it came faster than it is spoken).
Where tokens are asked for, `Authorization: Bearer TOKEN` or `?token=TOKEN` shows one. Then, in any
order and number,

    binary                              sound; whole samples, in messages of up to 1 MiB unless the
                                        server says otherwise
    {"type": "mark", "name": "..."}     is answered once all sound before it has been dealt with
    {"type": "finish"}                  no more sound: the last words come, then `done`

The sound may follow `start` at once; after `resume` it waits for `opened`. The server says

    {"type": "opened", "session": id, "source", "target", "taken": 0, "resumed": false,
     "follow": key, "at_ms": t}
    {"type": "ack", "samples": n}       so much of the session's sound is dealt with, once for each
                                        message of sound; the difference to what was sent is waiting
    {"type": "update", "number": n, "at_ms": t,
     "words": [{"text", "start_ms", "end_ms", "probability"} or {"sentence_end_ms"}],
     "emissions": [{"index", "sentence", "text", "space", "delay_ms", "spoken_ms", "elapsed_ms",
                    "reason"}],
     "verdicts": [{"sentence", "position", "token", "read", "p", "q", "ratio", "u", "accepted",
                   "reason"}]}
    {"type": "partial", "source": "...", "target": "..."}
    {"type": "lag", "lag_ms": n}        the server falls behind by so much; 0 when it no longer does
    {"type": "marked", "name": "..."}
    {"type": "error", "code", "message", "fatal"}
    {"type": "done"}                    and closes the connection with 1000; has a "code" and, in
                                        words, a "reason" where the server ended the session, which
                                        takes no sound from then on

An `update` holds what became final in one step; lists that are empty are left out. `words` were
recognised. `emissions` were written, never to be taken back: append `space` and `text`. `delay_ms`
says how much of the session had been heard then, `spoken_ms` where the last word that had been read
ended, `elapsed_ms` is `delay_ms` with the computing time; `reason` is one of those in
`simulst.types`. All three count the session's sound from its start, with the silence heard in
pauses; `at_ms`, in Unix time, is what to add to them for the time of day. A `partial` replaces the
one before: what was heard and what would be written next, both of which may still change.

A client that wants several languages of the same sound says `"to": ["de", "fr"]` in place of
`target`. The sound is recognised once. Every `update` and `partial` then has a "language", and
those of a language are what a session in it alone would give, `words` included; the numbers run
through all of them. `opened` has the languages in "to". A language that the server fails in, while
it goes on in others, is told by an `error` with its "language" that is not fatal. A server of
several languages lists them in `opened` as "offers". `?to=fr` in the address, here and of every
other protocol, is for clients that name none.

The code of a `done` is "idle" (no message came for too long; a mark is one), "too_long" (sessions
are limited in length), "stopping" (so is the server: begin another session in a while), or, for who
reads along, "gone" (the client is).

An `error` that is not fatal leaves out the message that it is about, and nothing else. After a
fatal one the connection is closed: with 1008 where the client was wrong, 1011 where the server
failed ("internal"), 1013 where it is full ("overloaded"); with 1013 and no error where the client
reads too slowly. Codes of errors: "invalid_json", "unknown_type", "invalid_request",
"invalid_sample_rate", "invalid_language", "unsupported_language", "invalid_audio", "too_large",
"not_started", "already_started", "finished", "timeout" (no session was begun), "unknown_session"
and "gone" (it, or what was missed in it, is not kept any more), "read_only", "internal",
"overloaded". A server that is full says so before the handshake, by 503 with Retry-After; one that
knows no such token, by 401.

Sound that an `ack` or a `marked` speaks of has been taken in; up to a step of the engine, half a
second as it comes, may still wait for what follows it.

After a cut, `resume` names the session and the number of the last `update` that arrived, 0 for
none. `opened` then says how many samples of the session's sound the server has, at the client's
rate: the client sends from there on, and `finish` again if it had. The updates after `after` come
again; numbers rise, but not always by one. Acks, marks and partials are not repeated. A session has
one client: the latest; the one before is closed with 1008. With `?session=ID` in the address a
client that comes back is let in although the server is full. Who closes with 1000 does not come
back: the session ends.

Others may read along at /v1/follow?session=KEY with the `follow` key of `opened`, which gives no
right to send. They get the same events, without acks and marks and with "" for the session's id;
`&after=N` repeats updates that the server still has, `&tentative=1` and `&verdicts=1` ask for more.
They read the session's first language, or with `&to=fr` any that the server offers. One that the
session is not in yet begins with the sentence that is open, whose words come again; its sentences
have the session's numbers. It goes some seconds after its last reader, is not recorded, and is not
refused to who has the key unless the server is full (503).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from simulst.errors import ProtocolError
from simulst.server.wire import messages, own_events, own_messages
from simulst.server.wire.base import (
    Audio,
    Dropped,
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
    Of,
    Opened,
    Request,
    Resume,
    Silenced,
    Spoke,
    Taken,
)
from simulst.server.wire.own_events import event
from simulst.server.wire.own_messages import ENCODINGS, Terms

__all__ = ["Own", "OwnState"]


@dataclass(frozen=True, slots=True)
class OwnState:
    """What a connection remembers.

    Attributes:
        terms: of its session; None before there is one.
        resuming: the session was asked for and has not been opened yet.
        finished: the client has no more sound.
        reads: it follows another's session and says nothing.
        partials: the last one sent, by language.
    """

    terms: Terms | None = None
    resuming: bool = False
    finished: bool = False
    reads: bool = False
    partials: Mapping[str, tuple[str, str]] = field(default_factory=dict)


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
                _new(state, "start")
                terms, begin = own_messages.start(message)
                return replace(state, terms=terms), (begin,)
            case "resume":
                fields = own_messages.fields(message, session=str, after=int)
                _new(state, "resume")
                if fields["after"] < 0:
                    raise ProtocolError(f"after is {fields['after']}: it is an update's number")
                request = Resume(fields["session"], fields["after"])
                return replace(state, resuming=True), (request,)
            case "mark":
                fields = own_messages.fields(message, name=str)
                _running(state, "mark")
                return state, (Mark(fields["name"]),)
            case "finish":
                own_messages.fields(message)
                _running(state, "finish")
                return replace(state, finished=True), (Finish(),)
            case kind:
                raise ProtocolError(
                    f"there is no message of type {messages.shown(kind)}: use start, resume, "
                    "mark, finish, or binary messages for sound",
                    "unknown_type",
                )

    def send(self, state: OwnState, news: News) -> tuple[OwnState, Sequence[Frame]]:
        """One event for each piece of news, and a partial where it has changed."""
        match news:
            case Opened(memo=memo):
                if isinstance(memo, Terms) and not state.reads:
                    state = replace(state, terms=memo, resuming=False)
                return state, (own_events.opened(news, _tagged(state)),)
            case Given():
                return _given(state, news)
            case Taken(samples):
                return state, () if state.reads else (event("ack", samples=samples),)
            case Marked(name):
                return state, () if state.reads else (event("marked", name=name),)
            case Lagging(lag_ms):
                return state, (event("lag", lag_ms=lag_ms),)
            case Failed(code, message):
                return state, (event("error", code=code, message=message, fatal=True),)
            case Dropped(target, message):
                about = {"fatal": False, "language": target}
                return state, (event("error", code="internal", message=message, **about),)
            case Ended(reason, code):
                why = {"code": code, "reason": reason} if reason else {}
                return state, (event("done", **why),)
            case Of() | Spoke() | Silenced():
                raise AssertionError("neither tracks nor speech are asked for here")

    def complain(self, state: OwnState, error: ProtocolError) -> Sequence[Frame]:
        """An error event."""
        return (event("error", code=error.code, message=str(error), fatal=error.fatal),)


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


def _given(state: OwnState, news: Given) -> tuple[OwnState, Sequence[Frame]]:
    """An update of what is final, and a partial where it was asked for and has changed."""
    terms = state.terms
    assert terms is not None, "a session was opened"
    frames = [*own_events.update(news, terms.verdicts, terms.tagged)]
    partial = news.update.tentative_source, news.update.tentative_target
    if terms.tentative and partial != state.partials.get(news.target, ("", "")):
        about = {"language": news.target} if terms.tagged else {}
        frames.append(event("partial", **about, source=partial[0], target=partial[1]))
        state = replace(state, partials={**state.partials, news.target: partial})
    return state, frames


def _tagged(state: OwnState) -> bool:
    return state.terms is not None and state.terms.tagged
