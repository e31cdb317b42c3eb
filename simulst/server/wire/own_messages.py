"""What clients say on our own wire, which `simulst.server.wire.own` describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulst.errors import ProtocolError
from simulst.server.wire import messages, pcm
from simulst.server.wire.base import PAUSE_S, Begin
from simulst.types import SAMPLE_RATE

__all__ = ["ENCODINGS", "Terms", "fields", "start"]

ENCODINGS = {"s16le": pcm.s16le, "f32le": pcm.f32le}
NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array"}
LONGEST_TEXT = 256  # characters of a mark, a session or a language


@dataclass(frozen=True, slots=True)
class Terms:
    """What a session agreed on; it holds for every connection of the session.

    Attributes:
        rate: samples a second.
        encoding: of the sound.
        tentative, verdicts: events that were asked for.
        tagged: the client named its languages by `to`, and reads which one an event is about.
    """

    rate: int = SAMPLE_RATE
    encoding: str = "s16le"
    tentative: bool = False
    verdicts: bool = False
    tagged: bool = False


_DEFAULTS = {
    "source": "",
    "target": "",
    "to": [],
    "encoding": "s16le",
    "resumable": False,
    "tentative": False,
    "verdicts": False,
    "pauses": False,
}


def start(message: Mapping[str, Any]) -> tuple[Terms, Begin]:
    """What a `start` asks for.

    Raises:
        ProtocolError: it is not what belongs there.
    """
    kinds = {"source": str, "target": str, "to": list, "encoding": str}
    flags = dict.fromkeys(("resumable", "tentative", "verdicts", "pauses"), bool)
    given = fields({**_DEFAULTS, **message}, rate=float, **kinds, **flags)
    if given["encoding"] not in ENCODINGS:
        raise ProtocolError(
            f"encoding is {messages.shown(given['encoding'])}: use one of {', '.join(ENCODINGS)}"
        )
    rate = messages.sample_rate(given["rate"])
    source, target = (messages.language(name, given[name]) for name in ("source", "target"))
    first, *more = _several(given["to"], target) if "to" in message else (target,)
    terms = Terms(
        rate, given["encoding"], given["tentative"], given["verdicts"], tagged="to" in message
    )
    pause_s = PAUSE_S if given["pauses"] else None
    return terms, Begin(source, first, given["resumable"], terms, pause_s, more=tuple(more))


def _several(to: list[Any], target: str) -> tuple[str, ...]:
    """The languages of a list."""
    targets = tuple(messages.language("to", each) for each in to)
    if not targets or "" in targets or len(set(targets)) < len(targets):
        raise ProtocolError(
            f"to is {messages.shown(', '.join(targets))}: name one language or more, each once",
            "invalid_language",
        )
    if target:
        raise ProtocolError("start has target and to: name the languages in one of them")
    return targets


def fields(message: Mapping[str, Any], **kinds: type) -> dict[str, Any]:
    """The fields of a message, if they are the ones that belong there.

    Raises:
        ProtocolError: they are not.
    """
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
