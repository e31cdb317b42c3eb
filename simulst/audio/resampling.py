"""Any sample rate to 16 kHz, in packets of any size.

The filter is torchaudio's windowed sinc with its defaults. A resampler holds the filter, its
state is a value, and every output sample is the same sum of the same products however the
input was cut, so that packets of any size give the same samples bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from simulst.audio.mixing import Samples
from simulst.audio.torchaudio_shim import load_torchaudio
from simulst.errors import AudioError
from simulst.types import SAMPLE_RATE

__all__ = ["HIGHEST_RATE", "LOWEST_RATE", "Resampler", "ResamplerState", "check_rate"]

LOWEST_RATE = 4_000  # Hz; below, speech is not intelligible
HIGHEST_RATE = 192_000  # Hz
ZERO_CROSSINGS = 6  # of the sinc on each side, torchaudio's lowpass_filter_width
ROLLOFF = 0.99  # the filter closes at this share of the lower Nyquist frequency
AT_ONCE = 4_096  # outputs; bounds the memory of a step, and fits the processor's cache
FINENESS = 8_192  # points of the prototype per input sample; interpolation errs by 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class ResamplerState:
    """What a resampler must remember between packets.

    Attributes:
        tail: (n,) input samples that outputs to come still need.
        start: index in the input of the tail's first sample; negative before the beginning.
        written: output samples given so far.
    """

    tail: Samples
    start: int
    written: int


def check_rate(rate: int) -> None:
    """Refuse a sample rate that no speech is recorded at.

    Raises:
        AudioError: it lies outside of 4 to 192 kHz.
    """
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(
            f"the sample rate is {rate} Hz: it must lie between {LOWEST_RATE} and "
            f"{HIGHEST_RATE} Hz; convert the audio to {SAMPLE_RATE} Hz first"
        )


@cache
def _prototype() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """torchaudio's windowed sinc as a function: arguments in zero crossings, and values.

    torchaudio's own table for a pair of rates has a row for each phase, as wide as the whole
    period: 2.8 GB for 44,101 Hz. Upsampling 1 to `FINENESS` instead yields the one function
    from which the table of any pair can be read off.
    """
    torchaudio = load_torchaudio()
    import torch

    fine = torchaudio.transforms.Resample(
        1, FINENESS, lowpass_filter_width=ZERO_CROSSINGS, rolloff=ROLLOFF, dtype=torch.float64
    )
    kernel = fine.kernel[:, 0].numpy()  # (FINENESS, 2 * width + 1)
    phases = np.arange(FINENESS)[:, None] / FINENESS
    taps = np.arange(kernel.shape[1])[None] - fine.width
    arguments = (ROLLOFF * (taps - phases)).ravel()
    order = np.argsort(arguments)
    return arguments[order], kernel.ravel()[order] / ROLLOFF


class Resampler:
    """Resamples one channel to 16 kHz; equal rates are passed through.

    Args:
        rate: of the input, Hz, 4,000 to 192,000.
        to: another rate than 16 kHz, for sound that is given out.

    Raises:
        AudioError: a rate lies outside of that.
    """

    def __init__(self, rate: int, to: int = SAMPLE_RATE) -> None:
        check_rate(rate)
        check_rate(to)
        self.rate = rate
        common = math.gcd(rate, to)
        self._old, self._new = rate // common, to // common
        if self._old == self._new:
            return
        base = ROLLOFF * min(self._old, self._new)
        # an output reads so many input samples on each side of its own place
        self._width = math.ceil(ZERO_CROSSINGS * self._old / base)
        # output number `phase` of a period lies so far behind the input sample before it
        behind = (np.arange(self._new) * self._old % self._new) / self._new
        taps = np.arange(-self._width, self._width + 1)
        places = (taps[None] - behind[:, None]) * (base / self._old)  # in zero crossings
        values = np.interp(places, *_prototype(), left=0.0, right=0.0) * (base / self._old)
        self._table = values.astype(np.float32)  # (phases, 2 * width + 1)

    def open(self) -> ResamplerState:
        """The state before the first sample."""
        if self._old == self._new:
            return ResamplerState(np.zeros(0, np.float32), 0, 0)
        return ResamplerState(np.zeros(self._width, np.float32), -self._width, 0)

    def length(self, samples: int) -> int:
        """Output samples that so many input samples give in all."""
        return -(-samples * self._new // self._old)

    def step(self, state: ResamplerState, samples: Samples) -> tuple[ResamplerState, Samples]:
        """Take in samples and give every output that they settle.

        Args:
            state: of this stream.
            samples: (n,) at the input rate.

        Returns:
            The next state, and (m,) samples at 16 kHz.
        """
        if self._old == self._new:
            end = state.start + len(samples)
            return ResamplerState(state.tail, end, end), samples
        held = np.concatenate([state.tail, samples])
        known = state.start + len(held)  # end of the input so far
        # output j lies at input j * old / new and needs what is at most width beyond it
        settled = max(-(-(known - self._width) * self._new // self._old), state.written)
        return self._give(state, held, settled)

    def finish(self, state: ResamplerState) -> Samples:
        """The last (m,) outputs, with silence after the end of the input."""
        if self._old == self._new:
            return np.zeros(0, np.float32)
        known = state.start + len(state.tail)
        held = np.concatenate([state.tail, np.zeros(self._width + 1, np.float32)])
        return self._give(state, held, self.length(known))[1]

    def _give(
        self, state: ResamplerState, held: Samples, end: int
    ) -> tuple[ResamplerState, Samples]:
        """Outputs `state.written` to `end` from the input `held`, which begins at `state.start`."""
        out = np.empty(end - state.written, np.float32)
        if not len(out):
            return ResamplerState(held, state.start, end), out
        windows = sliding_window_view(held, self._table.shape[1])
        for begin in range(state.written, end, AT_ONCE):
            outputs = np.arange(begin, min(begin + AT_ONCE, end), dtype=np.int64)
            # (m, 2 * width + 1): row by row, so that a sum never depends on its neighbours
            rows = windows[outputs * self._old // self._new - self._width - state.start]
            products = (rows, self._table[outputs % self._new])
            out[outputs - state.written] = np.einsum("ij,ij->i", *products)
        first = end * self._old // self._new - self._width  # the next output needs no more
        kept = held[first - state.start :].copy()
        return ResamplerState(kept, first, end), out
