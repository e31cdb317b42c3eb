"""Waveforms: read from files, and turned into another speaker's, in another room, over a line.

A recording that is played faster or slower has another pitch and a vocal tract of another
length: the cheapest other speaker (Ko et al. 2015, "Audio augmentation for speech recognition").
Level, tempo and quiet around the speech are left to `augmentation` and `windows`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch

from simulst.audio.mixing import mono
from simulst.audio.torchaudio_shim import load_torchaudio
from simulst.train.listener.features import SAMPLE_RATE

__all__ = ["RATIOS", "Audio", "Setting", "draw_setting", "read_audio", "set_in", "spoken_at"]

Audio = npt.NDArray[np.float32]
RATIOS = tuple(n / 40 for n in range(34, 48))
"""How much faster a recording may be played; fractions of 40 keep the resampling filter small."""


def read_audio(path: Path) -> Audio:
    """The sound in a file that libsndfile reads: (samples,) at 16 kHz.

    Raises:
        soundfile.SoundFileError: it cannot be read.
    """
    block, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return _resampled(mono(block), rate, SAMPLE_RATE)


def spoken_at(audio: Audio, ratio: float) -> Audio:
    """Audio (samples,) played `ratio` times as fast, one of `RATIOS`: (about samples / ratio,)."""
    return audio if ratio == 1.0 else _resampled(audio, round(40 * ratio), 40)


def _resampled(audio: Audio, old: int, new: int) -> Audio:
    if old == new:
        return audio
    resample = load_torchaudio().functional.resample
    changed: Audio = resample(torch.from_numpy(audio), old, new).numpy()
    return changed


@dataclass(frozen=True, slots=True)
class Setting:
    """Who speaks, where, and over what line.

    Attributes:
        ratio: one of `RATIOS`.
        low_hz: below it the line lets nothing through.
        high_hz: nor above it.
        tilt: of the spectrum, in dB an octave around 1 kHz.
        decay_s: until the room's echo has fallen by 60 dB; 0 for no room.
        wet: energy of the echo relative to the direct sound.
        noise_db: of the noise relative to the speech; -inf for none.
        colour: of the noise: its power falls as frequency to this power.
    """

    ratio: float = 1.0
    low_hz: float = 0.0
    high_hz: float = SAMPLE_RATE / 2
    tilt: float = 0.0
    decay_s: float = 0.0
    wet: float = 0.0
    noise_db: float = -math.inf
    colour: float = 0.0


def draw_setting(rng: np.random.Generator) -> Setting:
    """A random setting: always another speaker, mostly only some of the rest."""
    narrow, room, noisy = (float(rng.random()) < share for share in (0.3, 0.35, 0.4))
    return Setting(
        ratio=RATIOS[int(rng.integers(len(RATIOS)))],
        low_hz=float(rng.uniform(100, 350)) if narrow else float(rng.uniform(0, 80)),
        high_hz=float(rng.uniform(3200, 7000)) if narrow else SAMPLE_RATE / 2,
        tilt=float(rng.uniform(-3.0, 3.0)),
        decay_s=float(rng.uniform(0.1, 0.7)) if room else 0.0,
        wet=float(rng.uniform(0.05, 0.5)) if room else 0.0,
        noise_db=float(rng.uniform(-40, -8)) if noisy else -math.inf,
        colour=float(rng.uniform(0.0, 2.0)),
    )


def set_in(audio: Audio, setting: Setting, rng: np.random.Generator) -> Audio:
    """Audio (samples,) as it would be heard in a setting: (about samples / ratio,).

    Args:
        audio: dry speech at 16 kHz.
        setting: of the speaker.
        rng: decides the echo's fine structure and the noise.
    """
    audio = spoken_at(audio, setting.ratio)
    tail = round(setting.decay_s * SAMPLE_RATE)
    size = 1 << (len(audio) + tail - 1).bit_length()
    hertz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    response: npt.NDArray[np.inexact] = _line(hertz, setting)
    if tail:
        fall = 10.0 ** (-3.0 * np.arange(1, tail + 1) / tail)
        echo = rng.normal(size=tail) * fall
        echo *= math.sqrt(setting.wet / float((echo**2).sum()))
        response = response * np.fft.rfft(np.concatenate([[1.0], echo]), size)
    heard = np.fft.irfft(np.fft.rfft(audio, size) * response, size)[: len(audio)]
    if setting.noise_db > -math.inf:
        hiss = np.fft.rfft(rng.normal(size=size)) * np.maximum(hertz, 50.0) ** (-setting.colour / 2)
        noise = np.fft.irfft(hiss, size)[: len(audio)]
        wanted = float((heard**2).mean()) * 10.0 ** (setting.noise_db / 10)
        heard = heard + noise * math.sqrt(wanted / max(float((noise**2).mean()), 1e-20))
    loudest = max(float(np.abs(heard).max(initial=0.0)), 1e-9)
    changed: Audio = (heard * min(1.0, 0.99 / loudest)).astype(np.float32)
    return changed


def _line(hertz: npt.NDArray[np.floating], setting: Setting) -> npt.NDArray[np.floating]:
    """Gain of the line at each frequency (bins,)."""
    octaves = np.log2(np.maximum(hertz, 60.0) / 1000.0)
    gain: npt.NDArray[np.floating] = 10.0 ** (setting.tilt * octaves / 20.0)
    gain = gain / np.sqrt(1.0 + (setting.low_hz / np.maximum(hertz, 1.0)) ** 8)
    if setting.high_hz < SAMPLE_RATE / 2:
        gain = gain / np.sqrt(1.0 + (hertz / setting.high_hz) ** 16)
    return gain
