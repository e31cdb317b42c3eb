"""The protocol of WhisperLive.

    client: {"uid", "language", "task", "enable_translation", "target_language", ...}, then
            float32 (or int16, uint8) frames at 16 kHz, then the bytes END_OF_AUDIO
    server: {"message": "SERVER_READY", "backend"}, {"segments": [...]},
            {"translated_segments": [...]}, {"status": "WAIT" | "WARNING" | "ERROR", "message"},
            {"message": "DISCONNECT"}, each with the client's uid

Where the translation is shown:

- `task` is "translate": in `segments`, a word at a time. The server chooses the target. This is
  the simultaneous form, and what a stock client shows and stores as its transcript.
- `enable_translation`: the transcript in `segments`, as words become final, and the translation
  into `target_language` in `translated_segments`, a sentence at a time.
- otherwise the transcript alone. The stock client always sends a `target_language` ("fr" unless
  it is told another), so that field says nothing by itself.

Held for the stock client:

- It believes in the backend "faster_whisper" only, else it stores nothing.
- It keeps one open segment for both lists, so translated segments are always completed ones.
- Segments are sent again, and it stores one that starts where the last stored one ended or
  later: so they do not overlap, and none is without length.
- It skips a segment that reads like the one before; a space in front tells them apart.
- At the end it stores the last open segment too if that reads unlike the last completed one: so
  a sentence is shown open, whole, before it is shown completed.
- It fails on an empty list, and on a WAIT whose message is no number of minutes.
- It does not say that a file has ended before nothing new has come for a while: so in a pause the
  session hears some silence, and the last words come.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulst.errors import ProtocolError
from simulst.server.wire import messages, pcm
from simulst.server.wire.base import (
    PAUSE_S,
    Audio,
    Begin,
    Ended,
    Failed,
    Finish,
    Frame,
    Given,
    Handshake,
    Lagging,
    News,
    Opened,
    Request,
)
from simulst.server.wire.sentences import Sentence, follow, ms
from simulst.types import SAMPLE_RATE

__all__ = ["Segment", "WhisperLive", "WhisperLiveState"]

END_OF_AUDIO = b"END_OF_AUDIO"
FORMATS = {"float32": pcm.f32le, "int16": pcm.s16le, "uint8": pcm.u8}
MOST_SEGMENTS = 100  # completed ones in a message
WAIT_MINUTES = 1
_UID = 256  # characters of the longest


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence as it is shown.

    Attributes:
        start_ms, end_ms: in the audio; the end is later than the start.
        text: without the space in front.
    """

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class WhisperLiveState:
    """A connection.

    Attributes:
        uid: the client's name for itself; "" until its options have come.
        form: of its samples, one of `FORMATS`.
        translates: `segments` are the translation, else the transcript.
        beside: the translation comes in `translated_segments`.
        last: completed segments in a message, if there are so many.
        said, translated: completed segments to send again, at most `last`.
        open: the sentence that grows.
        shown: the last open segment that was sent, as text.
        finishing: the audio has ended.
    """

    uid: str = ""
    form: str = "float32"
    translates: bool = False
    beside: bool = False
    last: int = 10
    said: tuple[Segment, ...] = ()
    translated: tuple[Segment, ...] = ()
    open: Sentence = field(default_factory=Sentence)
    shown: str = ""
    finishing: bool = False


class WhisperLive:
    """Implements `Wire`."""

    name = "whisperlive"
    sends_token_in_query = "token"

    def open(self, handshake: Handshake) -> tuple[WhisperLiveState, Sequence[Request]]:
        """Wait for the options: they come first."""
        return WhisperLiveState(), ()

    def receive(
        self, state: WhisperLiveState, frame: Frame
    ) -> tuple[WhisperLiveState, Sequence[Request]]:
        """Take the options, audio or the end."""
        if state.finishing:
            raise ProtocolError(
                "a frame came after END_OF_AUDIO: open a new connection", "after_end"
            )
        if not state.uid:
            if isinstance(frame, bytes):
                raise ProtocolError(
                    f"{len(frame)} bytes came first: send the options as JSON before audio",
                    "out_of_order",
                    fatal=True,
                )
            return _options(messages.read(frame))
        if frame in (END_OF_AUDIO, END_OF_AUDIO.decode()):
            return replace(state, finishing=True), (Finish(),)
        if isinstance(frame, str):
            raise ProtocolError(
                f"a text message is {messages.shown(frame)}: after the options only audio belongs "
                "here",
                "out_of_order",
            )
        return state, (Audio(FORMATS[state.form](frame), SAMPLE_RATE),)

    def send(self, state: WhisperLiveState, news: News) -> tuple[WhisperLiveState, Sequence[Frame]]:
        """Show what is new."""
        match news:
            case Opened():
                ready = {"message": "SERVER_READY", "backend": "faster_whisper"}
                return state, (_dump(state, **ready),)
            case Given(update=update):
                closed, now = follow(state.open, update)
                return _show(state, closed, now)
            case Lagging(lag_ms=lag_ms):
                late = f"{lag_ms / 1000:.1f} s of audio wait to be translated"
                told = late if lag_ms else "the server has caught up"
                return state, (_dump(state, status="WARNING", message=told),)
            case Failed(code="overloaded"):
                return state, (_dump(state, status="WAIT", message=WAIT_MINUTES),)
            case Failed(message=message):
                return state, (_dump(state, status="ERROR", message=message),)
            case Ended(reason=reason):
                state, frames = _show(state, (state.open,), Sentence(state.open.number + 1))
                if reason:
                    why = _dump(state, status="WARNING", message=reason)
                    frames = (*frames, why, _dump(state, message="DISCONNECT"))
                return state, frames
        return state, ()

    def complain(self, state: WhisperLiveState, error: ProtocolError) -> Sequence[Frame]:
        """The error as a status."""
        status = "ERROR" if error.fatal else "WARNING"
        return (_dump(state, status=status, message=str(error)),)


