"""Blocks of any form as chunks on the sample clock."""

from __future__ import annotations

import numpy as np

from simulst.audio.clock import chunks
from simulst.audio.resampling import Resampler


def test_chunks_follow_each_other() -> None:
    """Chunks are mono, never empty, and each begins where the one before ended."""
    rng = np.random.default_rng(0)
    blocks = [rng.uniform(-1, 1, (n, 2)).astype(np.float32) for n in (1, 0, 300, 4_410, 7)]
    end = 0
    for chunk in chunks(blocks, Resampler(44_100)):
        assert chunk.start == end
        assert chunk.samples.ndim == 1 and len(chunk.samples) > 0
        end = chunk.end
    assert end == Resampler(44_100).length(sum(map(len, blocks)))


def test_samples_stay_within_bounds() -> None:
    """Samples beyond full scale are clipped, and the block they came from is not changed."""
    block = np.array([[2.0], [-3.0], [0.5]], np.float32)
    (chunk,) = chunks([block], Resampler(16_000))
    assert chunk.samples.tolist() == [1.0, -1.0, 0.5]
    assert block[0, 0] == 2.0


def test_no_blocks_give_no_chunks() -> None:
    """Nothing in, nothing out."""
    assert list(chunks([], Resampler(48_000))) == []
