"""A stand-in for the session core: drives a wire with a script instead of an engine.

Each `Audio` that comes in leads to the next update of the script, and then to `Taken`; the end
of the audio leads to all that are left. Each track goes through the script by itself. `Core` does
it frame by frame; `serve` on a loopback socket, for real clients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed

from simulst.errors import ProtocolError
from simulst.server.wire.base import (
    Audio,
    Begin,
    Close,
    Ended,
    Finish,
    Frame,
    Given,
    Handshake,
    Mark,
    Marked,
    News,
    Of,
    On,
    Opened,
    Reply,
    Request,
    Restart,
    Taken,
    Wire,
)
from simulst.types import Update

__all__ = ["AT_MS", "Core", "serve"]

AT_MS = 1_700_000_000_000
"""Unix time at which all sessions begin here."""


@dataclass
class Core:
    """One connection.

    Attributes:
        wire: what is tried.
        script: updates, one for each `Audio`, and the rest at the end.
        handshake: what the connection begins with.
        requests: all that the wire asked for.
        errors: all that it refused.
        sent: all frames that it had for the client.
        closed: the connection is over.
    """

    wire: Wire
    script: Sequence[Update] = ()
    handshake: Handshake = field(default_factory=lambda: Handshake("/"))
    requests: list[Request] = field(default_factory=list)
    errors: list[ProtocolError] = field(default_factory=list)
    sent: list[Frame] = field(default_factory=list)
    closed: bool = False

    def __post_init__(self) -> None:
        self._sessions = 0
        self._numbers: Counter[str] = Counter()
        self._samples: Counter[str] = Counter()
        self._left: dict[str, list[Update]] = {}
        self.state, requests = self.wire.open(self.handshake)
        self._carry_out(requests)

    def take(self, *frames: Frame) -> list[Frame]:
        """Take frames of the client; the frames that they lead to."""
        before = len(self.sent)
        for frame in frames:
            assert not self.closed, "the connection is closed"
            try:
                self.state, requests = self.wire.receive(self.state, frame)
            except ProtocolError as error:
                self.errors.append(error)
                self.sent += self.wire.complain(self.state, error)
                self.closed = error.fatal
            else:
                self._carry_out(requests)
        return self.sent[before:]

    def tell(self, *news: News) -> list[Frame]:
        """Tell the wire of news; the frames that they lead to."""
        before = len(self.sent)
        for each in news:
            self.state, frames = self.wire.send(self.state, each)
            self.sent += frames
        return self.sent[before:]

    def _carry_out(self, requests: Sequence[Request]) -> None:
        for request in requests:
            self.requests.append(request)
            self._do(request)

    def _do(self, request: Request, track: str = "") -> None:
        match request:
            case On(track=name, request=inner):
                if not (isinstance(inner, Begin) and name in self._left):
                    self._do(inner, name)
            case Begin(source=source, target=target):
                self._open(track, source, target)
            case Restart():
                self._open(track, "", "")
            case Audio(samples=samples):
                self._samples[track] += len(samples)
                self._give(track, 1)
                self._told(track, Taken(self._samples[track]))
            case Mark(name=name):
                self._told(track, Marked(name))
            case Finish():
                for each in [track] if track else list(self._left):
                    self.end(each)
                self.closed = not self._left
            case Reply(frame=frame):
                self.sent.append(frame)
            case Close():
                self.closed = True
            case _:
                raise AssertionError(f"the script cannot do {request}")

    def end(self, track: str) -> None:
        """End a session, with all that is left of its script."""
        self._give(track, len(self.script))
        del self._left[track]
        self._told(track, Ended())

    def _told(self, track: str, news: News) -> None:
        self.tell(Of(track, news) if track else news)

    def _open(self, track: str, source: str, target: str) -> None:
        self._sessions += 1
        self._left[track] = list(self.script)
        self._numbers[track] = self._samples[track] = 0
        name = f"session-{self._sessions}"
        self._told(track, Opened(name, source or "en", target or "de", at_ms=AT_MS))

    def _give(self, track: str, count: int) -> None:
        for update in self._left[track][:count]:
            self._numbers[track] += 1
            self._told(track, Given(self._numbers[track], update, AT_MS))
        del self._left[track][:count]


@asynccontextmanager
async def serve(wire: Wire, script: Sequence[Update]) -> AsyncIterator[tuple[int, list[Core]]]:
    """The wire on a loopback port, and its connections as they come."""
    cores: list[Core] = []

    async def connection(socket: ServerConnection) -> None:
        assert socket.request is not None
        address = urlsplit(socket.request.path)
        headers = {name.lower(): value for name, value in socket.request.headers.raw_items()}
        query: dict[str, Any] = dict(parse_qsl(address.query))
        core = Core(wire, script, Handshake(address.path, query, headers))
        cores.append(core)
        sent = 0
        try:
            while True:
                for frame in core.sent[sent:]:
                    await socket.send(frame)
                sent = len(core.sent)
                if core.closed:
                    return
                core.take(await socket.recv())
        except ConnectionClosed:
            return

    # one of the clients does not answer when a connection is closed
    async with serve_websocket(connection, "127.0.0.1", 0, close_timeout=0.2) as server:
        yield next(iter(server.sockets)).getsockname()[1], cores
