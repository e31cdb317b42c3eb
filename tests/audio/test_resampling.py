"""The streaming resampler against torchaudio, and against itself in other packets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulst.audio.resampling import Resampler, ResamplerState
from simulst.audio.torchaudio_shim import load_torchaudio
from simulst.errors import AudioError

RATES = [4_000, 8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000]

Samples = NDArray[np.float32]


def noise(length: int, seed: int = 0) -> Samples:
    """White noise (length,)."""
    return np.random.default_rng(seed).uniform(-1, 1, length).astype(np.float32)


def whole(resampler: Resampler, samples: Samples) -> Samples:
    """The output of a signal fed in one piece."""
    state, out = resampler.step(resampler.open(), samples)
    return np.concatenate([out, resampler.finish(state)])


@pytest.mark.parametrize("rate", RATES)
def test_equals_torchaudio(rate: int) -> None:
    """The output of a whole signal is torchaudio's, computed in double precision."""
    samples = noise(rate // 2 + 13)
    wanted = load_torchaudio().functional.resample(torch.from_numpy(samples).double(), rate, 16_000)
    given_ = whole(Resampler(rate), samples)
    assert given_.dtype == np.float32
    assert len(given_) == len(wanted) == Resampler(rate).length(len(samples))
    np.testing.assert_allclose(given_, wanted.numpy(), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    rate=st.one_of(st.sampled_from(RATES), st.integers(4_000, 192_000)),
    length=st.integers(0, 4_000),
    cuts=st.lists(st.integers(0, 4_000), max_size=12),
)
def test_any_packets_give_the_same_samples(rate: int, length: int, cuts: list[int]) -> None:
    """Cut anywhere, also into empty packets, a signal gives bit for bit what it gives whole."""
    samples = noise(length, seed=length)
    resampler = Resampler(rate)
    state, parts = resampler.open(), []
    for part in np.split(samples, sorted(min(cut, length) for cut in cuts)):
        state, out = resampler.step(state, part)
        parts.append(out)
    parts.append(resampler.finish(state))
    assert np.array_equal(np.concatenate(parts), whole(resampler, samples))


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_single_samples_give_the_same_samples(rate: int) -> None:
    """One sample at a time gives bit for bit what the whole signal gives."""
    samples = noise(700)
    resampler = Resampler(rate)
    state, parts = resampler.open(), []
    for n in range(len(samples)):
        state, out = resampler.step(state, samples[n : n + 1])
        parts.append(out)
    parts.append(resampler.finish(state))
    assert np.array_equal(np.concatenate(parts), whole(resampler, samples))


def test_a_rate_without_common_factor() -> None:
    """A tone at 44,101 Hz comes out as the same tone at 16 kHz, without drift at the end."""
    rate, seconds = 44_101, 5
    tone = np.sin(2 * np.pi * 440 * np.arange(rate * seconds) / rate).astype(np.float32)
    out = whole(Resampler(rate), tone)
    wanted = np.sin(2 * np.pi * 440 * np.arange(16_000 * seconds) / 16_000)
    assert len(out) == len(wanted)
    np.testing.assert_allclose(out[100:-100], wanted[100:-100], atol=5e-3)


def test_what_cannot_be_heard_at_16_khz_does_not_fold_back() -> None:
    """A tone above the new Nyquist frequency is gone, not aliased."""
    tone = np.sin(2 * np.pi * 15_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert np.abs(whole(Resampler(48_000), tone)[100:-100]).max() < 1e-3


def test_equal_rates_pass_through() -> None:
    """At 16 kHz every packet comes out at once, as it is."""
    resampler = Resampler(16_000)
    samples = noise(37)
    state, out = resampler.step(resampler.open(), samples)
    assert np.array_equal(out, samples)
    assert len(resampler.finish(state)) == 0


def test_little_is_held_back() -> None:
    """Output lags behind the input by less than 2 ms, and the state stays as small."""
    resampler = Resampler(44_100)
    state: ResamplerState = resampler.open()
    written = 0
    for n in range(1, 101):
        state, out = resampler.step(state, noise(882))
        written += len(out)
        assert resampler.length(882 * n) - written < 32
        assert len(state.tail) < 100


def test_a_state_can_be_used_twice() -> None:
    """Stepping from a state leaves it as it was."""
    resampler = Resampler(22_050)
    state, _ = resampler.step(resampler.open(), noise(1_000))
    first, second = (resampler.step(state, noise(500, seed=1))[1] for _ in range(2))
    assert np.array_equal(first, second)


def test_nothing_gives_nothing() -> None:
    """A stream without samples ends without samples."""
    resampler = Resampler(48_000)
    assert len(resampler.finish(resampler.open())) == 0


@pytest.mark.parametrize("rate", [0, -16_000, 3_999, 192_001])
def test_absurd_rates_are_refused(rate: int) -> None:
    """Rates outside 4 to 192 kHz are an error that names the rate and the limits."""
    with pytest.raises(AudioError, match=rf"{rate} Hz: it must lie between 4000 and 192000"):
        Resampler(rate)
