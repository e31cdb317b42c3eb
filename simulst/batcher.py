"""Many streams, one model call.

A stream is a session of the engine with its sound at any rate: a value like the session's state.
`step` takes any number of them, resamples what is new in each and feeds those of one engine to it
together. It has no threads and no queues: whoever serves many streams decides when to call it,
and in which thread.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from simulst.audio.resampling import Resampler, ResamplerState, check_rate
from simulst.types import Samples

__all__ = ["Engine", "Feed", "Fed", "Stream", "open_stream", "step"]


class Engine(Protocol):
    """What is asked of `simulst.pipeline.Interpreter` and `simulst.conference.Conference`."""

    step_samples: int

    def open(self) -> Any:
        """The state of a session that has heard nothing."""
        ...

    def step(
        self,
        states: Sequence[Any],
        inputs: Sequence[Samples | None],
        strides: Sequence[int] | None = None,
    ) -> Sequence[tuple[Any, Any]]:
        """Feed each session more audio, or None to end it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A session and its sound.

    Attributes:
        engine: that hears it.
        rate: of the sound, samples a second.
        session: the engine's state.
        sound: the resampler's state; None before the first sound.
    """

    engine: Engine
    rate: int
    session: Any
    sound: ResamplerState | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """More for a stream.

    Attributes:
        stream: it has not ended.
        samples: (n,) float32 at the stream's rate, n >= 0.
        end: nothing follows.
        stride: steps that may be heard as one.
    """

    stream: Stream
    samples: Samples
    end: bool = False
    stride: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Fed:
    """What came of it.

    Attributes:
        stream: after it.
        updates: what the engine gave in a call, an update or one for each of several languages;
            two where the stream ended.
        heard: (m,) samples at 16 kHz that the engine was given.
    """

    stream: Stream
    updates: tuple[Any, ...]
    heard: Samples


def open_stream(engine: Engine, rate: int) -> Stream:
    """A stream of which nothing has been heard.

    Raises:
        AudioError: no speech is recorded at that rate.
    """
    check_rate(rate)
    return Stream(engine, rate, engine.open())


@lru_cache(16)
def _resampler(rate: int) -> Resampler:
    """Its table takes a while to make, and serves all streams of the rate."""
    return Resampler(rate)


def step(feeds: Sequence[Feed]) -> tuple[list[Fed | Exception], float]:
    """Feed all streams, those of one engine together.

    If a call fails, its streams are fed one by one, so that only the guilty one fails.

    Returns:
        For each feed what came of it, or what went wrong; and the seconds that all took.
    """
    begun_s = time.perf_counter()
    results: dict[int, Fed | Exception] = {}
    engines = {id(feed.stream.engine): feed.stream.engine for feed in feeds}
    for engine in engines.values():
        rows = [row for row, feed in enumerate(feeds) if feed.stream.engine is engine]
        try:
            results.update(zip(rows, _feed(engine, [feeds[row] for row in rows]), strict=True))
        except Exception as error:  # whatever a model may raise; states are values, so try again
            for row in rows:
                results[row] = error if len(rows) == 1 else _alone(engine, feeds[row])
    return [results[row] for row in range(len(feeds))], time.perf_counter() - begun_s


def _alone(engine: Engine, feed: Feed) -> Fed | Exception:
    try:
        (fed,) = _feed(engine, [feed])
    except Exception as error:
        return error
    return fed


def _feed(engine: Engine, feeds: Sequence[Feed]) -> list[Fed]:
    sounds, heard = [], []
    for feed in feeds:
        resampler = _resampler(feed.stream.rate)
        sound, samples = resampler.step(feed.stream.sound or resampler.open(), feed.samples)
        if feed.end:
            samples = np.concatenate([samples, resampler.finish(sound)])
        sounds.append(sound)
        heard.append(np.clip(samples, -1.0, 1.0))
    strides = [feed.stride for feed in feeds]
    first = engine.step([feed.stream.session for feed in feeds], heard, strides)
    states = [state for state, _ in first]
    updates: list[tuple[Any, ...]] = [(update,) for _, update in first]
    if last := [row for row, feed in enumerate(feeds) if feed.end]:
        flushed = engine.step([states[row] for row in last], [None] * len(last))
        for row, (state, update) in zip(last, flushed, strict=True):
            states[row] = state
            updates[row] += (update,)
    return [
        Fed(Stream(engine, feed.stream.rate, state, sound), given, samples)
        for feed, state, sound, given, samples in zip(
            feeds, states, sounds, updates, heard, strict=True
        )
    ]
