"""What the parts of the server ask of each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from simulst import batcher
from simulst.server.wire.base import News
from simulst.types import Samples, Update

if TYPE_CHECKING:
    from simulst.server.session import Session

__all__ = ["Counts", "Engine", "Outlet", "Recorder", "Steps"]


class Engine(batcher.Engine, Protocol):
    """What is asked of `simulst.conference.Conference`."""

    source_language: str

    @property
    def targets(self) -> tuple[str, ...]:
        """Languages that it interprets into; the first serves who names none."""
        ...

    def open(self, targets: Iterable[str] | None = None) -> Any:
        """The state of a session in some of the languages that has heard nothing."""
        ...

    def step(
        self,
        states: Sequence[Any],
        inputs: Sequence[Samples | None],
        strides: Sequence[int] | None = None,
    ) -> list[tuple[Any, dict[str, Update]]]:
        """Feed each session more audio, or None to end it; an update for each of its languages."""
        ...

    def join(self, state: Any, target: str) -> tuple[Any, Update]:
        """Take up another language, from the beginning of the open sentence."""
        ...

    def leave(self, state: Any, target: str) -> Any:
        """Give up a language."""
        ...


class Outlet(Protocol):
    """A connection that is told the news."""

    def tell(self, news: News) -> None:
        """Send it, without waiting and without failing."""
        ...

    def leave(self, code: int, reason: str) -> None:
        """Close it, after what it was told has been sent."""
        ...


class Recorder(Protocol):
    """Keeps a session, sound and words."""

    def hear(self, samples: Samples) -> None:
        """Append sound.

        Raises:
            OutputError: it cannot be written.
        """
        ...

    def write(self, updates: Mapping[str, Update]) -> None:
        """Append what a step gave, by target language; languages that are not kept are passed over.

        Raises:
            OutputError: it cannot be written.
        """
        ...

    def close(self) -> None:
        """Close the files.

        Raises:
            OutputError: the end may be lacking.
        """
        ...


class Counts(Protocol):
    """Who counts sessions."""

    def begun(self, session: Session) -> None:
        """There is one more."""
        ...

    def resumed(self, session: Session) -> None:
        """One was gone on with."""
        ...

    def ended(self, session: Session) -> None:
        """One is over."""
        ...


class Steps(Protocol):
    """Who counts what is done."""

    def stepped(self, audio_s: float, further_s: float, compute_s: float) -> None:
        """A call took so long for so much sound.

        Args:
            audio_s: of all sessions.
            further_s: the same, once for each language of a session beyond its first.
            compute_s: the time it took.
        """
        ...

    def gave(self, session: Session, updates: Mapping[str, Sequence[Update]]) -> None:
        """A session was stepped, and gave something or nothing in each language."""
        ...

    def failed(self, session: Session) -> None:
        """The engine failed on a session."""
        ...
