"""Blocks at any rate and with any channels, put on the one sample clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from simulst.audio.mixing import Block, Samples, mono
from simulst.audio.resampling import Resampler
from simulst.types import AudioChunk

__all__ = ["chunks"]


def chunks(blocks: Iterable[Block], resampler: Resampler) -> Iterator[AudioChunk]:
    """Mix to mono, resample to 16 kHz, clip to [-1, 1] and number the samples from 0.

    Args:
        blocks: (n, channels) float32 each, at the resampler's rate.
        resampler: for that rate.

    Yields:
        Chunks without gaps, none of them empty, as soon as each is known.
    """
    state = resampler.open()
    start = 0
    for block in blocks:
        state, samples = resampler.step(state, mono(block))
        if len(samples):
            yield _chunk(samples, start)
            start += len(samples)
    samples = resampler.finish(state)
    if len(samples):
        yield _chunk(samples, start)


def _chunk(samples: Samples, start: int) -> AudioChunk:
    return AudioChunk(np.clip(samples, -1.0, 1.0), start)
