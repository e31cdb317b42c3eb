"""A wire on a socket: reads frames as fast as the session takes them, sends news as they come.

Sound is not read while the session has no room, so that TCP slows its client down. A client who
does not read is not waited for: what may wait for it is bounded, and its connection is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from simulst.errors import OverloadedError, ProtocolError
from simulst.server.gate import Ticket
from simulst.server.limits import Limits
from simulst.server.pulse import keep_alive
from simulst.server.session import Session
from simulst.server.sessions import Sessions
from simulst.server.wire.base import (
    Audio,
    Begin,
    Close,
    Failed,
    Finish,
    Frame,
    Mark,
    News,
    Reply,
    Request,
    Restart,
    Resume,
)

__all__ = ["Connection"]

MOST_ERRORS = 100  # frames that do not belong to the wire
BURST_S = 5.0  # of sound, before the limit of speed holds
REASON = 120  # bytes of a close frame's reason

log = logging.getLogger(__name__)


class Connection:
    """One client.

    Args:
        socket: open.
        sessions: all of the server.
        limits: of the server.
        ticket: that it was let in with.
    """

    def __init__(
        self, socket: ServerConnection, sessions: Sessions, limits: Limits, ticket: Ticket
    ) -> None:
        self._socket = socket
        self._sessions = sessions
        self._limits = limits
        self._ticket = ticket
        self._wire = ticket.wire
        self._state = ticket.state
        self._place = ticket.place
        self._session: Session | None = None
        self._outbox: deque[Frame] = deque()
        self._waiting = 0  # characters and bytes in the outbox
        self._repeated = 0  # of them, news that are sent again
        self._closing: asyncio.Task[None] | None = None
        self._more = asyncio.Event()
        self._leaving: tuple[int, str] | None = None
        self._patient = ticket.place is None  # a reader has nothing to say
        self._reading = False  # we wait for the client, not for the session
        self._frames = self._errors = 0
        self._sent_s = 0.0  # sound may be sent from then on, if speed is limited

    # -- what a session calls ------------------------------------------------------------------

    def tell(self, news: News) -> None:
        """Send it in the wire's form."""
        if self._leaving is not None:
            return
        try:
            self._state, frames = self._wire.send(self._state, news)
        except Exception:  # a fault of one wire must not reach other sessions
            log.exception("the %s wire failed on %s", self._wire.name, type(news).__name__)
            self.leave(1011, "internal error")
        else:
            self._put(frames)

    def leave(self, code: int, reason: str) -> None:
        """Close, after what was told has been sent."""
        if self._leaving is None:
            self._leaving = code, reason.encode(errors="replace")[:REASON].decode(errors="ignore")
            self._more.set()

    def abort(self) -> None:
        """Cut it, without a word."""
        self._socket.transport.abort()

    def _put(self, frames: Sequence[Frame]) -> None:
        self._outbox.extend(frames)
        self._waiting += sum(map(len, frames))
        self._more.set()
        if self._waiting - self._repeated > self._limits.outbox_bytes and self._leaving is None:
            reason = "the client reads too slowly"
            self._outbox.clear()
            self.leave(1013, reason)
            # what is being sent would not end before the client reads on
            self._closing = asyncio.create_task(self._socket.close(1013, reason))

    # -- the life of a connection --------------------------------------------------------------

    async def serve(self) -> None:
        """Until it is closed."""
        others = [
            asyncio.create_task(part)
            for part in (self._write(), keep_alive(self._socket, self._signs))
        ]
        try:
            if self._ticket.follows is not None:
                with self._repeating():
                    self._ticket.follows.read_along(self, self._ticket.after)
            await self._carry_out(self._ticket.requests)
            while await self._read():
                pass
        except ProtocolError as error:
            self._wrong(error)
        except ConnectionClosed:
            pass
        except Exception:
            log.exception("the %s wire failed", self._wire.name)
            self.leave(1011, "internal error")
        finally:
            if self._leaving is not None:
                await others[0]
            for other in others:
                other.cancel()
            self._end()

    @contextlib.contextmanager
    def _repeating(self) -> Iterator[None]:
        """What is told meanwhile is no sign of a slow reader, however much it is."""
        self._repeated = sys.maxsize
        try:
            yield
        finally:
            self._repeated = self._waiting

    def _end(self) -> None:
        if self._ticket.follows is not None:
            self._ticket.follows.readers.discard(self)
        if self._place is not None:
            self._place.give_back()
        session = self._session
        if session is not None and session.outlet is self:
            code = self._socket.protocol.close_rcvd
            self._sessions.lost(session, deliberate=code is not None and code.code == 1000)

    async def _read(self) -> bool:
        """Take one frame; False if there will be no other."""
        patience_s = self._patience_s()
        self._reading = True
        try:
            async with asyncio.timeout(patience_s):
                frame = await self._socket.recv()
        except TimeoutError:
            self._out_of_patience(patience_s or 0.0)
            return True
        finally:
            self._reading = False
        self._frames += 1
        if self._leaving is not None:
            return True  # read only until the client has read that it is over
        try:
            if len(frame) > self._limits.frame_bytes:
                raise ProtocolError(
                    f"a message of {len(frame)} bytes: {self._limits.frame_bytes} are allowed; "
                    "send the sound in shorter ones",
                    "too_large",
                    fatal=True,
                )
            self._state, requests = self._wire.receive(self._state, frame)
            await self._carry_out(requests)
        except ProtocolError as error:
            return self._wrong(error)
        return True

    def _patience_s(self) -> float | None:
        if self._leaving is not None or self._patient:
            return None
        limit = self._limits.idle_s if self._session else self._limits.begin_s
        return limit or None

    def _out_of_patience(self, waited_s: float) -> None:
        if self._session is not None:
            self._session.finish(f"nothing came from the client for {waited_s:.6g} s")
            self._patient = True
        else:
            self.tell(Failed("timeout", f"no session was begun within {waited_s:.6g} s"))
            self.leave(1008, "no session was begun")

    def _wrong(self, error: ProtocolError) -> bool:
        """Tell the client what it did; False if the connection ends."""
        self._errors += 1
        fatal = error.fatal or self._errors >= MOST_ERRORS
        if self._leaving is None:
            self._put(self._wire.complain(self._state, error))
            if fatal:
                self.leave(1008, str(error))
        return not fatal

    # -- requests ------------------------------------------------------------------------------

    async def _carry_out(self, requests: Sequence[Request]) -> None:
        for request in requests:
            match request:
                case Begin() | Resume():
                    self._start(request)
                case Reply(frame):
                    self._put((frame,))
                case Close(code, reason):
                    self.leave(code, reason)
                case Audio():
                    session = self._running("sound")
                    session.hear(request)
                    await session.room()
                    await self._pace(len(request.samples) / request.rate)
                case Mark():
                    session = self._running("a mark")
                    session.mark(request)
                    await session.room()
                case Finish():
                    self._running("the end").finish()
                case Restart():
                    self._running("a restart").restart()

    def _running(self, what: str) -> Session:
        if self._session is None:
            raise ProtocolError(f"{what} came before a session was begun", "not_started")
        return self._session

    def _start(self, request: Begin | Resume) -> None:
        if self._session is not None:
            raise ProtocolError("this connection has its session", "already_started")
        assert self._place is not None, "who reads along begins nothing"
        try:
            if isinstance(request, Resume):
                with self._repeating():
                    self._session = self._sessions.resume(request, self._place.owner, self)
                self._place.give_back()
            else:
                self._session = self._sessions.begin(request, self._place, self)
        except (ProtocolError, OverloadedError) as error:
            overloaded = isinstance(error, OverloadedError)
            code = error.code if isinstance(error, ProtocolError) else "overloaded"
            self.tell(Failed(code, str(error)))
            self.leave(1013 if overloaded else 1008, str(error))

    async def _pace(self, sound_s: float) -> None:
        """Hold a client back who sends faster than it may."""
        if self._limits.speed:
            now_s = time.monotonic()
            self._sent_s = max(self._sent_s, now_s) + sound_s / self._limits.speed
            ahead_s = self._sent_s - now_s - BURST_S / self._limits.speed
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)

    # -- beside the reading --------------------------------------------------------------------

    def _signs(self) -> int | None:
        return self._frames if self._reading else None

    async def _write(self) -> None:
        try:
            while True:
                while self._outbox:
                    frame = self._outbox.popleft()
                    self._waiting -= len(frame)
                    await self._socket.send(frame)
                self._repeated = 0
                if self._leaving is not None:
                    await self._socket.close(*self._leaving)
                    return
                self._more.clear()
                await self._more.wait()
        except ConnectionClosed:
            pass
        except Exception:
            log.exception("the %s wire gave what cannot be sent", self._wire.name)
            self.abort()
