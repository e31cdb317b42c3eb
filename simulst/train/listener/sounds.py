"""Sounds in which nothing is said that could be written down: babble and music-like tones.

A recogniser that never heard them writes text under them. Babble is many voices laid over one
another, too many to follow; music is chords with overtones, beats and swells. Noise needs no
sound: `augmentation.noise` draws it where it is needed.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np

from simulst.train.listener.features import SAMPLE_RATE, log_mel, write_shard
from simulst.train.listener.speech import speak
from simulst.train.listener.voices import draw_voice
from simulst.train.listener.waveforms import Audio

__all__ = ["babble", "make_sounds", "music"]

PIECE_S = 20
BABBLERS = (5, 10)
"""Fewest and most voices at once; of five, no one can be followed."""


def babble(voices: list[Audio], seconds: float, rng: np.random.Generator) -> Audio:
    """Many voices at once: (seconds x 16,000,).

    Args:
        voices: (samples,) of each speaker, at least three seconds; they are repeated as needed.
        seconds: of babble.
        rng: who takes part, from where on, how loud.
    """
    samples = round(seconds * SAMPLE_RATE)
    sum_of_all = np.zeros(samples, np.float32)
    for _ in range(int(rng.integers(BABBLERS[0], BABBLERS[1] + 1))):
        voice = voices[int(rng.integers(len(voices)))]
        voice = np.roll(voice, int(rng.integers(len(voice))))
        voice = np.tile(voice, samples // len(voice) + 1)[:samples]
        level = 10.0 ** (float(rng.uniform(-3.0, 3.0)) / 20)
        sum_of_all += voice * np.float32(level / max(float(np.sqrt((voice**2).mean())), 1e-6))
    return sum_of_all * np.float32(0.05)


def music(seconds: float, rng: np.random.Generator) -> Audio:
    """Chords of a random instrument, one after another: (seconds x 16,000,)."""
    samples = round(seconds * SAMPLE_RATE)
    piece = np.zeros(samples, np.float32)
    beat = int(SAMPLE_RATE * rng.uniform(0.15, 1.2))
    brightness = float(rng.uniform(0.7, 2.5))  # overtone n has the strength n ** -brightness
    held = float(rng.uniform(0.5, 2.0))
    vibrato = float(rng.uniform(0.0, 0.01))
    for start in range(0, samples, beat):
        length = min(samples - start, int(beat * held))
        times = np.arange(length) / SAMPLE_RATE
        swell = np.minimum(1.0, times / rng.uniform(0.005, 0.1))
        swell *= np.exp(-times * rng.uniform(0.3, 6.0))
        for _ in range(int(rng.integers(1, 5))):
            tone = 55.0 * 2.0 ** (int(rng.integers(0, 49)) / 12)
            phase = 2 * np.pi * tone * (times + vibrato / 30 * np.sin(2 * np.pi * 5 * times))
            for overtone in range(1, 1 + min(12, int(7500 / tone))):
                strength = overtone**-brightness * swell
                piece[start : start + length] += strength * np.sin(overtone * phase)
        if rng.random() < 0.3:
            drum = rng.normal(size=length) * np.exp(-times * rng.uniform(8, 60))
            piece[start : start + length] += 0.5 * drum
    loudest = max(float(np.abs(piece).max()), 1e-6)
    return piece * np.float32(0.3 / loudest)


def make_sounds(
    path: Path, sentences: list[str], voices: list[str], *, seed: int, seconds: float = 1200.0
) -> Path:
    """Writes a shard of as much babble as music; one that exists is kept.

    Args:
        path: `*.npy`.
        sentences: spoken by the babblers.
        voices: names from `voices.VOICES`.
        seed: of the sounds.
        seconds: in all.
    """
    if path.exists():
        return path
    draw = Random(seed)
    rng = np.random.default_rng((seed, 7))
    speakers: list[Audio] = []
    with TemporaryDirectory() as folder:
        for number in range(max(4, round(seconds / 30))):
            voice = draw_voice(voices[number % len(voices)], draw, varied=True)
            texts = draw.sample(sentences, min(8, len(sentences)))
            spoken = [speak(voice, text, Path(folder)).audio for text in texts]
            speakers.append(np.concatenate(spoken))
    pieces = max(1, round(seconds / PIECE_S / 2))
    made = [("babble", babble(speakers, PIECE_S, rng)) for _ in range(pieces)]
    made += [("music", music(PIECE_S, rng)) for _ in range(pieces)]
    rows = [{"text": "", "talk": n, "voice": kind} for n, (kind, _) in enumerate(made)]
    write_shard(path, [log_mel(audio) for _, audio in made], rows)
    return path
