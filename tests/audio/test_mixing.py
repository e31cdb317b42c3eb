"""Channels into one."""

from __future__ import annotations

import numpy as np

from simulst.audio.mixing import mono


def test_mean_of_the_channels() -> None:
    """Two channels become their mean, in float32."""
    block = np.array([[0.5, -0.5], [0.2, 0.4]], np.float32)
    mixed = mono(block)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed, [0.0, 0.3], atol=1e-7)


def test_one_channel_is_itself() -> None:
    """A single channel keeps its samples exactly."""
    block = np.random.default_rng(0).normal(size=(100, 1)).astype(np.float32)
    assert np.array_equal(mono(block), block[:, 0])


def test_what_is_not_a_number_is_silence() -> None:
    """NaN and infinity become 0, and the samples beside them stay."""
    block = np.array([[0.5], [np.nan], [np.inf], [-0.25]], np.float32)
    assert mono(block).tolist() == [0.5, 0.0, 0.0, -0.25]


def test_nothing_gives_nothing() -> None:
    """A block without samples is allowed."""
    assert mono(np.zeros((0, 2), np.float32)).shape == (0,)
