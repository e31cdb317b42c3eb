"""The sessions of one connection: one, or one for each of the speakers whose sound it carries.

A speaker among several is a track. It has a session while they speak: one begins with the first
sound on it that can be heard, with the second before, and ends, with its last words given, when
nothing could be heard for `silent_s`. Its place is then free, for others and for the speaker's next
session. Who finds no place, or whose session fails, is told once and tried again, while the
sound in between is not interpreted; no other track is touched.

All tracks come in one stream of bytes, so what has no room in one session keeps back what stands
behind it, whoever's it is. It waits for a step of the engine at most: those who share a connection
are stepped together when they are due, so that none is behind for long while others are not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from simulst.errors import OverloadedError, ProtocolError
from simulst.server.limits import Limits
from simulst.server.protocols import Outlet
from simulst.server.session import Session
from simulst.server.sessions import Place, Sessions
from simulst.server.track import Track
from simulst.server.wire.base import (
    Audio,
    Begin,
    Ended,
    Failed,
    Finish,
    Mark,
    Restart,
    Resume,
)

__all__ = ["Tracks"]

AGAIN_S = 5.0  # of a speaker's time, until a session is asked for again
BURST_S = 5.0  # of sound, before the limit of speed holds

log = logging.getLogger(__name__)


class Tracks:
    """All of one connection.

    Args:
        outlet: the connection.
        sessions: of the server.
        limits: of the server.
        place: of the connection, for its first session; None for who reads along.
        target: language of the sessions whose wire names none; "" leaves it to the server.
    """

    def __init__(
        self,
        outlet: Outlet,
        sessions: Sessions,
        limits: Limits,
        place: Place | None,
        target: str = "",
    ) -> None:
        self.outlet = outlet
        self._sessions = sessions
        self._limits = limits
        self._place = place
        self._target = target
        self._all: dict[str, Track] = {}
        self._finishing = False
        self.begun = False
        """A session was asked for."""

    def running(self) -> list[Session]:
        """The sessions there are."""
        return [each.session for each in self._all.values() if each.session is not None]

    # -- requests ------------------------------------------------------------------------------

    async def carry_out(
        self, request: Begin | Resume | Audio | Mark | Finish | Restart, name: str = ""
    ) -> None:
        """Do what the wire asks for, on one of several tracks if it has a name.

        Raises:
            ProtocolError: there is no session yet, or there is one already, or it refuses.
        """
        match request:
            case Begin() | Resume():
                self._know(name, request)
            case Audio():
                await self._hear(self._find(name, "sound"), request)
            case Mark():
                session = self._session(name, "a mark")
                session.mark(request)
                await session.room()
            case Finish() if not name and "" not in self._all and self.begun:
                self._finish_all()
            case Finish():
                self._session(name, "the end").finish()
            case Restart():
                self._session(name, "a restart").restart()

    def _find(self, name: str, what: str) -> Track:
        if name not in self._all:
            raise ProtocolError(f"{what} came before a session was begun", "not_started")
        return self._all[name]

    def _session(self, name: str, what: str) -> Session:
        session = self._find(name, what).session
        if session is None:
            raise ProtocolError(f"{what} came while no session runs", "not_started")
        return session

    def _know(self, name: str, request: Begin | Resume) -> None:
        assert self._place is not None, "who reads along begins nothing"
        if isinstance(request, Begin):
            request = replace(request, target=request.target or self._target)
        if name:
            assert isinstance(request, Begin) and not request.resumable, "a track cannot resume"
            self._all.setdefault(name, Track(self, name, request))
            self.begun = True
            return
        if self.begun:
            raise ProtocolError("this connection has its session", "already_started")
        self.begun = True
        track = Track(self, name)
        try:
            if isinstance(request, Resume):
                track.session = self._sessions.resume(request, self._place.owner, track)
                self._place.give_back()
            else:
                track.session = self._sessions.begin(request, self._place, track)
        except (ProtocolError, OverloadedError) as error:
            self.outlet.tell(self._refusal(error))
            self.outlet.leave(1013 if isinstance(error, OverloadedError) else 1008, str(error))
        else:
            track.begin = track.session.begin
            self._all[name] = track

    @staticmethod
    def _refusal(error: ProtocolError | OverloadedError) -> Failed:
        code = error.code if isinstance(error, ProtocolError) else "overloaded"
        return Failed(code, str(error), round(time.time() * 1000))

    async def _hear(self, track: Track, audio: Audio) -> None:
        audible = track.hear(audio)
        if self._finishing:
            return
        if track.name and track.session is not None and track.session.ending:
            await track.session.ended.wait()  # what it gives comes before what the next one gives
            self._all.setdefault(track.name, track)
        if track.session is None:
            track.keep(audio)
            if not (audible and self._begin(track)):
                return
            audio = track.kept()
        assert track.session is not None
        session = track.session
        session.hear(audio)
        await session.room()
        await self._pace(track, len(audio.samples) / audio.rate)

    def _begin(self, track: Track) -> bool:
        """Ask for a session of a speaker; whether there is one."""
        if track.barred_s or self._finishing:
            return False
        assert self._place is not None
        try:
            if len(self.running()) >= (most := self._limits.tracks):
                raise OverloadedError(
                    f"{most} speakers at once are interpreted here: wait until one of them is "
                    "silent for a while"
                )
            track.session = self._sessions.begin(track.begin, self._place, track)
        except (ProtocolError, OverloadedError) as error:
            track.barred_s = AGAIN_S
            if not track.told:
                log.info("a speaker among several is not interpreted: %s", error)
                track.tell(self._refusal(error))
            track.told = True
            return False
        track.told = False
        return True

    async def _pace(self, track: Track, sound_s: float) -> None:
        """Hold a client back who sends faster than it may."""
        if self._limits.speed:
            now_s = time.monotonic()
            track.sent_s = max(track.sent_s, now_s) + sound_s / self._limits.speed
            ahead_s = track.sent_s - now_s - BURST_S / self._limits.speed
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)

    # -- silence and the end -------------------------------------------------------------------

    def look(self, waited_s: float) -> None:
        """See to who has fallen silent; the client was waited for so long since the last time."""
        for track in list(self._all.values()):
            track.waited_s += waited_s
            if track.session is not None and track.has_paused(track.session):
                track.session.pause()
            if track.name and track.silent_s + track.waited_s >= self._limits.silent_s:
                self._release(track)

    def _release(self, track: Track) -> None:
        if track.session is not None:
            reason = f"nothing was heard for {self._limits.silent_s:.6g} s"
            track.session.finish(Ended(reason, "silent"))
        else:
            del self._all[track.name]
            track.tell(Ended())

    def left(self, track: Track, code: int, reason: str) -> None:
        """The session of a track is over."""
        if not track.name:
            self.outlet.leave(code, reason)
            return
        track.session = None
        if code == 1000 or self._finishing:
            del self._all[track.name]
            self._leave_if_done()
        else:
            track.barred_s, track.told = AGAIN_S, True

    def finish(self, why: Ended) -> None:
        """End all sessions, with their last words, and then the connection."""
        if "" in self._all:
            self._session("", "the end").finish(why)
        else:
            self._finish_all(why)

    def _finish_all(self, why: Ended | None = None) -> None:
        self._finishing = True
        for track in list(self._all.values()):
            if track.session is not None:
                track.session.finish(why)
            else:
                del self._all[track.name]
        self._leave_if_done()

    def _leave_if_done(self) -> None:
        if self._finishing and not self._all:
            self.outlet.leave(1000, "")

    def lost(self, deliberate: bool) -> None:
        """The connection is gone.

        Args:
            deliberate: the client closed it with code 1000, and will not come back.
        """
        for track in self._all.values():
            session = track.session
            if session is not None and session.audience.outlet is track:
                self._sessions.lost(session, deliberate)
