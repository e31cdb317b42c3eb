"""What the engine is given to do for one session at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulst import batcher
from simulst.server.backlog import Portion
from simulst.server.protocols import Recorder
from simulst.types import Update

if TYPE_CHECKING:
    from simulst.server.session import Session

__all__ = ["Task"]


@dataclass(slots=True, eq=False)
class Task:
    """A portion of a session's sound for the engine.

    Attributes:
        session: it belongs to.
        feed: for the batcher.
        portion: that it was made from.
        recording: that keeps what is heard and given.
        targets: languages of the session, those that join left out.
        joins: languages that join before the portion.
        result: what came of it, or what went wrong; None until it is done.
        joined: what the languages gave that joined.
        lost: what went wrong with languages that are given up, while the session goes on.
    """

    session: Session
    feed: batcher.Feed
    portion: Portion
    recording: Recorder | None = None
    targets: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    result: batcher.Fed | Exception | None = None
    joined: dict[str, Update] = field(default_factory=dict)
    lost: dict[str, Exception] = field(default_factory=dict)