# -- what comes in ---------------------------------------------------------------------------


def _options(fields: dict[str, Any]) -> tuple[WhisperLiveState, Sequence[Request]]:
    uid = fields.get("uid")
    if not isinstance(uid, str) or not 0 < len(uid) <= _UID:
        raise ProtocolError(
            f"uid is {messages.shown(uid)}: it must be text of 1 to {_UID} characters", fatal=True
        )
    form = fields.get("audio_format") or "float32"
    if not isinstance(form, str) or form not in FORMATS:
        raise ProtocolError(
            f"audio_format is {messages.shown(form)}: it must be one of {', '.join(FORMATS)}",
            fatal=True,
        )
    last = fields.get("send_last_n_segments", 10)
    if isinstance(last, bool) or not isinstance(last, int) or last < 1:
        raise ProtocolError(
            f"send_last_n_segments is {messages.shown(last)}: it must be 1 or more", fatal=True
        )
    beside = bool(fields.get("enable_translation"))
    source = messages.language("language", fields.get("language"))
    target = messages.language("target_language", fields.get("target_language")) if beside else ""
    state = WhisperLiveState(
        uid=uid,
        form=form,
        translates=fields.get("task") == "translate" and not beside,
        beside=beside,
        last=min(last, MOST_SEGMENTS),
    )
    return state, (Begin(source, target, silence_after_s=PAUSE_S),)


# -- what goes out ---------------------------------------------------------------------------


def _show(
    state: WhisperLiveState, closed: tuple[Sentence, ...], now: Sentence
) -> tuple[WhisperLiveState, Sequence[Frame]]:
    """What changed, the open sentence last."""
    frames: list[str] = []
    said, fresh = _completed(state.said, closed, state.translates)
    before, text = _text(state.open, state.translates), _text(now, state.translates)
    if fresh and not text and state.shown != (last := said[-1]).text:
        # the client compares the two when it stores the transcript
        frames.append(_segments(state, said[:-1], last))
        state = replace(state, shown=last.text)
    if fresh or (text and text != before):
        keep = max(state.last, fresh)  # none may be passed over
        growing = _segment(said, now, text) if text else None
        frames.append(_segments(state, said[-keep:], growing))
        state = replace(state, said=said[-state.last :], shown=text or state.shown)
    if state.beside:
        translated, fresh = _completed(state.translated, closed, True)
        if fresh:
            rows = [_row(each, True) for each in translated[-max(state.last, fresh) :]]
            frames.append(_dump(state, translated_segments=rows))
            state = replace(state, translated=translated[-state.last :])
    return replace(state, open=now), frames


def _completed(
    segments: tuple[Segment, ...], closed: tuple[Sentence, ...], translates: bool
) -> tuple[tuple[Segment, ...], int]:
    """Segments with those of closed sentences behind them, and how many these are."""
    before = len(segments)
    for sentence in closed:
        if text := _text(sentence, translates):
            segments = (*segments, _segment(segments, sentence, text))
    return segments, len(segments) - before


def _text(sentence: Sentence, translates: bool) -> str:
    return sentence.target if translates else sentence.source


def _segment(before: tuple[Segment, ...], sentence: Sentence, text: str) -> Segment:
    start = max(ms(sentence.start), before[-1].end_ms if before else 0)
    return Segment(start, max(ms(sentence.end), start + 1), text)


def _row(segment: Segment, completed: bool) -> dict[str, Any]:
    return {
        "start": f"{segment.start_ms / 1000:.3f}",
        "end": f"{segment.end_ms / 1000:.3f}",
        "text": f" {segment.text}",
        "completed": completed,
    }


def _segments(
    state: WhisperLiveState, completed: tuple[Segment, ...], growing: Segment | None
) -> str:
    rows = [_row(each, True) for each in completed]
    if growing is not None:
        rows.append(_row(growing, False))
    return _dump(state, segments=rows)


def _dump(state: WhisperLiveState, **fields: Any) -> str:
    return json.dumps({"uid": state.uid, **fields})
