"""The protocol of Jitsi's Skynet, as Jigasi speaks it.

    client: a 60-byte header `participant|language` + s16le at 16 kHz, as one binary frame;
            a single zero byte ends the meeting
    server: {"id", "participant_id", "ts", "text", "audio", "type": "interim" | "final",
            "variance"}

The address is `.../ws/MEETING`. The header's language is the one that a participant reads, or else
speaks, or "null": a hint about one viewer, while the pair is the server's. So it is not followed.

Interims carry the translation of the open sentence as far as it is written, and have the id of the
final that ends it. Jigasi translates finals only, so this is how captions become simultaneous. As
no text is taken back, `variance`, which Jigasi reads as stability, is 1.0 from the first. `ts` is
the Unix time, in ms, at which the sentence began to be spoken.

Jigasi fails on a message without one of the fields, and must find a decimal point in `variance`:
there is no other message. What went wrong is told as a caption of the participant it concerns.

Jigasi carries all participants of a room in one connection. Each is a track with a session while
they speak; who finds no place reads so in a caption, once. While a participant is muted Jigasi
sends nothing for them, so the session then hears some silence, and the last words come.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from simulst.errors import ProtocolError
from simulst.server.wire import messages, pcm
from simulst.server.wire.base import (
    PAUSE_S,
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
    Of,
    On,
    Opened,
    Reply,
    Request,
)
from simulst.server.wire.sentences import Sentence, follow, ms
from simulst.types import SAMPLE_RATE

__all__ = ["MOST_PARTICIPANTS", "Skynet", "SkynetState", "Talk"]

HEADER = 60  # bytes
END = b"\x00"
MOST_PARTICIPANTS = 256  # who are sending at once; others are not listened to
_IDS = uuid.UUID("5d7bb31c-31a3-5ba4-9d4b-3c1c5a0b63f6")
"""Namespace of the ids of captions, which must be UUIDs."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What a participant says.

    Attributes:
        session: id of the session, once there is one.
        open: the sentence that grows.
        at_ms: Unix time at which that began; None until something of it is known.
        warned: they have been told that their sound is broken.
    """

    session: str = ""
    open: Sentence = field(default_factory=Sentence)
    at_ms: int | None = None
    warned: bool = False


@dataclass(frozen=True, slots=True)
class SkynetState:
    """A connection.

    Attributes:
        meeting: as the address names it.
        talks: of the participants who are sending.
        now_ms: the latest Unix time that is known of; 0 before any is.
        finishing: the meeting has ended.
    """

    meeting: str
    talks: Mapping[str, Talk] = field(default_factory=dict)
    now_ms: int = 0
    finishing: bool = False

    def having(self, who: str, talk: Talk | None) -> SkynetState:
        """With another talk of a participant, or without one."""
        talks = {name: each for name, each in self.talks.items() if name != who}
        return replace(self, talks=talks if talk is None else {**talks, who: talk})


class Skynet:
    """Implements `Wire`."""

    name = "skynet"
    sends_token_in_query = "auth_token"

    def open(self, handshake: Handshake) -> tuple[SkynetState, Sequence[Request]]:
        """Wait for a participant; only the meeting is known.

        Raises:
            ProtocolError: the address names no meeting.
        """
        place, _, meeting = handshake.path.rpartition("/")
        if not meeting or not f"/{place}".endswith("/ws"):
            raise ProtocolError(
                f"the path is {messages.shown(handshake.path)}: it must end with /ws/MEETING",
                "not_found",
                fatal=True,
            )
        return SkynetState(meeting), ()

    def receive(self, state: SkynetState, frame: Frame) -> tuple[SkynetState, Sequence[Request]]:
        """Take the audio of a participant, or the end."""
        if state.finishing:
            raise ProtocolError(
                "a frame came after the end of the meeting: open a new connection", "after_end"
            )
        if isinstance(frame, str):
            raise ProtocolError(
                f"a text message is {messages.shown(frame)}: only binary frames belong here",
                fatal=True,
            )
        if frame == END:
            return replace(state, finishing=True), (Finish() if state.talks else Close(),)
        who = _participant(frame)
        begin: tuple[Request, ...] = ()
        if who not in state.talks:
            if len(state.talks) >= MOST_PARTICIPANTS:
                return state, ()
            state = state.having(who, Talk())
            begin = (On(who, Begin(silence_after_s=PAUSE_S)),)
        try:
            audio = Audio(pcm.s16le(frame[HEADER:]), SAMPLE_RATE)
        except ProtocolError as error:  # it is the fault of one, and no others are to suffer
            state, warning = _warn(state, who, str(error))
            return state, (*begin, *warning)
        return state, (*begin, On(who, audio))

    def send(self, state: SkynetState, news: News) -> tuple[SkynetState, Sequence[Frame]]:
        """Show the open sentence of each participant grow, and each as it ends."""
        if not isinstance(news, Of):
            return state, ()
        who = news.track
        talk = state.talks.get(who, Talk())
        match news.news:
            case Opened(session=session, at_ms=at_ms):
                return _at(state, at_ms).having(who, Talk(session, warned=talk.warned)), ()
            case Given(update=update, at_ms=at_ms):
                state = _at(state, at_ms + ms(update.heard))
                closed, now = follow(talk.open, update)
                frames = []
                for each in closed:
                    talk = _timed(talk, each, at_ms)
                    frames += [_caption(state, who, talk, "final")] if each.units else []
                talk = _timed(talk, now, at_ms)
                if any(unit.sentence == now.number for unit in update.emissions):
                    frames.append(_caption(state, who, talk, "interim"))
                return state.having(who, talk), frames
            case Ended():
                return state.having(who, None), _rest(state, who, talk)
            case Failed(message=message, at_ms=at_ms):
                rest = _rest(state, who, talk)
                state = _at(state, at_ms).having(who, Talk(warned=talk.warned))
                return state, (*rest, _notice(state, who, message))
        return state, ()

    def complain(self, state: SkynetState, error: ProtocolError) -> Sequence[Frame]:
        """A caption of each participant, if the connection ends and somebody is there to read it.

        There are fifty frames a second: a caption for each bad one would fill the screen.
        """
        if error.fatal:
            return [_notice(state, who, str(error)) for who in state.talks]
        return ()


def _participant(frame: bytes) -> str:
    """Who a frame is from; what pads the header stands behind the language."""
    if len(frame) < HEADER:
        raise ProtocolError(
            f"a frame has {len(frame)} bytes: it must begin with a header of {HEADER}",
            "invalid_header",
        )
    try:
        who, bar, _ = frame[:HEADER].decode().partition("|")
    except UnicodeDecodeError as error:
        raise ProtocolError(
            f"the header of a frame is {messages.shown(frame[:HEADER])}: it must be UTF-8",
            "invalid_header",
        ) from error
    if not who or not bar:
        raise ProtocolError(
            f"the header of a frame is {messages.shown(frame[:HEADER])}: it must be "
            "participant|language",
            "invalid_header",
        )
    return who


def _warn(state: SkynetState, who: str, what: str) -> tuple[SkynetState, Sequence[Request]]:
    """A frame is left out: tell its participant so the first time."""
    talk = state.talks[who]
    if talk.warned:
        return state, ()
    state = state.having(who, replace(talk, warned=True))
    return state, (Reply(_notice(state, who, what)),)


# -- what goes out ---------------------------------------------------------------------------


def _at(state: SkynetState, at_ms: int) -> SkynetState:
    return replace(state, now_ms=max(state.now_ms, at_ms))


def _timed(talk: Talk, sentence: Sentence, at_ms: int) -> Talk:
    """With the sentence as the open one, and the time at which it began, which stays."""
    begun_ms = talk.at_ms if sentence.number == talk.open.number else None
    if begun_ms is None and (sentence.words or sentence.units):
        begun_ms = at_ms + ms(sentence.start)
    return replace(talk, open=sentence, at_ms=begun_ms)


def _message(state: SkynetState, who: str, name: str, at_ms: int, text: str, kind: str) -> str:
    number = uuid.uuid5(_IDS, f"{state.meeting}/{name}/{who}")
    return json.dumps(
        {
            "id": str(number),
            "participant_id": who,
            "ts": at_ms,
            "text": text,
            "audio": "",
            "type": kind,
            "variance": 1.0,
        }
    )


def _caption(state: SkynetState, who: str, talk: Talk, kind: str) -> str:
    assert talk.at_ms is not None, "something of it is known"
    name = f"{talk.session}/{talk.open.number}"
    return _message(state, who, name, talk.at_ms, talk.open.target, kind)


def _rest(state: SkynetState, who: str, talk: Talk) -> tuple[Frame, ...]:
    """The open sentence, which ends with its session."""
    return (_caption(state, who, talk, "final"),) if talk.open.units else ()


def _notice(state: SkynetState, who: str, what: str) -> str:
    name = f"{state.now_ms}/{what}"
    return _message(state, who, name, state.now_ms, f"[not translated: {what}]", "final")
