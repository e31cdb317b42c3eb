"""Spoken output in the realtime translation protocol: asking for it, sending it, refusing it.

The protocol has the event that carries sound, but no field that asks for it; so it is asked for in
the words of the realtime protocol, `output_modalities` in `session`.
"""

from __future__ import annotations

from typing import Any

from simulst.server.wire import messages, openai_events, pcm
from simulst.server.wire.base import Spoke
from simulst.server.wire.openai_events import Outbox, RefusalError
from simulst.server.wire.sentences import ms
from simulst.speak.sound import RATE

__all__ = ["MODALITIES", "NO_SPEECH", "say_sound", "say_unspoken", "wanted"]

MODALITIES = "session.output_modalities"
NO_SPEECH = (
    f"{MODALITIES} asks for audio, and this server does not speak this language: the translation "
    "comes as text"
)


def wanted(fields: dict[str, Any], before: bool) -> bool:
    """Whether a session is to be spoken after an update.

    Args:
        fields: of the update.
        before: as it was.

    Raises:
        RefusalError: the modalities are no list of "audio" and "text".
    """
    value = openai_events.session(fields).get("output_modalities")
    if value is None:
        return before
    if not (isinstance(value, list) and value and all(each in ("audio", "text") for each in value)):
        raise RefusalError(
            f'{MODALITIES} is {messages.shown(value)}: it must be ["audio"] or ["text"]',
            "invalid_type",
            MODALITIES,
        )
    return "audio" in value


def say_sound(out: Outbox, news: Spoke) -> None:
    """Add sound, in pieces of a second at most, which no client finds too large."""
    for start in range(0, len(news.samples), RATE):
        out.say(
            "session.output_audio.delta",
            delta=pcm.to_base64(news.samples[start : start + RATE]),
            sample_rate=RATE,
            channels=1,
            format="pcm16",
            elapsed_ms=ms(news.heard),
        )


def say_unspoken(out: Outbox, message: str) -> None:
    """Add the event that tells a client who wants to hear the translation that it will not."""
    out.say(
        "error",
        error={
            "type": "server_error",
            "code": "speech_unavailable",
            "message": message,
            "param": MODALITIES,
            "event_id": None,
        },
    )
