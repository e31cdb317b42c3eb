"""What a server allows: numbers that its operator chooses, with defaults for a small machine."""

from __future__ import annotations

from dataclasses import dataclass

from simulst.errors import ConfigError

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a server and of each session; 0 lifts those that say so.

    Attributes:
        sessions: at once; 0 to go by the measured capacity.
        per_token: sessions at once of one token; 0 for any number.
        pending: connections at once that have not begun a session.
        tracks: speakers of one connection that are interpreted at once, where its protocol carries
            several.
        silent_s: that one of several speakers may be silent and keep a place.
        begin_s: until a connection must have begun one.
        session_s: length of a session, 0 for any; at its end the last words are given.
        idle_s: without a message of the client, 0 for any.
        resume_s: that a resumable session waits for its client.
        drain_s: that sessions may go on after a request to stop.
        queue_s: sound of a session that may wait; then its client is slowed down.
        speed: sound that a client may send, times life; 0 for as fast as the machine allows.
        frame_bytes: of a message.
        outbox_bytes: that may wait for a client who reads too slowly.
    """

    sessions: int = 0
    per_token: int = 0
    pending: int = 64
    tracks: int = 8
    silent_s: float = 30.0
    begin_s: float = 60.0
    session_s: float = 0.0
    idle_s: float = 600.0
    resume_s: float = 60.0
    drain_s: float = 30.0
    queue_s: float = 4.0
    speed: float = 0.0
    frame_bytes: int = 2**20
    outbox_bytes: int = 4 * 2**20

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigError(f"{name} is {value}: it must not be negative")
        if 0 < self.speed < 1:
            raise ConfigError(f"speed is {self.speed}: below 1 no speaker could be followed")
        least = {"pending": 1, "tracks": 1, "silent_s": 0.5, "begin_s": 1, "frame_bytes": 1_024}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be at least {bound}")
