"""The OpenAI realtime translation protocol, at /v1/realtime/translations?model=...

    client: session.update, session.input_audio_buffer.append, session.close
    server: session.created, session.updated, session.input_transcript.delta,
            session.output_transcript.delta, session.output_audio.delta, session.closed, error

Audio is 16-bit PCM at 24 kHz, mono, in base64. Deltas carry their own spaces: a client appends
them. `elapsed_ms` says how much of the stream had been heard when the text was written. Source
words come only while `audio.input.transcription` is set.

Speech comes where the update that begins the session asks for it, in the words of the realtime
protocol, `"output_modalities": ["audio"]` in `session`, as the translation protocol has none for
it. Text comes beside it. A server that does not speak says so in an error, once `session.updated`
has come without that field, and the session goes on as text.

The first `session.update` that names `audio.output.language` begins the session, or the first audio
does, in the language of the server's choice. `session.updated` then waits for the session. The
language cannot change after that: what is written is final, and a session knows one pair.
`?source=en` names the language spoken. Noise reduction may be asked for, but is not done:
`session.updated` says null, as it is. Sessions do not expire: `expires_at` is the largest 32-bit
number. An event that is wrong is answered with an error and left out; the session goes on. Where
the server ends it, an error says why before `session.closed`.

The protocol itself cannot resume. A client that asks for more gets events that others never see:

    {"type": "session.update", "session": {"audio": ..., "simulst": {"resumable": true}}}

with the update that begins the session. The server then adds

    {"type": "simulst.session", "session": ID, "resumed": false, "taken": 0}
    {"type": "simulst.step", "number": N}    after the deltas of a step; N rises, not always by 1

After a cut the client connects again with `?simulst_resume=ID&after=N`, N being the number of the
last step that arrived, 0 for none. It waits for `simulst.session` and sends audio from sample
`taken` on. All deltas since step N come again, the same and in the same order; those that arrived
behind step N are known, so the client skips as many. Transcription stays as it was at the
beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulst.errors import ProtocolError
from simulst.server.wire import messages, openai_events, openai_speech, pcm
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
    Request,
    Resume,
    Silenced,
    Spoke,
)
from simulst.server.wire.openai_events import NEVER, Outbox, RefusalError
from simulst.server.wire.openai_speech import MODALITIES
from simulst.server.wire.sentences import ms
from simulst.types import Update, Word

__all__ = ["RATE", "OpenAITranslation", "TranslationState"]

RATE = 24_000  # Hz, the only one of the protocol
_LANGUAGE = "session.audio.output.language"
_TRANSCRIPTION = "session.audio.input.transcription"
_RESUMABLE = "session.simulst.resumable"
_DIGITS = 18  # of the highest step


@dataclass(frozen=True, slots=True)
class TranslationState:
    """A connection.

    Attributes:
        tag: of its ids.
        model: as the client named it; any will do.
        source: language spoken, or "".
        target: language to translate into; "" until it is known.
        transcription: model that the client named for source text; "" for none.
        speech: the client asked to hear the translation, and was not told otherwise.
        resumable: the client asked for the events of the extension.
        begun: a session was asked for.
        opened: it is there.
        resuming: a session that was cut is asked for and not there yet.
        closing: session.close has come.
        owed: updates that are answered when the session is there.
        spoken: source words have been sent, so that a space comes before the next.
        sent: events.
    """

    tag: str
    model: str
    source: str = ""
    target: str = ""
    transcription: str = ""
    speech: bool = False
    resumable: bool = False
    begun: bool = False
    opened: bool = False
    resuming: bool = False
    closing: bool = False
    owed: int = 0
    spoken: bool = False
    sent: int = 0


class OpenAITranslation:
    """Implements `Wire`."""

    name = "openai-translation"
    sends_token_in_query = ""

    def open(self, handshake: Handshake) -> tuple[TranslationState, Sequence[Request]]:
        """Greet the client, or take up a session that was cut."""
        query = handshake.query
        state = TranslationState(
            openai_events.tag(handshake),
            query.get("model") or "simulst",
            messages.language("source", query.get("source")),
        )
        if session := query.get("simulst_resume"):
            after = _step(query.get("after", "0"))
            state = replace(state, resumable=True, begun=True, resuming=True, spoken=after > 0)
            return state, (Resume(session, after),)
        return _reply(state, "session.created", session=_session(state))

    def receive(
        self, state: TranslationState, frame: Frame
    ) -> tuple[TranslationState, Sequence[Request]]:
        """Take settings, audio or the end."""
        fields = openai_events.read(frame)
        try:
            if state.closing:
                raise RefusalError(
                    "an event came after session.close: open a new connection", "session_closing"
                )
            if state.resuming:
                raise RefusalError(
                    "wait for simulst.session before the first event", "out_of_order"
                )
            match fields["type"]:
                case "session.update":
                    return _update(state, fields)
                case "session.input_audio_buffer.append":
                    return _append(state, fields)
                case "session.close":
                    return _close(state)
            raise RefusalError(
                f"the event's type is {messages.shown(fields['type'])}: it must be session.update, "
                "session.input_audio_buffer.append or session.close",
                "unknown_event",
                "type",
            )
        except ProtocolError as error:
            raise openai_events.named(error, fields) from error

    def send(self, state: TranslationState, news: News) -> tuple[TranslationState, Sequence[Frame]]:
        """Tell of the session, its words and its end."""
        out = Outbox(state.tag, state.sent)
        match news:
            case Opened():
                state = _open(state, news, out)
            case Given(number=number, update=update):
                state = _deltas(state, update, out)
                if state.resumable and out.frames:
                    out.say("simulst.step", number=number)
            case Spoke() if state.speech:
                openai_speech.say_sound(out, news)
            case Silenced(message=message) if state.speech:
                state = replace(state, speech=False)
                openai_speech.say_unspoken(out, message)
            case Failed(code=code, message=message):
                openai_events.failure(out, code, message)
            case Ended(reason=reason):
                if reason:
                    openai_events.failure(out, "session_ended", reason)
                out.say("session.closed")
        return replace(state, sent=out.sent), out.frames

    def complain(self, state: TranslationState, error: ProtocolError) -> Sequence[Frame]:
        """An error event."""
        return (openai_events.complaint(state.tag, state.sent, error),)


# -- what comes in ---------------------------------------------------------------------------


def _step(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise ProtocolError(
            f"after is {messages.shown(text)}: it must be the number of a simulst.step, or 0",
            fatal=True,
        )
    return int(text)


def _update(
    state: TranslationState, fields: dict[str, Any]
) -> tuple[TranslationState, Sequence[Request]]:
    """Change the settings, all or none."""
    _check_fixed(state, openai_events.session(fields))
    new = _speech(_resumable(_transcription(state, fields), fields), fields)
    language = openai_events.section(fields, "session.audio.output").get("language")
    target = openai_events.at(_LANGUAGE, messages.language, _LANGUAGE, language)
    if target and state.begun and target != state.target:
        raise RefusalError(
            f"{_LANGUAGE} is {messages.shown(language)}: this session translates into "
            f"{messages.shown(state.target)}, and what it has written is final; close it and open "
            "a new one for another language"
            if state.target
            else f"{_LANGUAGE} is {messages.shown(language)}: the session has begun in the "
            "language of the server's choice; name the language before the first audio",
            "language_fixed",
            _LANGUAGE,
        )
    if not state.begun and target:
        return replace(new, target=target, begun=True, owed=1), (_begin(new, target),)
    if new.begun and not new.opened:
        return replace(new, owed=new.owed + 1), ()
    return _reply(new, "session.updated", session=_session(new))


def _check_fixed(state: TranslationState, session: dict[str, Any]) -> None:
    for name, value in (("type", "translation"), ("model", state.model)):
        if session.get(name) not in (None, value):
            raise RefusalError(
                f"session.{name} is {messages.shown(session[name])}: it is "
                f"{messages.shown(value)} here and cannot be changed",
                "fixed_field",
                f"session.{name}",
            )


def _transcription(state: TranslationState, fields: dict[str, Any]) -> TranslationState:
    audio = openai_events.section(fields, "session.audio.input")
    if "transcription" not in audio:
        return state
    model = ""
    if audio["transcription"] is not None:
        wanted = openai_events.section(fields, _TRANSCRIPTION)
        model = openai_events.text(f"{_TRANSCRIPTION}.model", wanted.get("model"))
    if state.resumable and state.begun and model != state.transcription:
        raise RefusalError(
            f"{_TRANSCRIPTION} cannot change in a resumable session: name it with the language",
            "fixed_field",
            _TRANSCRIPTION,
        )
    return replace(state, transcription=model)


def _resumable(state: TranslationState, fields: dict[str, Any]) -> TranslationState:
    wanted = openai_events.section(fields, "session.simulst").get("resumable", state.resumable)
    if not isinstance(wanted, bool):
        raise RefusalError(
            f"{_RESUMABLE} is {messages.shown(wanted)}: it must be true or false",
            "invalid_type",
            _RESUMABLE,
        )
    if state.begun and wanted != state.resumable:
        raise RefusalError(
            f"{_RESUMABLE} came after the session had begun: name it with the language",
            "fixed_field",
            _RESUMABLE,
        )
    return replace(state, resumable=wanted)


def _speech(state: TranslationState, fields: dict[str, Any]) -> TranslationState:
    wanted = openai_speech.wanted(fields, state.speech)
    if state.begun and wanted != state.speech:
        raise RefusalError(
            f"{MODALITIES} cannot change once the session has begun: name them with the language",
            "fixed_field",
            MODALITIES,
        )
    return replace(state, speech=wanted)


def _begin(state: TranslationState, target: str) -> Begin:
    memo = state.transcription
    return Begin(state.source, target, state.resumable, memo, speech=state.speech)


def _append(
    state: TranslationState, fields: dict[str, Any]
) -> tuple[TranslationState, Sequence[Request]]:
    audio = Audio(openai_events.sound(fields, pcm.s16le), RATE)
    if state.begun:
        return state, (audio,)
    return replace(state, begun=True), (_begin(state, ""), audio)


def _close(state: TranslationState) -> tuple[TranslationState, Sequence[Request]]:
    if state.begun:
        return replace(state, closing=True), (Finish(),)
    state, requests = _reply(replace(state, closing=True), "session.closed")
    return state, (*requests, Close())


# -- what goes out ---------------------------------------------------------------------------


def _reply(
    state: TranslationState, kind: str, **fields: object
) -> tuple[TranslationState, Sequence[Request]]:
    """Answer without the engine."""
    sent, replies = openai_events.reply(state.tag, state.sent, kind, **fields)
    return replace(state, sent=sent), replies


def _session(state: TranslationState) -> dict[str, Any]:
    transcription = {"model": state.transcription} if state.transcription else None
    modalities = {"output_modalities": ["audio"]} if state.speech else {}
    return {
        **modalities,
        "id": f"sess_{state.tag}",
        "type": "translation",
        "model": state.model,
        "expires_at": NEVER,
        "audio": {
            "input": {"transcription": transcription, "noise_reduction": None},
            "output": {"language": state.target or None},
        },
    }


def _open(state: TranslationState, news: Opened, out: Outbox) -> TranslationState:
    wanted = state.speech
    state = replace(state, opened=True, source=news.source, target=news.target, speech=news.speech)
    if state.resuming:
        state = replace(state, resuming=False, transcription=str(news.memo or ""))
        out.say("session.created", session=_session(state))
    for _ in range(state.owed):
        out.say("session.updated", session=_session(state))
    if wanted and not news.speech:
        openai_speech.say_unspoken(out, openai_speech.NO_SPEECH)
    if state.resumable:
        out.say("simulst.session", session=news.session, resumed=news.resumed, taken=news.taken)
    return replace(state, owed=0)


def _deltas(state: TranslationState, update: Update, out: Outbox) -> TranslationState:
    """What became final: source words if they are wanted, then the translation."""
    for item in update.committed if state.transcription else ():
        if isinstance(item, Word):
            delta = f" {item.text}" if state.spoken else item.text
            out.say("session.input_transcript.delta", delta=delta, elapsed_ms=ms(update.heard))
            state = replace(state, spoken=True)
    for unit in update.emissions:
        out.say(
            "session.output_transcript.delta",
            delta=unit.space + unit.text,
            elapsed_ms=ms(unit.delay),
        )
    return state
