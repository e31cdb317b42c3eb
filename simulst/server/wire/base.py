"""What a wire and the session core say to each other.

A wire knows one protocol and nothing else: no sockets, no clock, no models. Its state is a value.
The core calls, for each connection,

    state, requests = wire.open(handshake)          once, after the websocket is open
    state, requests = wire.receive(state, frame)    for each frame of the client, in order
    state, frames = wire.send(state, news)          for each piece of news, in order
    frames = wire.complain(state, error)            where something was wrong

and carries out the requests in order. `Taken` follows every `Audio` once the engine has taken it
in, after the news that it led to: wires whose clients count replies answer on it.

A connection has one session, unless its protocol carries several speakers. Then each is a track:
its requests are wrapped in `On`, its news in `Of`. `On(track, Begin)` makes a track known, and
the core begins a session on it when something is heard there: `Opened` and what follows, `Failed`
where there is none for now, which the core goes on to try, and `Ended` when the speaker has fallen
silent. After that both sides have forgotten the track, and the wire begins it anew with its next
sound. Asking again for a track that is known changes nothing. `Finish` outside `On` is for all
tracks; the connection is closed after the last has ended. How many tracks a connection may name
is for the wire to bound; how many of them have sessions, for the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulst.errors import ProtocolError
from simulst.server.wire.news import (
    Dropped,
    Ended,
    Failed,
    Given,
    Lagging,
    Marked,
    News,
    Of,
    Opened,
    Silenced,
    Spoke,
    Taken,
)
from simulst.server.wire.requests import (
    PAUSE_S,
    Audio,
    Begin,
    Close,
    Finish,
    Frame,
    Mark,
    On,
    Reply,
    Request,
    Restart,
    Resume,
)

__all__ = [
    "PAUSE_S",
    "Audio",
    "Begin",
    "Close",
    "Dropped",
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
    "Of",
    "On",
    "Opened",
    "Reply",
    "Request",
    "Restart",
    "Resume",
    "Silenced",
    "Spoke",
    "Taken",
    "Wire",
]


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
