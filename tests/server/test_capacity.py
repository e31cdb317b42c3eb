"""The measurement before the first session."""

from __future__ import annotations

import numpy as np

from simulst import packs
from simulst.config import load
from simulst.pipeline import build
from simulst.server.capacity import babble, measure
from simulst.types import Word
from tests.server.client import Echo


def test_babble_is_bounded_and_always_the_same() -> None:
    """The generated sound has the length asked for, fits into [-1, 1] and depends on the seed."""
    sound = babble(1.0)
    assert sound.shape == (16_000,) and sound.dtype == np.float32
    assert 0.3 < np.abs(sound).max() <= 0.4
    assert np.array_equal(sound, babble(1.0))
    assert not np.array_equal(sound, babble(1.0, seed=1))


def test_the_packs_take_it_for_speech() -> None:
    """The voice gate opens, words are heard in it and translated: all parts are measured."""
    packs.find("listen-en", "asr")
    engine = build(load(), "de")
    ((_, update),) = engine.step([engine.open()], [babble(5.0)])
    assert sum(isinstance(item, Word) for item in update.committed) > 3
    assert update.emissions


def test_the_cost_is_for_a_second() -> None:
    """An engine that computes next to nothing, a call for each step, costs next to nothing."""
    engine = Echo()
    assert 0 < measure(engine, seconds=2.0) < 1
    assert len(engine.calls) == 30
