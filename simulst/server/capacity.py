"""What the engine costs on this machine, measured before the first session.

The sound is the beginning of the sample talk, spoken by a synthetic voice: what a listener that has
learnt to say nothing in noise would not hear words in is no measure of its cost.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from simulst.server.protocols import Engine
from simulst.types import SAMPLE_RATE, Samples

__all__ = ["measure", "speech", "weigh"]

WARM_S = 1.0
LEAST_SHARE = 0.05  # of a further language; less is the measurement's error


def speech(seconds: float) -> Samples:
    """Somebody speaking, (n,) samples at 16 kHz; after twelve seconds from the beginning again."""
    with (files("simulst.server") / "speech.npz").open("rb") as file, np.load(file) as kept:
        spoken = kept["samples"].astype(np.float32) / 32_768
    samples: Samples = np.resize(spoken, round(seconds * SAMPLE_RATE))
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
    sound, step = speech(WARM_S + seconds), engine.step_samples
    state, spent_s, timed = engine.open(targets), 0.0, 0
    for start in range(0, len(sound), step):
        piece = sound[start : start + step]
        begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
        ((state, _),) = engine.step([state], [piece])
        if start >= WARM_S * SAMPLE_RATE:  # the first calls prepare what later ones use
            spent_s += min(time.perf_counter() - begun_s, time.process_time() - begun_cpu_s)
            timed += len(piece)
    return spent_s * SAMPLE_RATE / timed
