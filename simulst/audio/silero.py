"""Silero's voice activity model, the copy that faster-whisper ships, frame by frame.

Frames go through one at a time and not in batches, although a batch would cost half: the
rounding of a batch may differ with its size, and the packets that audio comes in must not
change what is heard. Source: https://github.com/snakers4/silero-vad.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulst.audio.mixing import Samples
from simulst.errors import ModelError

__all__ = ["FRAME_SAMPLES", "Detector", "SileroDetector", "SileroState"]

FRAME_SAMPLES = 512  # 32 ms
CONTEXT_SAMPLES = 64  # of the frame before, put in front of each
WIDTH = 128  # of the recurrent state

State = TypeVar("State")


class Detector(Protocol[State]):
    """Tells frame by frame how likely speech is."""

    def open(self) -> State:
        """The state before the first frame."""
        ...

    def step(self, state: State, frame: Samples) -> tuple[State, float]:
        """Next state, and the probability in [0, 1] of speech in a frame of (512,) samples."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SileroState:
    """What the model remembers.

    Attributes:
        context: (64,) last samples of the frame before.
        hidden, cell: (1, 1, 128) of its LSTM.
    """

    context: Samples
    hidden: NDArray[np.float32]
    cell: NDArray[np.float32]


class SileroDetector:
    """The model's weights, on one thread; any number of streams may share it.

    Raises:
        ModelError: faster-whisper ships another model than this one.
    """

    def __init__(self) -> None:
        from faster_whisper.vad import get_vad_model

        self._session = get_vad_model().session
        inputs = {one.name: one.shape[1:] for one in self._session.get_inputs()}
        wanted = {
            "input": [CONTEXT_SAMPLES + FRAME_SAMPLES],
            "h": [1, WIDTH],
            "c": [1, WIDTH],
        }
        if inputs != wanted:
            raise ModelError(
                f"the voice activity model of this faster-whisper takes {inputs}, not {wanted}; "
                "install faster-whisper 1.2, or switch it off with audio.vad=false"
            )

    def open(self) -> SileroState:
        """The state before the first frame."""
        zeros = np.zeros((1, 1, WIDTH), np.float32)
        return SileroState(np.zeros(CONTEXT_SAMPLES, np.float32), zeros, zeros)

    def step(self, state: SileroState, frame: Samples) -> tuple[SileroState, float]:
        """Next state, and the probability in [0, 1] of speech in a frame of (512,) samples."""
        seen = np.concatenate([state.context, frame])[None]  # (1, 64 + 512)
        probability, hidden, cell = self._session.run(
            ["speech_probs", "hn", "cn"], {"input": seen, "h": state.hidden, "c": state.cell}
        )
        return SileroState(frame[-CONTEXT_SAMPLES:].copy(), hidden, cell), float(probability[0])
