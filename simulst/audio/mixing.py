"""Many channels into one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Block", "Samples", "mono"]

Samples = NDArray[np.float32]
"""(n,) of one channel."""
Block = NDArray[np.float32]
"""(n, channels), a row for each moment."""


def mono(block: Block) -> Samples:
    """Mean of the channels; a sample that is not a number becomes silence.

    Floating-point files may hold NaN. One of them would stay for ever in the recurrent state of
    voice activity detection.

    Args:
        block: (n, channels) float32.

    Returns:
        (n,) float32.
    """
    mixed = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
    if np.isfinite(mixed).all():
        return mixed
    return np.where(np.isfinite(mixed), mixed, np.float32(0))
