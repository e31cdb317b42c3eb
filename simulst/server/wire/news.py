"""What the session core tells a wire."""

from __future__ import annotations

from dataclasses import dataclass

from simulst.types import Samples, Update

__all__ = [
    "Dropped",
    "Ended",
    "Failed",
    "Given",
    "Lagging",
    "Marked",
    "News",
    "Of",
    "Opened",
    "Silenced",
    "Spoke",
    "Taken",
]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session is there.

    Attributes:
        session: its id; with it a resumable session can be gone on with.
        source, target: languages.
        taken: samples, at the client's rate, that the server holds; a client that comes back
            sends from there on. 0 for a new session.
        resumed: it had been cut.
        follow: key with which others may read along; gives no right to send or to resume.
        memo: of the `Begin` that the session began with.
        at_ms: when it was begun, Unix time.
        speech: the translation will be spoken, as `Begin` asked for.
        more: further target languages, as `Begin` asked for them, but for those that were dropped.
        offers: all target languages that could be read.
    """

    session: str
    source: str
    target: str
    taken: int = 0
    resumed: bool = False
    follow: str = ""
    memo: object = None
    at_ms: int = 0
    speech: bool = False
    more: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """A step of the engine that gave something: words, a translation or verdicts.

    Attributes:
        number: 1, 2, 3 ... within the session.
        update: what it gave; its times are samples at 16 kHz.
        at_ms: what to add to the times of the update for Unix time. A client that pauses moves it
            on, a network that is uneven to and fro.
        target: language that it is about. Each language of a session has all that it would have
            alone; the numbers run through all of them.
    """

    number: int
    update: Update
    at_ms: int = 0
    target: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """One `Audio` was taken in.

    Attributes:
        samples: of the session so far, at the client's rate.
    """

    samples: int


@dataclass(frozen=True, slots=True)
class Marked:
    """All audio before a `Mark` has been dealt with."""

    name: str


@dataclass(frozen=True, slots=True)
class Lagging:
    """The session is under pressure.

    Attributes:
        lag_ms: audio that was received and has not been dealt with; 0 when it has caught up.
    """

    lag_ms: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The session cannot be begun, or not go on; a connection without tracks is closed after it.

    Attributes:
        code: a short name for programs.
        message: says what was wrong and the way out; holds no secret and no path.
        at_ms: when it was told, Unix time; 0 where nobody noted it.
    """

    code: str
    message: str
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Dropped:
    """One of several target languages has failed; the session goes on without it.

    Attributes:
        target: the language.
        message: why; holds no secret and no path.
    """

    target: str
    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """All audio was dealt with and the last words have been given; a connection without tracks is
    closed.

    Attributes:
        reason: why the server ended it; "" where the client did.
        code: the same, a short name for programs.
    """

    reason: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Spoke:
    """Part of the translation as sound, to be played behind the parts before it.

    It is told to the client alone whose `Begin` asked for it, once: who comes back after a cut is
    not told again.

    Attributes:
        samples: (n,) float32 mono in [-1, 1] at `simulst.speak.sound.RATE`, 24 kHz.
        heard: samples of the stream at 16 kHz that had been heard when its words were written.
    """

    samples: Samples
    heard: int


@dataclass(frozen=True, slots=True)
class Silenced:
    """No more `Spoke` will come; the session goes on.

    Attributes:
        message: why; holds no secret and no path.
    """

    message: str


@dataclass(frozen=True, slots=True)
class Of:
    """News of one of several tracks, told to a wire that asked for them by `On`."""

    track: str
    news: News


News = Opened | Given | Taken | Marked | Lagging | Failed | Dropped | Ended | Spoke | Silenced | Of
