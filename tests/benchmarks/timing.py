"""CPU time by part, and the talk that is listened to."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from simulst.audio.sources import FileSource
from simulst.types import SAMPLE_RATE, Samples

__all__ = ["TALK", "Clock", "packets", "read_audio"]

TALK = Path(__file__).parents[2] / "demos" / "talk" / "audio.flac"


class Clock:
    """CPU seconds of the process, all its threads together, spent in each part."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.calls: dict[str, list[float]] = defaultdict(list)

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time booked on a part."""

        def run(*args: Any, **options: Any) -> Any:
            begin = time.process_time()
            try:
                return function(*args, **options)
            finally:
                took = time.process_time() - begin
                self.spent[part] += took
                self.calls[part].append(took)

        return run


def read_audio(path: Path, seconds: float = 0) -> Samples:
    """The samples of a file, or of its first seconds."""
    with FileSource(path) as source:
        samples = np.concatenate([chunk.samples for chunk in source])
    return samples[: int(seconds * SAMPLE_RATE)] if seconds else samples


def packets(samples: Samples, size_ms: int) -> list[Samples]:
    """Cut into packets as a microphone would."""
    size = size_ms * SAMPLE_RATE // 1000
    return [samples[i : i + size] for i in range(0, len(samples), size)]
