"""Speech as samples, at the rate that the realtime protocols speak at."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simulst.audio.resampling import Resampler
from simulst.types import Samples

__all__ = ["RATE", "at_rate", "prepare"]

RATE = 24_000
"""Hz of all speech inside simulst: that of the realtime protocols, and above what synthesisers
commonly give."""


@lru_cache(8)
def _resampler(rate: int, to: int) -> Resampler:
    return Resampler(rate, to)


def prepare() -> None:
    """Do what takes a second for the first sound that is resampled; espeak-ng's is."""
    _resampler(22_050, RATE)


def at_rate(samples: Samples, rate: int, to: int) -> Samples:
    """All of a sound at another rate.

    Args:
        samples: (n,) float32.
        rate: Hz that they have.
        to: Hz wanted.

    Returns:
        (m,) float32 in [-1, 1].

    Raises:
        AudioError: no speech is recorded at that rate.
    """
    resampler = _resampler(rate, to)
    state, first = resampler.step(resampler.open(), samples)
    whole: Samples = np.clip(np.concatenate([first, resampler.finish(state)]), -1.0, 1.0)
    return whole
