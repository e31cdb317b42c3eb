"""The protocol of Jitsi's Skynet, as Jigasi speaks it.

    client: a 60-byte header `participant|language` + s16le at 16 kHz, as one binary frame;
            a single zero byte ends the meeting
    server: {"id", "participant_id", "ts", "text", "audio", "type": "interim" | "final",
            "variance"}

The address is `.../ws/MEETING`. The header's language is the one that a participant reads, or else
speaks, or "null": a hint about one viewer, while the pair is the server's. So it is not followed.

Interims carry the translation of the open sentence as far as it is written, and have the id of the
final that ends it. Jigasi translates finals only, so this is how captions become simultaneous. As
no text is taken back, `variance`, which Jigasi reads as stability, is 1.0 from the first.

Jigasi fails on a message without one of the fields, and must find a decimal point in `variance`:
there is no other message. What went wrong is told as a caption of the participant it concerns.

Jigasi carries all participants of a room in one connection, and a connection has one session: the
first participant who sends audio is translated. For each other one, a caption says so once.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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
    Opened,
    Reply,
    Request,
)
from simulst.server.wire.sentences import Sentence, follow, ms
from simulst.types import SAMPLE_RATE

__all__ = ["Skynet", "SkynetState"]

HEADER = 60  # bytes
END = b"\x00"
MOST_REFUSED = 256  # participants told that they are left out
_IDS = uuid.UUID("5d7bb31c-31a3-5ba4-9d4b-3c1c5a0b63f6")
"""Namespace of the ids of captions, which must be UUIDs."""


@dataclass(frozen=True, slots=True)
class SkynetState:
    """A connection.

    Attributes:
        meeting: as the address names it.
        session: id of the session, once it is there.
        participant: who is translated; "" until audio has come.
        refused: participants who have been told that they are not.
        open: the sentence that grows.
        finishing: the meeting has ended.
    """

    meeting: str
    session: str = ""
    participant: str = ""
    refused: frozenset[str] = frozenset()
    open: Sentence = field(default_factory=Sentence)
    finishing: bool = False


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
            return replace(state, finishing=True), (Finish() if state.participant else Close(),)
        who = _participant(frame)
        if state.participant and who != state.participant:
            return _refuse(state, who)
        audio = Audio(pcm.s16le(frame[HEADER:]), SAMPLE_RATE)
        if state.participant:
            return state, (audio,)
        return replace(state, participant=who), (Begin(), audio)

    def send(self, state: SkynetState, news: News) -> tuple[SkynetState, Sequence[Frame]]:
        """Show the open sentence grow, and each as it ends."""
        match news:
            case Opened(session=session):
                return replace(state, session=session), ()
            case Given(update=update):
                closed, now = follow(state.open, update)
                frames = [_caption(state, each, "final") for each in closed if each.units]
                if any(unit.sentence == now.number for unit in update.emissions):
                    frames.append(_caption(state, now, "interim"))
                return replace(state, open=now), frames
            case Ended() if state.open.units:
                frame = _caption(state, state.open, "final")
                return replace(state, open=Sentence(state.open.number + 1)), (frame,)
            case Failed(message=message) if state.participant:
                return state, (_notice(state, state.participant, message),)
        return state, ()

    def complain(self, state: SkynetState, error: ProtocolError) -> Sequence[Frame]:
        """A caption, if the connection ends and somebody is there to read it.

        There are fifty frames a second: a caption for each bad one would fill the screen.
        """
        if error.fatal and state.participant:
            return (_notice(state, state.participant, str(error)),)
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


def _refuse(state: SkynetState, who: str) -> tuple[SkynetState, Sequence[Request]]:
    if who in state.refused or len(state.refused) == MOST_REFUSED:
        return state, ()
    text = "[not translated: one speaker in a meeting is, and another was first]"
    refused = replace(state, refused=state.refused | {who})
    return refused, (Reply(_notice(state, who, text)),)


# -- what goes out ---------------------------------------------------------------------------


def _message(state: SkynetState, who: str, name: str, at_ms: int, text: str, kind: str) -> str:
    number = uuid.uuid5(_IDS, f"{state.meeting}/{state.session}/{who}/{name}")
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


def _caption(state: SkynetState, sentence: Sentence, kind: str) -> str:
    at_ms = ms(sentence.start)
    name = str(sentence.number)
    return _message(state, state.participant, name, at_ms, sentence.target, kind)


def _notice(state: SkynetState, who: str, text: str) -> str:
    return _message(state, who, text, ms(state.open.start), text, "final")
