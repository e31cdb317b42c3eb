"""All sessions of a server: begun, cut, gone on with, followed, and ended in time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from simulst.errors import OverloadedError, ProtocolError
from simulst.server.admission import Admission
from simulst.server.limits import Limits
from simulst.server.protocols import Counts, Engine, Outlet, Recorder
from simulst.server.session import Session
from simulst.server.speech import Voices
from simulst.server.wire.base import Begin, Ended, Resume

__all__ = ["STOPS", "Place", "Sessions"]

STOPS = "the server stops"

log = logging.getLogger(__name__)


class Place:
    """A place among the sessions: a connection's at first, then its session's.

    A connection that begins several sessions asks with it for another place for each later one.

    Args:
        sessions: that have it.
        owner: who takes it.
        held: it is taken; else it will be tried again when a session is begun.
    """

    def __init__(self, sessions: Sessions, owner: str, held: bool) -> None:
        self.owner = owner
        self._sessions = sessions
        self._held = held

    def hand_over(self) -> None:
        """It is the session's now.

        Raises:
            OverloadedError: it is not held, and there is none.
        """
        if not self._held:
            self._sessions.enter(self.owner)
        self._held = False

    def give_back(self) -> None:
        """It is not needed any more."""
        if self._held:
            self._held = False
            self._sessions.leave(self.owner)


class Sessions:
    """The sessions there are.

    Args:
        engine: that interprets them; its first language serves who names none.
        limits: of the server.
        admission: gives them their places.
        counts: who counts them.
        wake, retire: of the conductor.
        record: begins a recording of a session in the languages of its client; gives None to keep
            none.
        voices: that speak, or None.
        now: in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        limits: Limits,
        admission: Admission,
        counts: Counts,
        wake: Callable[[], None],
        retire: Callable[[Recorder], None] = lambda recording: None,
        record: Callable[[Sequence[str]], Recorder | None] = lambda targets: None,
        voices: Voices | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self.draining = False
        self._limits = limits
        self._admission = admission
        self._counts = counts
        self._wake = wake
        self._retire = retire
        self._record = record
        self._voices = voices
        self._now = now
        self._all: dict[str, Session] = {}
        self._placed: set[Session] = set()

    def running(self) -> list[Session]:
        """Those that are not over."""
        return [each for each in self._all.values() if not each.over]

    def late_s(self) -> float:
        """How far behind life the latest is, of those with sound that waits."""
        return max((each.lag.late_s for each in self.running() if each.waiting), default=0.0)

    # -- places --------------------------------------------------------------------------------

    def enter(self, owner: str) -> None:
        """Take a place for a connection.

        Raises:
            OverloadedError: there is none.
        """
        if self.draining:
            raise OverloadedError("the server is about to stop: it takes no more sessions")
        self._admission.enter(owner, self.late_s(), self._further())

    def leave(self, owner: str) -> None:
        """Give it back."""
        self._admission.leave(owner)

    def may_return(self, name: str = "") -> bool:
        """Whether a client may come back, who needs no other place.

        Args:
            name: of the session, if the client says so before the handshake: then it need not be
                known yet that its connection was cut.
        """
        return name in self._all or any(each.cut_s is not None for each in self._all.values())

    def _further(self) -> int:
        """Languages of all sessions beyond the first of each."""
        return sum(each.languages.further for each in self.running())

    # -- begin and go on -----------------------------------------------------------------------

    def begin(self, begin: Begin, place: Place, outlet: Outlet) -> Session:
        """Start a session.

        Raises:
            ProtocolError: there is no such pair of languages.
            OverloadedError: there is no place.
        """
        targets = (begin.target or self.engine.targets[0], *begin.more)
        for target in targets:
            self.check(target, begin.source)
        if begin.more:
            self._admission.check(self._further() + len(begin.more), self.late_s())
        place.hand_over()
        session = Session(
            self.engine,
            begin,
            place.owner,
            self._limits.queue_s,
            self._wake,
            self._now,
            lambda: self._record(targets),
            self._retire,
        )
        if begin.speech and self._voices is not None:
            session.speech = self._voices.speech(targets[0], session.audience.tell_client)
        self._all[session.id] = session
        self._placed.add(session)
        self._counts.begun(session)
        pair = f"{self.engine.source_language} to {', '.join(targets)}"
        log.info("a session begins: %s%s", pair, f", {place.owner}" if place.owner else "")
        session.attach(outlet)
        return session

    def check(self, target: str, source: str = "") -> None:
        """Whether a pair of languages is served.

        Raises:
            ProtocolError: it is not.
        """
        spoken = self.engine.source_language
        if target not in self.engine.targets or source not in ("", spoken):
            pairs = (f"{spoken} to {each}" for each in self.engine.targets)
            raise ProtocolError(
                f"this server does not interpret {source or spoken} to {target}: "
                f"use {' or '.join(pairs)}",
                "unsupported_language",
                fatal=True,
            )

    def resume(self, request: Resume, owner: str, outlet: Outlet) -> Session:
        """Go on with a session that was cut, or take it over from a connection that is stuck.

        Raises:
            ProtocolError: it is not there, or not theirs, or too much was missed.
        """
        session = self._all.get(request.session)
        theirs = session is not None and session.owner == owner and session.begin.resumable
        if session is None or not theirs or (session.over and session.last is None):
            raise ProtocolError(
                "there is no such session to resume: it may have waited too long; start another",
                "unknown_session",
                fatal=True,
            )
        session.resume(outlet, request.after)
        self._counts.resumed(session)
        return session

    def named(self, name: str) -> Session | None:
        """The session with an id, or with a key to follow it."""
        found = self._all.get(name)
        return found or next((each for each in self._all.values() if each.follow == name), None)

    def check_reading(self, session: Session, target: str) -> None:
        """Whether somebody may read a session along in a language, "" being its first.

        Raises:
            ProtocolError: it has failed in this session.
            OverloadedError: it would have to join, and does not fit.
        """
        languages = session.languages
        if target in languages.lost:
            raise ProtocolError(
                f"the translation into {target} has failed in this session: read another language",
                "internal",
                fatal=True,
            )
        if target and target not in languages.present:
            self._admission.check(self._further() + 1, self.late_s())

    # -- the end -------------------------------------------------------------------------------

    def lost(self, session: Session, deliberate: bool) -> None:
        """The connection of a session's client is gone.

        Args:
            deliberate: the client closed it with code 1000, and will not come back.
        """
        if session.begin.resumable and not deliberate:
            session.cut()
        else:
            self._give_up(session)

    def _give_up(self, session: Session) -> None:
        """Nobody will hear the rest; it is still recorded."""
        session.audience.outlet, session.audience.cut_s = None, None
        if session.recording is not None:
            session.finish(Ended("the client has gone", "gone"))
        else:
            session.close(None)

    def sweep(self) -> None:
        """See to what has become due since the last time."""
        now_s, limits = self._now(), self._limits
        for session in list(self._all.values()):
            waited_s = 0.0 if session.cut_s is None else now_s - session.cut_s
            session.languages.sweep(now_s)
            if session.over:
                if session in self._placed:
                    self._placed.remove(session)
                    self._admission.leave(session.owner)
                    self._counts.ended(session)
                    length_s = session.over_s - session.begun_s
                    log.info("a session of %.0f s is over; %d left", length_s, len(self._placed))
                since_s = now_s - session.over_s
                if not session.begin.resumable or since_s > limits.resume_s:
                    del self._all[session.id]
            elif waited_s > limits.resume_s:
                self._give_up(session)
            elif limits.session_s and now_s - session.begun_s > limits.session_s:
                reason = f"a session may last {limits.session_s:.6g} s on this server"
                session.finish(Ended(reason, "too_long"))

    async def drain(self) -> None:
        """Let the sessions end by themselves for a while, then end them with their last words."""
        self.draining = True
        await self._until_empty(self._limits.drain_s)
        for session in self.running():
            session.finish(Ended(STOPS, "stopping"))
        await self._until_empty(max(10.0, self._limits.drain_s))
        if left := len(self.running()):
            log.warning("%d sessions are broken off: their last words take too long", left)
            self.close()

    def close(self) -> None:
        """Break off what is left."""
        for session in self.running():
            session.close(None)

    async def _until_empty(self, most_s: float) -> None:
        end_s = self._now() + most_s
        while self.running() and self._now() < end_s:
            await asyncio.sleep(0.05)
