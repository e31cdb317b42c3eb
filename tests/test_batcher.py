"""Many streams in one call."""

from __future__ import annotations

import numpy as np
import pytest

from simulst import batcher
from simulst.audio.resampling import Resampler
from simulst.errors import AudioError
from simulst.types import Samples, Update
from tests.server.client import Echo, alone, sound, texts

NONE = np.zeros(0, np.float32)


def through(streams: list[batcher.Stream], sounds: list[Samples], size: int) -> list[list[Update]]:
    """Feed all streams to their end, packet by packet, together."""
    given: list[list[Update]] = [[] for _ in streams]
    for start in range(0, max(map(len, sounds)), size):
        feeds = [
            batcher.Feed(stream, each[start : start + size])
            for stream, each in zip(streams, sounds, strict=True)
        ]
        results, took_s = batcher.step(feeds)
        assert took_s >= 0
        for row, fed in enumerate(results):
            assert isinstance(fed, batcher.Fed)
            streams[row] = fed.stream
            given[row] += fed.updates
    results, _ = batcher.step([batcher.Feed(stream, NONE, end=True) for stream in streams])
    for row, fed in enumerate(results):
        assert isinstance(fed, batcher.Fed)
        given[row] += fed.updates
        assert fed.updates[-1].ended
    return given


def test_streams_of_all_rates_and_engines_go_together() -> None:
    """Each stream gives what it does alone, whatever its rate, its engine and its company."""
    engines = Echo("de"), Echo("fr")
    rates = (16_000, 48_000, 8_000, 44_100)
    sounds = [sound(1.3, seed, rate) for seed, rate in enumerate(rates)]
    streams = [batcher.open_stream(engines[row % 2], rate) for row, rate in enumerate(rates)]
    for row, given in enumerate(through(streams, sounds, 3_000)):
        resampler = Resampler(rates[row])
        state, first = resampler.step(resampler.open(), sounds[row])
        whole = np.clip(np.concatenate([first, resampler.finish(state)]), -1, 1)
        assert texts(given) == texts(alone(Echo(), whole))
    assert set(engines[0].calls) == {2}


def test_only_the_guilty_fail() -> None:
    """Where a call fails, each stream of it is fed by itself, and other engines are untouched."""
    one, other = Echo("de"), Echo("fr")
    bad = np.full(1_600, 0.9, np.float32)
    feeds = [
        batcher.Feed(batcher.open_stream(engine, 16_000), samples)
        for engine, samples in (
            (one, sound(0.1)),
            (one, bad),
            (one, sound(0.2)),
            (other, sound(0.1)),
        )
    ]
    results, _ = batcher.step(feeds)
    assert isinstance(results[1], ValueError)
    good = [results[0], results[2], results[3]]
    assert all(isinstance(fed, batcher.Fed) for fed in good)
    assert one.calls == [3, 1, 1, 1]
    assert other.calls == [1]


def test_what_was_heard_is_returned() -> None:
    """The 16 kHz sound comes back clipped, the resampler's tail included at the end."""
    loud = np.full(4_800, -1.0, np.float32)
    loud[2_400:] = 0.0
    stream = batcher.open_stream(Echo(), 48_000)
    (fed,), _ = batcher.step([batcher.Feed(stream, loud, end=True)])
    assert isinstance(fed, batcher.Fed)
    assert len(fed.heard) == 1_600
    assert fed.heard.min() == -1  # the filter alone would go beyond


def test_a_rate_of_no_speech_is_refused() -> None:
    """A stream cannot be opened at a rate that the resampler does not know."""
    with pytest.raises(AudioError, match="100 Hz"):
        batcher.open_stream(Echo(), 100)
