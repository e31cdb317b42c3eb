"""How loud a microphone is, and for how long it has been silent."""

from __future__ import annotations

import math

import numpy as np

from simulst.audio.mixing import Block

__all__ = ["FLOOR_DB", "Level"]

FLOOR_DB = -90.0
"""The meter's lowest reading; 16 bits end there."""

SILENT_DB = -66.0  # a room with a microphone that works is louder, a muted one is not
FALL_DB = 30.0  # a second: so slowly the meter falls, or nobody could read it


class Level:
    """Of one input, from the blocks as they come.

    Attributes:
        db: root mean square, full scale 0; rises at once and falls slowly.
        silent_s: since the last sound.
        heard: there has been a sound.
    """

    def __init__(self) -> None:
        self.db = FLOOR_DB
        self.silent_s = 0.0
        self.heard = False

    def take(self, block: Block, seconds: float) -> None:
        """Take in a block that lasts so long."""
        power = float(np.mean(np.square(block), dtype=np.float64)) if block.size else 0.0
        db = max(FLOOR_DB, 10 * math.log10(power)) if power > 0 else FLOOR_DB
        self.db = max(db, self.db - FALL_DB * seconds)
        if db > SILENT_DB:
            self.silent_s, self.heard = 0.0, True
        else:
            self.silent_s += seconds
