"""Synthesisers for the tests: small programs, and what is left of them."""

from __future__ import annotations

import os
import shlex
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile

from simulst.types import Samples

__all__ = ["children", "gone", "playing", "python", "tone"]


def tone(seconds: float, rate: int) -> Samples:
    """A sound that is not silent."""
    times = np.arange(round(seconds * rate)) / rate
    samples: Samples = (0.5 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)
    return samples


def playing(folder: Path, seconds: float = 0.5, rate: int = 24_000) -> str:
    """A command that says the same, whatever it is given."""
    path = folder / "same.wav"
    soundfile.write(path, tone(seconds, rate), rate)
    return shlex.join(["cat", str(path)])


def python(code: str, *arguments: str) -> str:
    """A command that runs a few lines of Python, without what takes time to load."""
    return shlex.join([sys.executable, "-S", "-E", "-c", code, *arguments])


def children() -> set[int]:
    """Processes that this one has started and that have not been waited for."""
    found: set[int] = set()
    for listed in Path("/proc/self/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has just ended
            found.update(map(int, listed.read_text().split()))
    return found


def gone(process: int, patience_s: float = 5.0) -> bool:
    """Whether a process is dead, at the latest after a while."""
    end_s = time.monotonic() + patience_s
    while time.monotonic() < end_s:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":  # nobody has asked how it ended
            return True
        os.sched_yield()
        time.sleep(0.01)
    return False
