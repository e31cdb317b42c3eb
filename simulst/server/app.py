"""The server: the socket and the tasks around the sessions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from websockets.asyncio.server import Server as SocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from simulst.server.admission import Admission
from simulst.server.conductor import Conductor
from simulst.server.connection import Connection
from simulst.server.gate import Door, Gate, Ticket
from simulst.server.limits import Limits
from simulst.server.metrics import Metrics
from simulst.server.protocols import Engine, Recorder
from simulst.server.session import Session
from simulst.server.sessions import STOPS, Sessions
from simulst.server.speech import Voices
from simulst.types import Update

__all__ = ["App"]

SWEEP_S = 0.25
CLOSE_S = 5.0  # for a client to answer the end of its connection
HANDSHAKE_S = 10.0
KERNEL_BYTES = 2**17  # each way; more would only hide for minutes that a side does not keep up

_SILENT = logging.getLogger("simulst.server.sockets")
"""What websockets would log of a request holds its address, and with it perhaps a token."""
_SILENT.disabled = True


class _Socket(ServerConnection):
    """A connection that is counted until it is let in, and remembers its ticket."""

    app: App
    ticket: Ticket | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        raw = transport.get_extra_info("socket")
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            raw.setsockopt(socket.SOL_SOCKET, option, KERNEL_BYTES)
        if not self.app.knock(self):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.app.gone(self)


class App:
    """All of a server.

    Args:
        engine: that interprets; its first language serves who names none.
        cost: computing seconds for a second of sound in one language, as measured at the start.
        door: who may come in.
        limits: what they may do.
        record: begins a recording of a session in some languages; gives None to keep none.
        voices: that speak to clients who ask for it, or None.
        share: of the cost that a further language of a session adds.
    """

    def __init__(
        self,
        engine: Engine,
        cost: float,
        door: Door | None = None,
        limits: Limits | None = None,
        record: Callable[[Sequence[str]], Recorder | None] = lambda targets: None,
        voices: Voices | None = None,
        share: float = 1.0,
    ) -> None:
        self._voices = voices
        self.door = door or Door()
        self.limits = limits or Limits()
        self.metrics = Metrics(engine.targets)
        self.admission = Admission(self.limits, cost, share)
        self._conductor = Conductor(lambda: self.sessions.running(), self)
        self.sessions = Sessions(
            engine,
            self.limits,
            self.admission,
            self.metrics,
            self._conductor.wake,
            self._conductor.retire,
            record,
            voices,
        )
        self._gate = Gate(self.door, self.sessions, self.admission, self.metrics)
        self._pending: set[_Socket] = set()
        self.connections: set[Connection] = set()

    # -- what the conductor tells --------------------------------------------------------------

    def stepped(self, audio_s: float, further_s: float, compute_s: float) -> None:
        """A call of the engine took so long for so much sound."""
        self.admission.measure(audio_s, compute_s, further_s)
        self.metrics.stepped(audio_s, compute_s)

    def gave(self, session: Session, updates: Mapping[str, Sequence[Update]]) -> None:
        """A session was stepped."""
        self.metrics.gave(session, updates)

    def failed(self, session: Session) -> None:
        """The engine failed on a session."""
        self.metrics.failed(session)

    # -- the socket ----------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[SocketServer]:
        """Serve until the block is left; then all connections are closed at once.

        Raises:
            OSError: the address cannot be had.
        """
        listening = serve(
            self._handle,
            self.door.host,
            self.door.port,
            ssl=self.door.tls,
            ssl_handshake_timeout=HANDSHAKE_S if self.door.tls else None,
            process_request=self._process,
            create_connection=type("_OurSocket", (_Socket,), {"app": self}),
            logger=_SILENT,
            compression=None,  # no small message may become a large one
            max_size=2 * self.limits.frame_bytes,  # the wire is to say what is too large
            max_queue=4,
            open_timeout=HANDSHAKE_S,
            close_timeout=CLOSE_S,
            ping_interval=None,  # a connection knows when it is not reading
            server_header=None,
        )
        # if one of the tasks should fail, so does the server: it could serve nobody any more
        async with listening as server, asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in (self._conductor.run(), self._sweep())]
            try:
                yield server
            finally:
                for task in tasks:
                    task.cancel()
                self.sessions.close()  # else who waits for room in one would wait for ever
                if self._voices is not None:
                    await asyncio.to_thread(self._voices.close)

    async def drain(self) -> None:
        """Let all sessions end, with their last words sent."""
        await self.sessions.drain()
        for connection in list(self.connections):
            connection.leave(1001, STOPS)  # of those that have no session now
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self.connections:
                    await asyncio.sleep(0.02)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sessions.sweep()
            for connection in list(self.connections):
                connection.look(SWEEP_S)

    def knock(self, one: _Socket) -> bool:
        """Whether there may be one more who has not said what they want."""
        if len(self._pending) >= self.limits.pending:
            self.metrics.refused("pending")
            return False
        self._pending.add(one)
        return True

    def gone(self, one: _Socket) -> None:
        """A connection is closed, perhaps before anything came of it."""
        self._pending.discard(one)
        if one.ticket is not None and one.ticket.place is not None:
            one.ticket.place.give_back()

    def _process(self, one: ServerConnection, request: Request) -> Response | None:
        assert isinstance(one, _Socket)
        passed = self._gate.pass_through(request)
        if isinstance(passed, Response):
            return passed
        one.ticket = passed
        return None

    async def _handle(self, one: ServerConnection) -> None:
        assert isinstance(one, _Socket)
        ticket = one.ticket
        assert ticket is not None, "it was let in"
        self._pending.discard(one)
        connection = Connection(one, self.sessions, self.limits, ticket)
        self.connections.add(connection)
        try:
            await connection.serve()
        finally:
            self.connections.discard(connection)
