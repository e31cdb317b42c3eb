"""Cheap changes to log-mel features that make clean, synthetic speech varied.

All of them work on log10 power, (frames, 80), where a gain is a shift, a microphone a curve over
the bands, noise and echo sums of powers. None of them needs the waveform again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulst.train.listener.features import MELS

__all__ = [
    "Mel",
    "augment",
    "mask",
    "noise",
    "stretch",
    "stretch_places",
    "to_features",
    "to_log_power",
]

Mel = npt.NDArray[np.float32]

FLOOR = -10.0
_DYNAMIC_RANGE = 8.0


def to_log_power(features: npt.NDArray[np.floating]) -> Mel:
    """The extractor's scale to log10 power."""
    return features.astype(np.float32) * 4.0 - 4.0


def to_features(log_power: Mel) -> Mel:
    """Log10 power to the extractor's scale, clipped at 80 dB below the loudest, as it does."""
    clipped = np.maximum(log_power, log_power.max() - _DYNAMIC_RANGE)
    features: Mel = ((clipped + 4.0) / 4.0).astype(np.float32)
    return features


def noise(frames: int, level: float, rng: np.random.Generator) -> Mel:
    """Stationary noise of a random colour, log10 power (frames, 80) around `level`."""
    colour = _curve(rng, rng.uniform(0.2, 1.0)) + np.linspace(0.0, rng.uniform(-2.5, 0.5), MELS)
    grain = np.log10(rng.gamma(2.0, 0.5, size=(frames, MELS)) + 1e-3)
    swell = np.zeros((frames, 1))
    if rng.random() < 0.3:
        knots = rng.normal(0.0, 0.3, size=frames // 50 + 2)
        swell = np.interp(np.arange(frames) / 50, np.arange(len(knots)), knots)[:, None]
    made: Mel = (level + colour - colour.max() + grain + swell).astype(np.float32)
    return made


def augment(mel: Mel, rng: np.random.Generator, synthetic: bool, behind: Mel | None = None) -> Mel:
    """One random version of a window.

    Args:
        mel: log10 power (frames, 80).
        rng: of this window.
        synthetic: synthetic voices are changed more than real ones.
        behind: log10 power (frames, 80) of a sound to be heard faintly behind it.

    Returns:
        Log10 power (frames, 80).
    """
    peak = float(np.percentile(mel, 98))
    if rng.random() < (0.6 if synthetic else 0.3):
        mel = _warp(mel, float(rng.uniform(0.88, 1.12)))
    if rng.random() < (0.6 if synthetic else 0.3):
        mel = mel + _curve(rng, rng.uniform(0.1, 0.6))
    if rng.random() < (0.35 if synthetic else 0.15):
        mel = _echo(mel, float(rng.uniform(0.15, 0.7)), float(rng.uniform(0.01, 0.15)))
    if behind is not None:
        mel = _add(mel, behind - float(behind.max()) + peak - float(rng.uniform(0.8, 2.5)))
    if rng.random() < 0.75:
        ratio = float(rng.uniform(0.5, 6.0))  # 5 to 60 dB
        mel = _add(mel, noise(len(mel), peak - ratio, rng))
    return (mel + rng.uniform(-2.4, 0.4)).astype(np.float32)


def mask(features: Mel, rng: np.random.Generator) -> Mel:
    """SpecAugment (Park et al. 2019): up to two bands and two short spans are blanked."""
    features = features.copy()
    blank = features.mean()
    for _ in range(int(rng.integers(0, 3))):
        width = int(rng.integers(1, 13))
        first = int(rng.integers(0, MELS - width))
        features[:, first : first + width] = blank
    for _ in range(int(rng.integers(0, 1 + min(4, 1 + len(features) // 300)))):
        width = int(rng.integers(1, 20))
        first = int(rng.integers(0, max(1, len(features) - width)))
        features[first : first + width] = blank
    return features


def _curve(rng: np.random.Generator, depth: float) -> Mel:
    """A smooth random curve over the bands, about `depth` high: (80,)."""
    bands = np.linspace(0.0, np.pi, MELS)
    waves = np.stack([np.cos(order * bands) for order in range(1, 5)])
    curve: Mel = (rng.normal(0.0, depth / 2, size=4) @ waves).astype(np.float32)
    return curve


def stretch_places(frames: int, factor: float) -> npt.NDArray[np.float64]:
    """The frames that a stretched window is sampled at: (about frames x factor,)."""
    return np.linspace(0.0, frames - 1.0, max(2, round(frames * factor)))


def stretch(mel: Mel, factor: float) -> Mel:
    """Another tempo at the same pitch; above 1 is slower."""
    return _sample(mel, stretch_places(len(mel), factor))


def _warp(mel: Mel, factor: float) -> Mel:
    """Moves the formants, as a vocal tract of another length does."""
    warped: Mel = _sample(mel.T, np.clip(np.arange(MELS) * factor, 0.0, MELS - 1.0)).T
    return warped


def _sample(rows: Mel, where: npt.NDArray[np.floating]) -> Mel:
    low = np.minimum(where.astype(np.int64), len(rows) - 2)
    share = (where - low).astype(np.float32)[:, None]
    sampled: Mel = rows[low] * (1.0 - share) + rows[low + 1] * share
    return sampled


def _echo(mel: Mel, decay_s: float, share: float) -> Mel:
    """Late reverberation as an exponential tail of power; `decay_s` is to -60 dB."""
    power = np.power(10.0, mel)
    fall = 10.0 ** (-6.0 / (decay_s * 100.0))
    tail = np.zeros_like(power)
    step = 2
    for lag in range(step, min(len(mel), 40), step):
        tail[lag:] += power[:-lag] * fall**lag
    return np.log10(power + share * step * tail + 1e-12).astype(np.float32)


def _add(mel: Mel, other: Mel) -> Mel:
    summed: Mel = np.log10(np.power(10.0, mel) + np.power(10.0, other)).astype(np.float32)
    return summed
