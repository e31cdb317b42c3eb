"""The meter of a microphone."""

from __future__ import annotations

import numpy as np
import pytest

from simulst.audio.level import FLOOR_DB, Level


def block(value: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """A twentieth of a second."""
    return np.full((800, 1), value, np.float32)


@pytest.mark.parametrize(("value", "db"), [(1.0, 0.0), (0.1, -20.0), (-0.01, -40.0), (0.0, -90.0)])
def test_the_level_is_in_decibels(value: float, db: float) -> None:
    """Full scale is 0, a tenth of it 20 less, and silence the floor."""
    level = Level()
    level.take(block(value), 0.05)
    assert level.db == pytest.approx(db, abs=1e-3)


def test_it_rises_at_once_and_falls_slowly() -> None:
    """A loud moment can be read, and is forgotten after some seconds."""
    level = Level()
    level.take(block(0.5), 0.05)
    top = level.db
    level.take(block(0.0), 0.05)
    assert top - 3 < level.db < top
    for _ in range(100):
        level.take(block(0.0), 0.05)
    assert level.db == FLOOR_DB


def test_silence_is_counted_from_the_last_sound() -> None:
    """The noise of a muted converter is silence, that of a quiet room is not."""
    level = Level()
    for _ in range(4):
        level.take(block(1e-4), 0.05)
    assert level.silent_s == pytest.approx(0.2)
    heard = [level.heard]
    level.take(block(1e-3), 0.05)
    assert level.silent_s == 0
    assert [*heard, level.heard] == [False, True]


def test_an_empty_block_is_nothing() -> None:
    """It does not divide by zero."""
    level = Level()
    level.take(np.zeros((0, 1), np.float32), 0.0)
    assert level.db == FLOOR_DB
