"""What the engine makes of one session, a portion of sound at a time, in all of its languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from simulst import batcher
from simulst.server.backlog import Backlog, Portion
from simulst.server.languages import Languages
from simulst.server.protocols import Engine
from simulst.types import SAMPLE_RATE, Update

__all__ = ["Interpretation"]


class Interpretation:
    """Of one session.

    Args:
        engine: that interprets it.
        languages: of the session.
    """

    def __init__(self, engine: Engine, languages: Languages) -> None:
        self._engine = engine
        self._languages = languages
        self._stream: batcher.Stream | None = None

    def restart(self) -> None:
        """Begin again with the next portion."""
        self._stream = None

    @property
    def waits(self) -> bool:
        """There is something to do, also without sound: a language joins."""
        return self._languages.joining and self._stream is not None

    def next(
        self, backlog: Backlog, stride: int
    ) -> tuple[batcher.Feed, Portion, tuple[str, ...], tuple[str, ...]]:
        """Take a portion of sound: a step of the engine, or several.

        Returns:
            The feed, the portion, the languages that are there, and those that join before it.
        """
        rate = backlog.rate or SAMPLE_RATE
        if self._stream is None or self._stream.rate != rate:  # before any sound it is a guess
            state = self._engine.open(self._languages.begin())
            self._stream = batcher.Stream(self._engine, rate, state)
        joins, leaves = self._languages.change()
        for target in leaves:
            left = self._engine.leave(self._stream.session, target)
            self._stream = replace(self._stream, session=left)
        portion = backlog.take(-(-stride * self._engine.step_samples * rate // SAMPLE_RATE))
        feed = batcher.Feed(self._stream, portion.samples, portion.end, stride)
        there = tuple(each for each in self._languages.present if each not in joins)
        return feed, portion, there, joins

    def took(self, fed: batcher.Fed, joined: Mapping[str, Update]) -> list[dict[str, Update]]:
        """Go on from what came of a portion: what was given, step by step.

        Args:
            fed: by the engine.
            joined: what the languages gave that joined before it.
        """
        self._stream = fed.stream
        self._languages.join(joined)
        return [self._languages.place(step) for step in (joined, *fed.updates)]
