"""One of the speakers of a connection, or its only session."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulst.server.session import Session
from simulst.server.wire.base import Audio, Begin, News, Of

if TYPE_CHECKING:
    from simulst.server.tracks import Tracks

__all__ = ["AUDIBLE", "BEFORE_S", "Track"]

AUDIBLE = 0.005  # of full scale: -46 dB; a voice that is understood peaks far above it
BEFORE_S = 1.0  # of quiet sound that a session begins with
AHEAD_S = 5.0  # at most; so much longer who sends faster than life may stall without having paused


@dataclass(eq=False, slots=True)
class Track:
    """A speaker, or the only session of a connection.

    Attributes:
        tracks: it is one of.
        name: as the wire has it; "" for the only session.
        begin: what its sessions are asked for with.
        session: that runs.
        waited_s: in which the client could have sent more of it and did not.
        silent_s: until the last sound that came, in which nothing could be heard.
        barred_s: until a session is asked for again.
        told: that there is none.
        before: the last quiet sound, while there is no session.
        sent_s: sound may come from then on, if speed is limited.
    """

    tracks: Tracks
    name: str
    begin: Begin = field(default_factory=Begin)
    session: Session | None = None
    waited_s: float = 0.0
    silent_s: float = 0.0
    barred_s: float = 0.0
    told: bool = False
    before: deque[Audio] = field(default_factory=deque)
    sent_s: float = 0.0

    def tell(self, news: News) -> None:
        """Of its session, to the connection."""
        self.tracks.outlet.tell(Of(self.name, news) if self.name else news)

    def leave(self, code: int, reason: str) -> None:
        """Its session is over; so is the connection if it has no other."""
        self.tracks.left(self, code, reason)

    def hear(self, audio: Audio) -> bool:
        """Note that sound came; whether there is anything to be heard."""
        if not len(audio.samples):
            return False
        passed_s = max(len(audio.samples) / audio.rate, self.waited_s)
        audible = bool(np.abs(audio.samples).max() >= AUDIBLE)
        self.silent_s = 0.0 if audible else self.silent_s + passed_s
        self.barred_s = max(0.0, self.barred_s - passed_s)
        self.waited_s = 0.0
        return audible

    def has_paused(self, session: Session) -> bool:
        """Whether no sound has come for too long, by a client that need not send all the time."""
        after_s = self.begin.silence_after_s
        return after_s is not None and self.waited_s >= after_s + min(session.ahead_s, AHEAD_S)

    def keep(self, audio: Audio) -> None:
        """For the beginning of a session, if it comes soon."""
        self.before.append(audio)
        kept = sum(len(each.samples) for each in self.before)
        while kept > BEFORE_S * audio.rate and len(self.before) > 1:
            kept -= len(self.before.popleft().samples)

    def kept(self) -> Audio:
        """What was kept, as if it came at once."""
        samples = np.concatenate([each.samples for each in self.before])
        rate = self.before[-1].rate
        self.before.clear()
        return Audio(samples, rate)
