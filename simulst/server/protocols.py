"""What the parts of the server ask of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from simulst import batcher
from simulst.server.wire.base import News
from simulst.types import Update

if TYPE_CHECKING:
    from simulst.server.session import Session

__all__ = ["Counts", "Engine", "Outlet", "Steps"]


class Engine(batcher.Engine, Protocol):
    """What is asked of `simulst.pipeline.Interpreter`."""

    source_language: str
    target_language: str


class Outlet(Protocol):
    """A connection that is told the news."""

    def tell(self, news: News) -> None:
        """Send it, without waiting and without failing."""
        ...

    def leave(self, code: int, reason: str) -> None:
        """Close it, after what it was told has been sent."""
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

    def stepped(self, audio_s: float, compute_s: float) -> None:
        """A call took so long for so much sound."""
        ...

    def gave(self, session: Session, updates: Sequence[Update]) -> None:
        """A session was stepped, and gave something or nothing."""
        ...

    def failed(self, session: Session) -> None:
        """The engine failed on a session."""
        ...
