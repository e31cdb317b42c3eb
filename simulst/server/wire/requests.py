"""What a wire asks of the session core."""

from __future__ import annotations

from dataclasses import dataclass

from simulst.types import Samples

__all__ = [
    "PAUSE_S",
    "Audio",
    "Begin",
    "Close",
    "Finish",
    "Frame",
    "Mark",
    "On",
    "Reply",
    "Request",
    "Restart",
    "Resume",
]

Frame = str | bytes
"""A websocket message: text or binary."""

PAUSE_S = 1.0
"""Without sound, after which a client that need not send all the time has paused; what is shorter
is the network's."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a session. The core answers with `Opened`, or with `Failed` and closes.

    Attributes:
        source, target: languages, ISO 639-1; "" leaves the choice to the server.
        resumable: the client may come back for this session after a cut.
        memo: what the wire wants to know again on a connection that resumes; opaque to the core,
            which puts it into `Opened`.
        silence_after_s: the client may stop sending while nobody speaks: when no sound has come
            for so long, the session hears some silence, so that the last words come. None for
            clients who always send.
        speech: the client wants to hear the translation, too; `Opened` says whether it will.
        more: further target languages, each once; the source is recognised once for all.
    """

    source: str = ""
    target: str = ""
    resumable: bool = False
    memo: object = None
    silence_after_s: float | None = None
    speech: bool = False
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with a session that was cut: news after `after` comes again, then new ones.

    Attributes:
        session: as `Opened` named it.
        after: number of the last `Given` that arrived; 0 for none.
    """

    session: str
    after: int


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """More sound.

    Attributes:
        samples: (n,) float32 mono in [-1, 1], n >= 0.
        rate: samples a second; the same in all of a session.
    """

    samples: Samples
    rate: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Say `Marked` once all audio before it has been dealt with."""

    name: str


@dataclass(frozen=True, slots=True)
class Finish:
    """No more audio: flush the last words, then `Ended`."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Drop what is unfinished, without a flush, and begin again on the same connection."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this at once, whatever the engine is doing."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection, without waiting for anything.

    Attributes:
        code: of the websocket; 1000 is a normal end.
        reason: in words, at most 120 bytes.
    """

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True, slots=True)
class On:
    """A request on one of several tracks.

    Attributes:
        track: names the speaker, never "".
        request: its `Begin` is not resumable.
    """

    track: str
    request: Begin | Audio | Mark | Finish | Restart


Request = Begin | Resume | Audio | Mark | Finish | Restart | Reply | Close | On
