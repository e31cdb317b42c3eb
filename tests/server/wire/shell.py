"""A stand-in for the session core: drives a wire with a script instead of an engine.

Each `Audio` that comes in leads to the next update of the script, and then to `Taken`; the end
of the audio leads to all that are left. `Core` does it frame by frame; `serve` on a loopback
socket, for real clients.
"""

from __future__ import annotations

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
    Opened,
    Reply,
    Request,
    Restart,
    Taken,
    Wire,
)
from simulst.types import Update

__all__ = ["Core", "serve"]


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
        self._sessions = self._numbers = self._samples = 0
        self._left = list(self.script)
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

    def _do(self, request: Request) -> None:
        match request:
            case Begin(source=source, target=target):
                self._open(source, target)
            case Restart():
                self._left = list(self.script)
                self._open("", "")
            case Audio(samples=samples):
                self._samples += len(samples)
                self._give(self._left[:1])
                del self._left[:1]
                self.tell(Taken(self._samples))
            case Mark(name=name):
                self.tell(Marked(name))
            case Finish():
                self._give(self._left)
                self.tell(Ended())
                self.closed = True
            case Reply(frame=frame):
                self.sent.append(frame)
            case Close():
                self.closed = True
            case _:
                raise AssertionError(f"the script cannot do {request}")

    def _open(self, source: str, target: str) -> None:
        self._sessions += 1
        self._numbers = self._samples = 0
        self.tell(Opened(f"session-{self._sessions}", source or "en", target or "de"))

    def _give(self, updates: Sequence[Update]) -> None:
        for update in updates:
            self._numbers += 1
            self.tell(Given(self._numbers, update))


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
