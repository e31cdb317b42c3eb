"""What the engine costs on this machine, measured before the first session.

The sound is generated: a buzz with a gliding pitch through two moving resonances, syllable by
syllable. The voice gate takes it for speech, and the packs that ship hear words in it and
translate them, at about the cost of a real talk.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from simulst.server.protocols import Engine
from simulst.types import SAMPLE_RATE, Samples

__all__ = ["babble", "measure", "weigh"]

SYLLABLE_S = 0.22
HARMONICS = 31
WARM_S = 1.0
LEAST_SHARE = 0.05  # of a further language; less is the measurement's error


def babble(seconds: float, seed: int = 2) -> Samples:
    """Something like speech, (n,) samples at 16 kHz."""
    dice = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 120 + 15 * np.sin(2 * np.pi * 0.7 * time_s) + 8 * np.sin(2 * np.pi * 2.3 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    syllable = (time_s / SYLLABLE_S).astype(int)
    glide = np.hanning(SAMPLE_RATE // 10)
    first, second = (
        np.convolve(dice.uniform(*span, syllable[-1] + 1)[syllable], glide / glide.sum(), "same")
        for span in ((300, 800), (900, 2_300))
    )
    sound = np.zeros_like(time_s)
    for harmonic in range(1, HARMONICS + 1):
        at = harmonic * pitch
        loud = 1 / (1 + ((at - first) / 90) ** 2) + 0.6 / (1 + ((at - second) / 130) ** 2)
        loud += 0.2 / (1 + ((at - 2_700) / 200) ** 2) + 0.01
        sound += loud / harmonic**0.3 * np.sin(harmonic * phase)
    sound *= np.clip(1.6 * np.sin(np.pi * (time_s / SYLLABLE_S % 1)), 0, 1)
    samples: Samples = (0.4 * sound / np.abs(sound).max()).astype(np.float32)
    return samples


def weigh(engine: Engine, seconds: float = 6.0) -> tuple[float, float]:
    """What a session in one language costs, as `measure` gives it, and a further language of it.

    Returns:
        The cost of the dearest language; and the share of it that is not recognition, in [0, 1].
    """
    cost = max(measure(engine, (target,), seconds) for target in engine.targets)
    if len(engine.targets) == 1:
        return cost, 1.0
    return cost, max(LEAST_SHARE, 1 - measure(engine, (), seconds) / max(cost, 1e-9))


def measure(engine: Engine, targets: Sequence[str], seconds: float = 6.0) -> float:
    """Computing seconds for a second of sound, step by step as a live session takes it in.

    Where other programs take the processor away meanwhile, what they took is left out: it is
    the sessions themselves that show how much of the machine there is.

    Args:
        engine: that is measured.
        targets: languages of the session; none for recognition alone.
        seconds: of sound that count.
    """
    sound, step = babble(WARM_S + seconds), engine.step_samples
    state, spent_s, timed = engine.open(targets), 0.0, 0
    for start in range(0, len(sound), step):
        piece = sound[start : start + step]
        begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
        ((state, _),) = engine.step([state], [piece])
        if start >= WARM_S * SAMPLE_RATE:  # the first calls prepare what later ones use
            spent_s += min(time.perf_counter() - begun_s, time.process_time() - begun_cpu_s)
            timed += len(piece)
    return spent_s * SAMPLE_RATE / timed
