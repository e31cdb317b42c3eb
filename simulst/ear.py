"""The listening line of a session: voice gate and listener, on a grid of steps.

Audio of any packet size is cut into steps on the sample clock, so the same talk gives the same
words however it arrives. What is heard depends on no target language: one ear serves any number
of booths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from simulst.asr.listener import Listener, ListenerState
from simulst.audio.vad import GateState, VoiceGate
from simulst.config import Config
from simulst.protocols import Transcriber
from simulst.types import SAMPLE_RATE, AudioChunk, Hypothesis, Samples, Speech

__all__ = ["Ear", "EarState", "Heard"]


@dataclass(frozen=True, slots=True, eq=False)
class EarState:
    """What has been heard of a stream, between two calls.

    Attributes:
        gate, listener: the states of the parts.
        heard: samples taken in by the recogniser.
        pending: samples that do not fill a step yet.
        ended: closed and flushed.
    """

    gate: GateState
    listener: ListenerState
    heard: int = 0
    pending: tuple[Samples, ...] = ()
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What one call of an ear gave for one stream: the same for every target language.

    Attributes:
        until: samples taken in.
        steps: what listening yielded, and the samples taken in by then; one a step of the grid.
        ended: nothing follows.
    """

    until: int
    steps: tuple[tuple[int, Hypothesis], ...] = ()
    ended: bool = False


@dataclass(slots=True)
class _Work:
    """A stream while a call works on it."""

    state: EarState
    stride: int = 1
    steps: list[tuple[int, Hypothesis]] = field(default_factory=list)


class Ear:
    """Hears streams; weights and settings, no state.

    Args:
        transcriber: recognises windows of speech.
        config: how the stream is taken in and recognised.
    """

    def __init__(self, transcriber: Transcriber, config: Config) -> None:
        self.gate = VoiceGate(config.audio)
        self.listener = Listener(transcriber, config.asr)
        self.step_samples = config.audio.step_ms * SAMPLE_RATE // 1000

    def open(self) -> EarState:
        """A stream of which nothing has been heard."""
        return EarState(self.gate.open(), self.listener.open())

    def step(
        self,
        states: Sequence[EarState],
        inputs: Sequence[Samples | None],
        strides: Sequence[int] | None = None,
    ) -> list[tuple[EarState, Heard]]:
        """Feed each stream more audio, or None to end it and flush its last words.

        Args:
            states: streams that have not ended.
            inputs: (n,) float32 samples at 16 kHz for each, any n >= 0, or None.
            strides: for each, how many steps may be heard as one if so much audio is waiting;
                more than 1 costs less and commits later, for a session that is late anyway.
        """
        works = []
        for state, samples, stride in zip(
            states, inputs, strides or [1] * len(states), strict=True
        ):
            assert not state.ended, "the session has ended"
            if samples is not None:
                state = replace(state, pending=(*state.pending, samples))
            works.append(_Work(state, stride))
        step = self.step_samples
        while busy := [w for w in works if _waiting(w.state) >= step]:
            sizes = [min(_waiting(w.state) // step, w.stride) * step for w in busy]
            self._hear(busy, [_take(w, size) for w, size in zip(busy, sizes, strict=True)])
        last = [w for w, samples in zip(works, inputs, strict=True) if samples is None]
        self._hear(last, [_take(w, _waiting(w.state)) for w in last])
        self._close(last)
        return [(w.state, Heard(w.state.heard, tuple(w.steps), w.state.ended)) for w in works]

    def _hear(self, works: Sequence[_Work], chunks: Sequence[AudioChunk]) -> None:
        """Gate and recognise one chunk of each stream."""
        speech: list[tuple[Speech, ...]] = []
        for work, chunk in zip(works, chunks, strict=True):
            gate, let_through = self.gate.step(work.state.gate, chunk)
            work.state = replace(work.state, gate=gate)
            speech.append(let_through)
        self._listen(works, speech)

    def _listen(self, works: Sequence[_Work], speech: Sequence[tuple[Speech, ...]]) -> None:
        _keep(
            works,
            self.listener.step(
                [w.state.listener for w in works], speech, [w.state.heard for w in works]
            ),
        )

    def _close(self, works: Sequence[_Work]) -> None:
        """Flush what the gate and the listener still hold."""
        self._listen(works, [self.gate.finish(w.state.gate) for w in works])
        _keep(
            works,
            self.listener.finish([w.state.listener for w in works], [w.state.heard for w in works]),
        )
        for work in works:
            work.state = replace(work.state, ended=True)


def _waiting(state: EarState) -> int:
    return sum(len(samples) for samples in state.pending)


def _take(work: _Work, size: int) -> AudioChunk:
    """Move `size` pending samples onto the stream's clock."""
    state = work.state
    if state.pending:
        flat = np.concatenate(state.pending).astype(np.float32, copy=False)
    else:
        flat = np.zeros(0, np.float32)
    rest = flat[size:]
    chunk = AudioChunk(flat[:size], state.heard)
    work.state = replace(state, heard=state.heard + size, pending=(rest,) if len(rest) else ())
    return chunk


def _keep(works: Sequence[_Work], found: Sequence[tuple[ListenerState, Hypothesis]]) -> None:
    for work, (listener, hypothesis) in zip(works, found, strict=True):
        work.state = replace(work.state, listener=listener)
        work.steps.append((work.state.heard, hypothesis))
