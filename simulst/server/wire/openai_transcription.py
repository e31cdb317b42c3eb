"""The OpenAI realtime transcription protocol, at /v1/realtime?intent=transcription&model=...

    client: session.update, input_audio_buffer.append, .commit, .clear
    server: session.created, session.updated, error,
            input_audio_buffer.speech_started, .speech_stopped, .committed, .cleared,
            conversation.item.input_audio_transcription.delta, .completed

What is transcribed is the translation: an item for each sentence, a delta for each unit. The deltas
of an item, put together, are the transcript of its `completed`. Times are those of the client's
own audio. An item starts when its first source word is certain.

The protocol has no target language. The address may name it, `?target=de`, or the model does,
`simulst:de`, for clients that let nothing else be set; else the server chooses. The language spoken
is `?source=en` or `transcription.language`. Settings count before the address. The first
`session.update` that has a `transcription` begins the session, or the first audio does; languages
cannot change after that.

Audio is `audio/pcm` of any rate, 24 kHz without one, `audio/pcmu` or `audio/pcma`. The server's
own turn detection always works, with its own settings: what a client says of it, of noise
reduction, prompts and keywords is taken and has no effect, and `session.updated` does not claim it.

A `commit` ends what has been said: silence is put in, so that the last words come although the
client may send no more. If its sentence is open even then, the item ends all the same, and what is
written later goes into the next. An item ends after each commit, an empty one where nothing was
said. A `clear` begins again if there is sound since the last commit, and then drops committed sound
too, as far as it has not been dealt with; the item that is open ends with what it has. LiveKit
gives up at any `error`, so only what it never sends is one, and where the server ends a session the
connection is closed without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulst.errors import ProtocolError
from simulst.server.wire import messages, openai_events, openai_items, pcm
from simulst.server.wire.base import (
    Audio,
    Begin,
    Ended,
    Failed,
    Frame,
    Given,
    Handshake,
    Mark,
    Marked,
    News,
    Opened,
    Request,
    Restart,
)
from simulst.server.wire.openai_events import NEVER, Outbox, RefusalError
from simulst.server.wire.openai_items import SILENCE_MS, Commit, Track

__all__ = ["OpenAITranscription", "TranscriptionState"]

FORMATS = {
    "audio/pcm": (pcm.s16le, 24_000),
    "audio/pcmu": (pcm.mulaw, 8_000),
    "audio/pcma": (pcm.alaw, 8_000),
}
"""Decoder and rate in Hz, where a client names none."""
_INPUT = "session.audio.input"
_LANGUAGE = f"{_INPUT}.transcription.language"
_MODEL = f"{_INPUT}.transcription.model"


@dataclass(frozen=True, slots=True)
class TranscriptionState:
    """A connection.

    Attributes:
        model: as the client named it.
        source, target: languages; "" leaves them to the server.
        form: of the audio, one of `FORMATS`.
        rate: of the audio, Hz.
        begun: a session was asked for.
        opened: it is there.
        owed: updates that are answered when the session is there.
        heard: samples of the client in all.
        fed: samples since the last clear, with the silences put in.
        fresh: samples of the client since the last commit or clear.
        committed: commits in all.
        bases: of clears not yet carried out, their time on the client's clock, ms.
        clears: clears in all.
        track: the items.
        sent: events.
    """

    track: Track
    model: str
    source: str = ""
    target: str = ""
    form: str = "audio/pcm"
    rate: int = 24_000
    begun: bool = False
    opened: bool = False
    owed: int = 0
    heard: int = 0
    fed: int = 0
    fresh: int = 0
    committed: int = 0
    bases: tuple[int, ...] = ()
    clears: int = 0
    sent: int = 0


Answer = tuple[TranscriptionState, Sequence[Request]]


class OpenAITranscription:
    """Implements `Wire`."""

    name = "openai-transcription"
    sends_token_in_query = ""

    def open(self, handshake: Handshake) -> Answer:
        """Greet the client; a connection opened in advance takes no session."""
        query = handshake.query
        model = query.get("model") or "simulst"
        state = TranscriptionState(
            Track(openai_events.tag(handshake)),
            model,
            messages.language("source", query.get("source")),
            messages.language("target", query.get("target")) or _target(model),
        )
        return _reply(state, "session.created", session=_session(state))

    def receive(self, state: TranscriptionState, frame: Frame) -> Answer:
        """Take settings or audio."""
        fields = openai_events.read(frame)
        try:
            match fields["type"]:
                case "session.update":
                    return _update(state, fields)
                case "input_audio_buffer.append":
                    return _append(state, fields)
                case "input_audio_buffer.commit":
                    return _commit(state)
                case "input_audio_buffer.clear":
                    return _clear(state)
            raise RefusalError(
                f"the event's type is {messages.shown(fields['type'])}: it must be session.update, "
                "input_audio_buffer.append, input_audio_buffer.commit or input_audio_buffer.clear",
                "unknown_event",
                "type",
            )
        except ProtocolError as error:
            raise openai_events.named(error, fields) from error

    def send(
        self, state: TranscriptionState, news: News
    ) -> tuple[TranscriptionState, Sequence[Frame]]:
        """Tell of the session and its items."""
        out = Outbox(state.track.tag, state.sent)
        match news:
            case Opened() if state.opened:
                state = _restarted(state, out)
            case Opened(source=source, target=target):
                state = replace(state, opened=True, source=source, target=target)
                for _ in range(state.owed):
                    out.say("session.updated", session=_session(state))
                state = replace(state, owed=0)
            case Given(update=update):
                state = replace(state, track=openai_items.show(state.track, update, out))
            case Marked(name=name):
                state = replace(state, track=openai_items.settle(state.track, name, out))
            case Failed(code=code, message=message):
                openai_events.failure(out, code, message)
            case Ended():
                state = replace(state, track=openai_items.finish(state.track, out))
        return replace(state, sent=out.sent), out.frames

    def complain(self, state: TranscriptionState, error: ProtocolError) -> Sequence[Frame]:
        """An error event."""
        return (openai_events.complaint(state.track.tag, state.sent, error),)


# -- what comes in ---------------------------------------------------------------------------


def _target(model: str) -> str:
    name, _, language = model.partition(":")
    return messages.language("model", language) if name == "simulst" else ""


def _update(state: TranscriptionState, fields: dict[str, Any]) -> Answer:
    """Change the settings, all or none."""
    session = openai_events.session(fields)
    if session.get("type") not in (None, "transcription"):
        raise RefusalError(
            f"session.type is {messages.shown(session['type'])}: it must be 'transcription'; "
            "sessions that translate have an address of their own, /v1/realtime/translations",
            "fixed_field",
            "session.type",
        )
    openai_events.section(fields, f"{_INPUT}.turn_detection")
    openai_events.section(fields, f"{_INPUT}.noise_reduction")
    new = _languages(_format(state, fields), fields)
    if not state.begun and openai_events.section(fields, _INPUT).get("transcription") is not None:
        return replace(new, begun=True, owed=1), (Begin(new.source, new.target),)
    if new.begun and not new.opened:
        return replace(new, owed=new.owed + 1), ()
    return _reply(new, "session.updated", session=_session(new))


def _format(state: TranscriptionState, fields: dict[str, Any]) -> TranscriptionState:
    wanted = openai_events.section(fields, f"{_INPUT}.format")
    if not wanted:
        return state
    form = wanted.get("type", "audio/pcm")
    if not isinstance(form, str) or form not in FORMATS:
        raise RefusalError(
            f"{_INPUT}.format.type is {messages.shown(form)}: it must be one of "
            f"{', '.join(FORMATS)}",
            "invalid_value",
            f"{_INPUT}.format.type",
        )
    rate = wanted.get("rate", FORMATS[form][1])
    rate = openai_events.at(f"{_INPUT}.format.rate", messages.sample_rate, rate)
    if state.heard and (form, rate) != (state.form, state.rate):
        raise RefusalError(
            f"{_INPUT}.format is {form} at {rate} Hz after audio in {state.form} at {state.rate} "
            "Hz: it cannot change within a session; open a new connection",
            "fixed_field",
            f"{_INPUT}.format",
        )
    return replace(state, form=form, rate=rate)


def _languages(state: TranscriptionState, fields: dict[str, Any]) -> TranscriptionState:
    wanted = openai_events.section(fields, f"{_INPUT}.transcription")
    model, target = state.model, ""
    if wanted.get("model") is not None:
        model = openai_events.text(_MODEL, wanted["model"])
        target = openai_events.at(_MODEL, _target, model)
    several = wanted.get("languages")
    only = several[0] if isinstance(several, list) and len(several) == 1 else None
    source = openai_events.at(_LANGUAGE, messages.language, _LANGUAGE, wanted.get("language", only))
    for path, asked, fixed in ((_LANGUAGE, source, state.source), (_MODEL, target, state.target)):
        if state.begun and asked not in ("", fixed):
            raise RefusalError(
                f"{path} names the language {asked!r}: the session has begun with "
                f"{repr(fixed) if fixed else 'the choice of the server'}; open a new connection "
                "for another language",
                "language_fixed",
                path,
            )
    return replace(state, model=model, source=source or state.source, target=target or state.target)


def _append(state: TranscriptionState, fields: dict[str, Any]) -> Answer:
    samples = openai_events.sound(fields, FORMATS[state.form][0])
    count = len(samples)
    new = replace(
        state,
        begun=True,
        heard=state.heard + count,
        fed=state.fed + count,
        fresh=state.fresh + count,
    )
    audio = Audio(samples, state.rate)
    return new, (audio,) if state.begun else (Begin(state.source, state.target), audio)


def _commit(state: TranscriptionState) -> Answer:
    """Put in silence, and a mark at its end."""
    if not state.fresh:
        raise RefusalError(
            "there is no audio since the last commit or clear: append some before a commit",
            "input_audio_buffer_commit_empty",
        )
    silence = np.zeros(state.rate * SILENCE_MS // 1000, np.float32)
    commit = Commit(str(state.committed + 1), state.clears, state.fed * 1000 // state.rate)
    track = state.track
    track = replace(
        track,
        commits=(*track.commits, commit),
        ended=track.ended if track.commits else 0,
    )
    new = replace(
        state,
        track=track,
        committed=state.committed + 1,
        fed=state.fed + len(silence),
        fresh=0,
    )
    return new, (Audio(silence, state.rate), Mark(commit.name))


def _clear(state: TranscriptionState) -> Answer:
    """Begin again, unless there is nothing to drop: what was committed is not dropped."""
    if not state.fresh:
        return _reply(state, "input_audio_buffer.cleared")
    base_ms = state.heard * 1000 // state.rate
    new = replace(state, fed=0, fresh=0, clears=state.clears + 1, bases=(*state.bases, base_ms))
    return new, (Restart(),)


# -- what goes out ---------------------------------------------------------------------------


def _restarted(state: TranscriptionState, out: Outbox) -> TranscriptionState:
    assert state.bases, "a session is opened again after a clear only"
    track = openai_items.restart(state.track, state.bases[0], out)
    out.say("input_audio_buffer.cleared")
    return replace(state, track=track, bases=state.bases[1:])


def _reply(state: TranscriptionState, kind: str, **fields: object) -> Answer:
    """Answer without the engine."""
    sent, replies = openai_events.reply(state.track.tag, state.sent, kind, **fields)
    return replace(state, sent=sent), replies


def _session(state: TranscriptionState) -> dict[str, Any]:
    language = {"language": state.source} if state.source else {}
    plain = state.form != "audio/pcm" and state.rate == FORMATS[state.form][1]
    rate = {} if plain else {"rate": state.rate}
    return {
        "id": f"sess_{state.track.tag}",
        "object": "realtime.transcription_session",
        "type": "transcription",
        "expires_at": NEVER,
        "audio": {
            "input": {
                "format": {"type": state.form, **rate},
                "transcription": {"model": state.model, **language},
                "noise_reduction": None,
                "turn_detection": {"type": "server_vad"},
            }
        },
    }
