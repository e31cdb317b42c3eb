"""A wire on a socket: reads frames as fast as the session takes them, sends news as they come.

Sound is not read while the session has no room, so that TCP slows its client down. A client who
does not read is not waited for: what may wait for it is bounded, and its connection is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections import deque
from collections.abc import Iterator, Sequence

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from simulst.errors import OverloadedError, ProtocolError
from simulst.server.gate import Ticket
from simulst.server.limits import Limits
from simulst.server.pulse import keep_alive
from simulst.server.sessions import Sessions
from simulst.server.tracks import Tracks
from simulst.server.wire.base import Close, Ended, Failed, Frame, News, On, Reply, Request, Resume

__all__ = ["Connection"]

MOST_ERRORS = 100  # frames that do not belong to the wire
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
        self._limits = limits
        self._ticket = ticket
        self._wire = ticket.wire
        self._state = ticket.state
        self._place = ticket.place
        self._sessions = sessions
        self._tracks = Tracks(self, sessions, limits, ticket.place, ticket.target)
        self._outbox: deque[Frame] = deque()
        self._waiting = 0  # characters and bytes in the outbox
        self._repeated = 0  # of them, news that are sent again
        self._closing: asyncio.Task[None] | None = None
        self._more = asyncio.Event()
        self._leaving: tuple[int, str] | None = None
        self._patient = ticket.place is None  # a reader has nothing to say
        self._reading = False  # we wait for the client, not for the session
        self._frames = self._errors = 0

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
            if (session := self._ticket.follows) is not None:
                with self._repeating():
                    self._sessions.check_reading(session, self._ticket.target)
                    session.read_along(self, self._ticket.after, self._ticket.target)
            await self._carry_out(self._ticket.requests)
            while await self._read():
                pass
        except ProtocolError as error:
            self._wrong(error)
        except OverloadedError as error:  # others who read along were faster
            self.tell(Failed("overloaded", str(error)))
            self.leave(1013, str(error))
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
            self._ticket.follows.part(self)
        if self._place is not None:
            self._place.give_back()
        code = self._socket.protocol.close_rcvd
        self._tracks.lost(deliberate=code is not None and code.code == 1000)

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
        limit = self._limits.idle_s if self._tracks.begun else self._limits.begin_s
        return limit or None

    def _out_of_patience(self, waited_s: float) -> None:
        if self._tracks.begun:
            reason = f"nothing came from the client for {waited_s:.6g} s"
            self._tracks.finish(Ended(reason, "idle"))
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
                case Reply(frame):
                    self._put((frame,))
                case Close(code, reason):
                    self.leave(code, reason)
                case On(track, inner):
                    await self._tracks.carry_out(inner, track)
                case Resume():
                    with self._repeating():
                        await self._tracks.carry_out(request)
                case _:
                    await self._tracks.carry_out(request)

    # -- beside the reading --------------------------------------------------------------------

    def look(self, passed_s: float) -> None:
        """See to what the client leaves out, so long after the last time.

        Only while it is waited for: what is not read because there is no room may have been sent.
        """
        if self._reading and self._leaving is None:
            self._tracks.look(passed_s)

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
