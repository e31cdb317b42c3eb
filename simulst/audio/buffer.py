"""A bounded run of audio on the sample clock, as a value.

It never lets audio go by itself: what does not fit is refused, because only the owner knows
what has been recognised and may be dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from simulst.audio.mixing import Samples
from simulst.errors import AudioError
from simulst.types import AudioChunk

__all__ = ["AudioBuffer"]


@dataclass(frozen=True, slots=True, eq=False)
class AudioBuffer:
    """Samples `start` to `end` of a stream; every change gives a new buffer.

    Attributes:
        capacity: samples it may hold, >= 1.
        start: index in the stream of the first sample.
        samples: (n,) float32, n <= capacity.
    """

    capacity: int
    start: int = 0
    samples: Samples = field(default_factory=lambda: np.zeros(0, np.float32))

    def __post_init__(self) -> None:
        assert self.capacity >= 1, self.capacity
        assert len(self.samples) <= self.capacity, (len(self.samples), self.capacity)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def end(self) -> int:
        """Index one past the last sample."""
        return self.start + len(self.samples)

    def append(self, chunk: AudioChunk) -> AudioBuffer:
        """Add what follows without a gap.

        Raises:
            AudioError: the chunk begins elsewhere than this buffer ends, or does not fit.
        """
        if chunk.start != self.end:
            raise AudioError(
                f"audio goes on at sample {chunk.start} where sample {self.end} is next: "
                "feed it in order and without gaps"
            )
        length = len(self) + len(chunk.samples)
        if length > self.capacity:
            raise AudioError(
                f"{length} samples of audio do not fit into a buffer of {self.capacity}: "
                "drop what has been recognised before adding more, or add less at once"
            )
        return AudioBuffer(self.capacity, self.start, np.concatenate([self.samples, chunk.samples]))

    def drop(self, before: int) -> AudioBuffer:
        """Let go of all samples before `before`.

        Beyond the end it leaves an empty buffer that goes on there: this is how a gap that is
        known, such as silence that was not let through, is skipped.
        """
        if before <= self.start:
            return self
        kept = self.samples[before - self.start :].copy()
        return AudioBuffer(self.capacity, before, kept)

    def view(self, begin: int, end: int) -> AudioChunk:
        """Samples `begin` to `end`, which must be held; not a copy."""
        assert self.start <= begin <= end <= self.end, (self.start, begin, end, self.end)
        return AudioChunk(self.samples[begin - self.start : end - self.start], begin)
