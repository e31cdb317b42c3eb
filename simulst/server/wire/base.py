"""What a wire and the session core say to each other.

A wire knows one protocol and nothing else: no sockets, no clock, no models. Its state is a value.
The core calls, for each connection,

    state, requests = wire.open(handshake)          once, after the websocket is open
    state, requests = wire.receive(state, frame)    for each frame of the client, in order
    state, frames = wire.send(state, news)          for each piece of news, in order
    frames = wire.complain(state, error)            where something was wrong

and carries out the requests in order. `Taken` follows every `Audio` once the engine has taken it
in, after the news that it led to: wires whose clients count replies answer on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulst.errors import ProtocolError
from simulst.types import Samples, Update

__all__ = [
    "Audio",
    "Begin",
    "Close",
    "Ended",
    "Failed",
    "Finish",
    "Frame",
    "Given",
    "Handshake",
    "Lagging",
    "Mark",
    "Marked",
    "News",
    "Opened",
    "Reply",
    "Request",
    "Restart",
    "Resume",
    "Taken",
    "Wire",
]

Frame = str | bytes
"""A websocket message: text or binary."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The HTTP request that a connection began with.

    Attributes:
        path: without the query.
        query: first value of each name, decoded.
        headers: first value of each name in lower case.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


# -- what a client asks for ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a session. The core answers with `Opened`, or with `Failed` and closes.

    Attributes:
        source, target: languages, ISO 639-1; "" leaves the choice to the server.
        resumable: the client may come back for this session after a cut.
        memo: what the wire wants to know again on a connection that resumes; opaque to the core,
            which puts it into `Opened`.
    """

    source: str = ""
    target: str = ""
    resumable: bool = False
    memo: object = None


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with a session that was cut: news after `after` comes again, then new ones.

    Attributes:
        session: as `Opened` named it.
        after: number of the last `Given` that arrived; 0 for none.
    """

    session: str
    after: int


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """More sound.

    Attributes:
        samples: (n,) float32 mono in [-1, 1], n >= 0.
        rate: samples a second; the same in all of a session.
    """

    samples: Samples
    rate: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Say `Marked` once all audio before it has been dealt with."""

    name: str


@dataclass(frozen=True, slots=True)
class Finish:
    """No more audio: flush the last words, then `Ended`."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Drop what is unfinished, without a flush, and begin again on the same connection."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this at once, whatever the engine is doing."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection, without waiting for anything.

    Attributes:
        code: of the websocket; 1000 is a normal end.
        reason: in words, at most 120 bytes.
    """

    code: int = 1000
    reason: str = ""


Request = Begin | Resume | Audio | Mark | Finish | Restart | Reply | Close


# -- what the core tells a client ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """A session is there.

    Attributes:
        session: its id; with it a resumable session can be gone on with.
        source, target: languages.
        taken: samples, at the client's rate, that the server holds; a client that comes back
            sends from there on. 0 for a new session.
        resumed: it had been cut.
        follow: key with which others may read along; gives no right to send or to resume.
        memo: of the `Begin` that the session began with.
    """

    session: str
    source: str
    target: str
    taken: int = 0
    resumed: bool = False
    follow: str = ""
    memo: object = None


@dataclass(frozen=True, slots=True)
class Given:
    """A step of the engine that gave something: words, a translation or verdicts.

    Attributes:
        number: 1, 2, 3 ... within the session.
        update: what it gave; its times are samples at 16 kHz.
    """

    number: int
    update: Update


@dataclass(frozen=True, slots=True)
class Taken:
    """One `Audio` was taken in.

    Attributes:
        samples: of the session so far, at the client's rate.
    """

    samples: int


@dataclass(frozen=True, slots=True)
class Marked:
    """All audio before a `Mark` has been dealt with."""

    name: str


@dataclass(frozen=True, slots=True)
class Lagging:
    """The session is under pressure.

    Attributes:
        lag_ms: audio that was received and has not been dealt with; 0 when it has caught up.
    """

    lag_ms: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The session cannot be begun, or not go on; the connection is closed after it.

    Attributes:
        code: a short name for programs.
        message: says what was wrong and the way out; holds no secret and no path.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """All audio was dealt with and the last words have been given; the connection is closed.

    Attributes:
        reason: why the server ended it; "" where the client did.
    """

    reason: str = ""


News = Opened | Given | Taken | Marked | Lagging | Failed | Ended


class Wire(Protocol):
    """A protocol. One object serves all connections; what it must remember is in the state."""

    name: str
    """Of the protocol, for logs and metrics."""
    sends_token_in_query: str
    """Name of the query parameter in which its clients may send their token; "" for none."""

    def open(self, handshake: Handshake) -> tuple[Any, Sequence[Request]]:
        """What to do for a new connection.

        Raises:
            ProtocolError: the address asks for something that is not there.
        """
        ...

    def receive(self, state: Any, frame: Frame) -> tuple[Any, Sequence[Request]]:
        """What a frame asks for.

        Raises:
            ProtocolError: it does not belong to the protocol, or not here; state is as before.
        """
        ...

    def send(self, state: Any, news: News) -> tuple[Any, Sequence[Frame]]:
        """The frames that tell a client of the news; none where the protocol has no word for it."""
        ...

    def complain(self, state: Any, error: ProtocolError) -> Sequence[Frame]:
        """The frames that tell a client what it did wrong, in the protocol's own form."""
        ...
