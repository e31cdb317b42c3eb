"""What the two OpenAI dialects share: JSON events with a type, numbered on the server's side.

No error of a client ends a session: an event that cannot be understood is answered and left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from simulst.errors import ProtocolError
from simulst.server.wire import messages, pcm
from simulst.server.wire.base import Frame, Handshake, Reply
from simulst.types import Samples

__all__ = [
    "NEVER",
    "Outbox",
    "RefusalError",
    "at",
    "complaint",
    "failure",
    "named",
    "read",
    "reply",
    "section",
    "session",
    "sound",
    "tag",
    "text",
]

NEVER = 2**31 - 1
"""`expires_at` of sessions that do not expire: the clients require one, in seconds since 1970."""
LONGEST_TEXT = 512  # characters of an id or a model

T = TypeVar("T")


class RefusalError(ProtocolError):
    """An event that is left out; the session goes on.

    Args:
        message: names what came and what belongs there.
        code: a short name for programs.
        param: path of the field that was wrong, if it was one.
        event_id: as the client named its event, if it did.
    """

    def __init__(
        self,
        message: str,
        code: str = "invalid_value",
        param: str | None = None,
        event_id: str | None = None,
    ) -> None:
        super().__init__(message, code)
        self.param = param
        self.event_id = event_id


# -- what comes in ---------------------------------------------------------------------------


def read(frame: Frame) -> dict[str, Any]:
    """The event in a frame; its `type` is text.

    Raises:
        RefusalError: it is binary, not JSON, not an object, or has no type.
    """
    if isinstance(frame, bytes):
        raise RefusalError(
            f"a binary message of {len(frame)} bytes came: send events as JSON text, and audio "
            "inside of them in base64",
            "invalid_message",
        )
    try:
        fields = messages.read(frame)
    except ProtocolError as error:
        raise RefusalError(str(error), error.code) from error
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise named(
            RefusalError(
                f"the event's type is {messages.shown(kind)}: it must be text",
                "missing_type",
                "type",
            ),
            fields,
        )
    return fields


def named(error: ProtocolError, fields: dict[str, Any]) -> RefusalError:
    """The error as a refusal of one event, with that event's id."""
    event_id = fields.get("event_id")
    if not isinstance(event_id, str) or len(event_id) > LONGEST_TEXT:
        event_id = None
    return RefusalError(str(error), error.code, getattr(error, "param", None), event_id)


def section(fields: dict[str, Any], path: str) -> dict[str, Any]:
    """The object at a dotted path; empty where one on the way is absent or null.

    Raises:
        RefusalError: something on the way is no object.
    """
    here, way = fields, ""
    for name in path.split("."):
        way = f"{way}.{name}" if way else name
        value = here.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise RefusalError(
                f"{way} is {messages.shown(value)}: it must be an object", "invalid_type", way
            )
        here = value
    return here


def text(path: str, value: object) -> str:
    """A value that must be text.

    Raises:
        RefusalError: it is something else, empty or too long.
    """
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise RefusalError(
            f"{path} is {messages.shown(value)}: it must be text of 1 to {LONGEST_TEXT} characters",
            "invalid_type",
            path,
        )
    return value


def at(path: str, check: Callable[..., T], *arguments: object) -> T:
    """What a check gives for the value at a path; where it refuses, the refusal names the path."""
    try:
        return check(*arguments)
    except ProtocolError as error:
        raise RefusalError(str(error), error.code, path) from error


def session(fields: dict[str, Any]) -> dict[str, Any]:
    """The session in an update.

    Raises:
        RefusalError: it is missing or no object.
    """
    value = fields.get("session")
    if not isinstance(value, dict):
        raise RefusalError(
            f"session is {messages.shown(value)}: it must be an object", "invalid_type", "session"
        )
    return value


def sound(fields: dict[str, Any], decode: Callable[[bytes], Samples]) -> Samples:
    """The samples that an event carries.

    Raises:
        RefusalError: they are missing, damaged, or too many.
    """
    return at("audio", lambda: decode(pcm.from_base64(fields.get("audio"))))


# -- what goes out ---------------------------------------------------------------------------


def tag(handshake: Handshake) -> str:
    """16 hexadecimal digits of a connection's own, for the ids of all that is sent on it.

    The websocket handshake has a nonce; an id that lets anybody resume must not be made from it.
    """
    nonce = handshake.headers.get("sec-websocket-key", "")
    key = json.dumps([nonce, handshake.path, sorted(handshake.query.items())])
    return hashlib.sha256(key.encode()).hexdigest()[:16]


class Outbox:
    """Events on their way out, while one piece of news is dealt with.

    Args:
        tag: of the connection.
        sent: events sent before.
    """

    def __init__(self, tag: str, sent: int) -> None:
        self._tag = tag
        self.sent = sent
        self.frames: list[Frame] = []

    def say(self, kind: str, **fields: object) -> None:
        """Add an event."""
        self.sent += 1
        event = {"type": kind, "event_id": f"event_{self._tag}_{self.sent}", **fields}
        self.frames.append(json.dumps(event))


def reply(tag: str, sent: int, kind: str, **fields: object) -> tuple[int, tuple[Reply, ...]]:
    """An event that does not wait for the engine, and the number of events after it."""
    out = Outbox(tag, sent)
    out.say(kind, **fields)
    return out.sent, tuple(Reply(frame) for frame in out.frames)


def complaint(tag: str, sent: int, error: ProtocolError) -> str:
    """The event that tells a client what it did wrong.

    Its id takes no number, as complaining does not change the state: the digest of what is said
    stands for it, beside the number of the event before.
    """
    param, event_id = getattr(error, "param", None), getattr(error, "event_id", None)
    digest = hashlib.sha256(json.dumps([str(error), param, event_id]).encode()).hexdigest()[:8]
    return json.dumps(
        {
            "type": "error",
            "event_id": f"event_{tag}_{sent}_{digest}",
            "error": {
                "type": "invalid_request_error",
                "code": error.code,
                "message": str(error),
                "param": param,
                "event_id": event_id,
            },
        }
    )


def failure(out: Outbox, code: str, message: str) -> None:
    """Add the event that tells a client that the session is over."""
    out.say(
        "error",
        error={
            "type": "server_error",
            "code": code,
            "message": message,
            "param": None,
            "event_id": None,
        },
    )
