"""The gate in front of the recogniser: it lets speech through and keeps silence out.

Frames of 512 samples lie on the sample clock and each is judged once, so what passes does not
depend on the packets it came in. While somebody speaks, audio passes as soon as its frame is
judged, short silences included; nothing that has passed is ever taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulst.audio.silero import FRAME_SAMPLES, Detector, SileroDetector
from simulst.config import Audio
from simulst.errors import AudioError
from simulst.types import SAMPLE_RATE, AudioChunk, Speech

__all__ = ["GateState", "VoiceGate"]

ONSET_SAMPLES = 3 * FRAME_SAMPLES  # 96 ms; a click is shorter, a word is not
HYSTERESIS = 0.15  # speech that goes on counts down to the threshold less this
LEAST = 0.01  # and never further down than this


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether somebody speaks.

    Attributes:
        since: sample where what may be speech began, or None in silence.
        speaking: it has lasted long enough to be speech.
        quiet: sample where the silence within speech began, or None.
    """

    since: int | None = None
    speaking: bool = False
    quiet: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class GateState:
    """Where a stream is at the gate.

    Attributes:
        held: the last samples, kept back until they are judged or as the pad of speech to come.
        judged: end of the last frame judged.
        passed: end of the audio let through.
        turn: whether somebody speaks.
        voice: state of the detector.
    """

    held: AudioChunk
    judged: int
    passed: int
    turn: Turn
    voice: Any


class VoiceGate:
    """Lets speech through, padded, and marks its end. Holds weights only.

    Args:
        config: threshold, silence and pad. With `vad` off everything passes and only the end of
            the stream ends it. A pad longer than the silence makes the silence as long.
        detector: in place of Silero's model.
    """

    def __init__(self, config: Audio, detector: Detector[Any] | None = None) -> None:
        self._detector = (detector or SileroDetector()) if config.vad else None
        self._upper = config.vad_threshold
        self._lower = min(max(self._upper - HYSTERESIS, LEAST), self._upper)
        self._pad = config.vad_pad_ms * SAMPLE_RATE // 1000
        self._silence = max(config.vad_silence_ms * SAMPLE_RATE // 1000, self._pad)

    def open(self, start: int = 0) -> GateState:
        """The state before sample `start`, from which frames are counted."""
        voice = self._detector.open() if self._detector else None
        nothing = AudioChunk(np.zeros(0, np.float32), start)
        return GateState(nothing, start, start, Turn(), voice)

    def step(self, state: GateState, chunk: AudioChunk) -> tuple[GateState, tuple[Speech, ...]]:
        """Take in what follows and let through what is speech.

        Args:
            state: of this stream.
            chunk: any length; begins where the one before ended.

        Returns:
            The next state, and the speech let through, in order.

        Raises:
            AudioError: there is a gap before the chunk.
        """
        if chunk.start != state.held.end:
            raise AudioError(
                f"audio goes on at sample {chunk.start} where sample {state.held.end} is next: "
                "feed it in order and without gaps"
            )
        if self._detector is None:
            return self._let_all(state, chunk)
        held = AudioChunk(np.concatenate([state.held.samples, chunk.samples]), state.held.start)
        turn, passed, voice = state.turn, state.passed, state.voice
        speech: list[Speech] = []
        ends = range(state.judged + FRAME_SAMPLES, held.end + 1, FRAME_SAMPLES)
        for end in ends:
            begin = end - FRAME_SAMPLES
            voice, probability = self._detector.step(voice, _cut(held, begin, end).samples)
            before, turn = turn, self._turn(turn, probability, begin, end)
            if turn.speaking and not before.speaking:
                passed = self._entry(turn, passed, end)
            elif before.speaking and not turn.speaking:
                speech.append(Speech(_cut(held, passed, end), ended=True))
                passed = end
        judged = ends[-1] if ends else state.judged
        if turn.speaking and passed < judged:
            speech.append(Speech(_cut(held, passed, judged)))
            passed = judged
        kept = passed if turn.speaking else self._entry(turn, passed, judged)
        # a copy, or a few samples would keep all the audio of a long step in memory
        held = AudioChunk(_cut(held, kept, held.end).samples.copy(), kept)
        return GateState(held, judged, passed, turn, voice), tuple(speech)

    def finish(self, state: GateState) -> tuple[Speech, ...]:
        """The last of the speech, ended; nothing if nobody was speaking."""
        # what came after the last whole frame is too short to have begun a speech
        if not state.turn.speaking:
            return ()
        return (Speech(_cut(state.held, state.passed, state.held.end), ended=True),)

    def _turn(self, turn: Turn, probability: float, begin: int, end: int) -> Turn:
        """Who speaks after the frame `begin` to `end`, given the frames before."""
        loud = probability >= self._upper
        faint = probability < self._lower
        if turn.speaking:
            if loud:
                return Turn(turn.since, speaking=True)
            if faint:
                quiet = begin if turn.quiet is None else turn.quiet
                over = end - quiet >= self._silence
                return Turn() if over else Turn(turn.since, speaking=True, quiet=quiet)
            return turn
        since = begin if turn.since is None and loud else turn.since
        if since is None or faint:  # silence, or a sound too short for speech
            return Turn()
        return Turn(since, speaking=end - since >= ONSET_SAMPLES)

    def _entry(self, turn: Turn, passed: int, judged: int) -> int:
        """Where speech would begin if it began now: a pad ahead, but nothing passes twice."""
        return max(passed, (judged if turn.since is None else turn.since) - self._pad)

    def _let_all(self, state: GateState, chunk: AudioChunk) -> tuple[GateState, tuple[Speech, ...]]:
        """Without voice activity: one speech from the first sample to the end of the stream."""
        if not len(chunk.samples):
            return state, ()
        nothing = AudioChunk(np.zeros(0, np.float32), chunk.end)
        turn = Turn(chunk.start if state.turn.since is None else state.turn.since, True)
        return GateState(nothing, chunk.end, chunk.end, turn, None), (Speech(chunk),)


def _cut(audio: AudioChunk, begin: int, end: int) -> AudioChunk:
    """Samples `begin` to `end` of the stream."""
    assert audio.start <= begin <= end <= audio.end, (audio.start, begin, end, audio.end)
    return AudioChunk(audio.samples[begin - audio.start : end - audio.start], begin)
