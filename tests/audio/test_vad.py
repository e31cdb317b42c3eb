"""The gate in front of the recogniser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulst.audio.silero import FRAME_SAMPLES
from simulst.audio.vad import GateState, VoiceGate
from simulst.config import Audio
from simulst.errors import AudioError
from simulst.types import AudioChunk, Speech

TALK = Path(__file__).parents[2] / "demos" / "talk" / "audio.flac"
DEFAULT = Audio(vad_silence_ms=512, vad_pad_ms=64)  # 16 frames, and 2

Samples = NDArray[np.float32]


class Loudness:
    """A detector that takes the last sample of a frame for the probability of speech."""

    def open(self) -> int:
        return 0

    def step(self, state: int, frame: Samples) -> tuple[int, float]:
        assert frame.shape == (FRAME_SAMPLES,)
        return state + 1, float(frame[-1])


def frames(*runs: tuple[float, int]) -> Samples:
    """Frames of a given probability, in runs of (probability, count)."""
    values = [probability for probability, count in runs for _ in range(count)]
    return np.repeat(np.array(values, np.float32), FRAME_SAMPLES)


def feed(gate: VoiceGate, packets: Iterable[Samples]) -> list[Speech]:
    """Everything that passes, with the end of the stream."""
    state, at = gate.open(), 0
    speech: list[Speech] = []
    for packet in packets:
        state, passed = gate.step(state, AudioChunk(packet, at))
        speech += passed
        at += len(packet)
    return speech + list(gate.finish(state))


def runs(speech: Sequence[Speech], samples: Samples) -> list[tuple[int, int]]:
    """Begin and end of each speech; asserts that its parts are whole and in place."""
    found: list[tuple[int, int]] = []
    going = False
    for part in speech:
        start, end = part.audio.start, part.audio.end
        assert np.array_equal(part.audio.samples, samples[start:end])
        if going:
            assert start == found[-1][1]
            found[-1] = (found[-1][0], end)
        else:
            assert not found or start >= found[-1][1]
            found.append((start, end))
        going = not part.ended
    assert not going
    return found


def passed(samples: Samples, config: Audio = DEFAULT) -> list[tuple[float, float]]:
    """Begin and end, in frames, of what passes of `samples`."""
    found = runs(feed(VoiceGate(config, Loudness()), [samples]), samples)
    return [(begin / FRAME_SAMPLES, end / FRAME_SAMPLES) for begin, end in found]


def test_speech_passes_with_its_pads() -> None:
    """Speech passes from a pad before it to the silence that ends it."""
    assert passed(frames((0, 10), (1, 20), (0, 50))) == [(8, 46)]


def test_silence_does_not_pass() -> None:
    """Without speech nothing passes, and nothing is ended."""
    assert feed(VoiceGate(DEFAULT, Loudness()), [frames((0, 100))]) == []


def test_short_sounds_are_not_speech() -> None:
    """A sound of two frames, 64 ms, does not open the gate; one of three does."""
    assert passed(frames((0, 10), (1, 2), (0, 30))) == []
    assert passed(frames((0, 10), (1, 3), (0, 30))) == [(8, 29)]


def test_a_short_pause_passes() -> None:
    """A silence shorter than `vad_silence_ms` does not end the speech, a longer one does."""
    assert passed(frames((1, 5), (0, 15), (1, 5), (0, 20))) == [(0, 41)]
    assert passed(frames((1, 5), (0, 16), (1, 5), (0, 20))) == [(0, 21), (21, 42)]


def test_hysteresis() -> None:
    """Between the two thresholds speech goes on but does not begin."""
    assert passed(frames((0.4, 40))) == []
    assert passed(frames((1, 5), (0.4, 40))) == [(0, 45)]
    assert passed(frames((1, 5), (0.3, 40))) == [(0, 21)]


def test_a_low_threshold() -> None:
    """A threshold below the hysteresis still opens the gate."""
    config = Audio(vad_threshold=0.005, vad_silence_ms=512, vad_pad_ms=64)
    assert passed(frames((0.006, 10), (0, 30)), config) == [(0, 26)]


def test_a_pad_longer_than_the_silence() -> None:
    """After speech as much passes as the pad says, also where the silence is shorter."""
    config = Audio(vad_silence_ms=64, vad_pad_ms=320)
    assert passed(frames((0, 20), (1, 5), (0, 40)), config) == [(10, 35)]


def test_nothing_passes_twice() -> None:
    """The pad before a speech does not reach back into the speech before it."""
    config = Audio(vad_silence_ms=320, vad_pad_ms=320)
    assert passed(frames((1, 5), (0, 12), (1, 5)), config) == [(0, 15), (15, 22)]


def test_speech_that_the_stream_cuts_off() -> None:
    """The end of the stream ends the speech, with the samples after the last whole frame."""
    samples = np.concatenate([frames((0, 4), (1, 6)), np.ones(100, np.float32)])
    assert passed(samples) == [(2, 10 + 100 / FRAME_SAMPLES)]


def test_a_stream_that_ends_too_early() -> None:
    """A stream that is cut off before its sound could be called speech passes nothing."""
    samples = frames((0, 4), (1, 3))
    assert passed(samples[:-1]) == []
    assert passed(samples) == [(2, 7)]


def test_audio_passes_while_speech_goes_on() -> None:
    """Each frame of speech, and of a pause within it, passes in the step that completes it."""
    gate = VoiceGate(DEFAULT, Loudness())
    samples = frames((1, 10), (0, 10), (1, 10))
    state, at = gate.open(), 0
    for n in range(30):
        packet = samples[n * FRAME_SAMPLES : (n + 1) * FRAME_SAMPLES]
        state, speech = gate.step(state, AudioChunk(packet, at))
        at += len(packet)
        if n >= 2:  # the first two could still be a click
            assert speech[-1].audio.end == at
            assert not speech[-1].ended


@settings(max_examples=150, deadline=None)
@given(
    heights=st.lists(
        st.tuples(st.sampled_from([0.0, 0.3, 0.4, 0.6, 1.0]), st.integers(1, 12)), max_size=12
    ),
    rest=st.integers(0, FRAME_SAMPLES - 1),
    cuts=st.lists(st.integers(0, 40_000), max_size=15),
    silence_ms=st.sampled_from([32, 100, 320]),
    pad_ms=st.sampled_from([0, 50, 200]),
)
def test_packets_do_not_matter(
    heights: list[tuple[float, int]], rest: int, cuts: list[int], silence_ms: int, pad_ms: int
) -> None:
    """Cut anywhere, a stream passes the same samples and ends at the same places."""
    samples = np.concatenate([frames(*heights), np.ones(rest, np.float32)])
    gate = VoiceGate(Audio(vad_silence_ms=silence_ms, vad_pad_ms=pad_ms), Loudness())
    whole = runs(feed(gate, [samples]), samples)
    cut = np.split(samples, sorted(min(c, len(samples)) for c in cuts))
    assert runs(feed(gate, cut), samples) == whole


def test_little_is_kept_in_silence() -> None:
    """However long the silence, no more than the pad and one frame are held."""
    gate = VoiceGate(DEFAULT, Loudness())
    state: GateState = gate.open()
    for n in range(200):
        state, _ = gate.step(state, AudioChunk(np.zeros(777, np.float32), n * 777))
        assert len(state.held.samples) < 3 * FRAME_SAMPLES


def test_a_state_can_be_used_twice() -> None:
    """Two futures of one state do not disturb each other."""
    gate = VoiceGate(DEFAULT, Loudness())
    state, _ = gate.step(gate.open(), AudioChunk(frames((0, 4), (1, 2)), 0))
    at = 6 * FRAME_SAMPLES
    _, silent = gate.step(state, AudioChunk(frames((0, 4)), at))
    _, spoken = gate.step(state, AudioChunk(frames((1, 4)), at))
    assert silent == ()
    assert [(s.audio.start, s.audio.end) for s in spoken] == [(2 * FRAME_SAMPLES, at + 2_048)]


def test_a_gap_is_refused() -> None:
    """Audio that does not follow is an error that names both places."""
    gate = VoiceGate(DEFAULT, Loudness())
    state, _ = gate.step(gate.open(), AudioChunk(np.zeros(100, np.float32), 0))
    with pytest.raises(AudioError, match="sample 101 where sample 100 is next"):
        gate.step(state, AudioChunk(np.zeros(100, np.float32), 101))


def test_a_stream_that_begins_later() -> None:
    """A gate opened at a sample counts from there."""
    gate = VoiceGate(DEFAULT, Loudness())
    state, speech = gate.step(gate.open(1_000), AudioChunk(frames((1, 5)), 1_000))
    assert speech[0].audio.start == 1_000
    assert gate.finish(state)[0].ended


def test_without_vad_everything_passes() -> None:
    """With `vad` off silence passes too, at once, and only the end of the stream ends it."""
    samples = frames((0, 40), (1, 5), (0, 40))[:-7]
    speech = feed(VoiceGate(Audio(vad=False)), np.split(samples, [1, 600, 20_000]))
    assert [part.ended for part in speech] == [False, False, False, False, True]
    assert runs(speech, samples) == [(0, len(samples))]


@pytest.mark.parametrize("vad", [True, False])
def test_no_audio_no_speech(vad: bool) -> None:
    """A stream that ends before it began has no speech to end."""
    gate = VoiceGate(Audio(vad=vad), Loudness())
    assert gate.finish(gate.open()) == ()


def test_real_speech() -> None:
    """Of a talk between silences the talk passes, and packets of an odd size change nothing."""
    talk, rate = soundfile.read(TALK, dtype="float32", frames=8 * 16_000)
    assert rate == 16_000
    hiss = np.random.default_rng(0).normal(0, 1e-3, 3 * 16_000).astype(np.float32)
    samples = np.concatenate([hiss, talk, hiss])
    gate = VoiceGate(Audio())
    speech = feed(gate, [samples])
    whole = runs(speech, samples)
    first, last = whole[0][0], whole[-1][1]
    assert len(hiss) - 8_000 < first < len(hiss) + 16_000
    assert len(samples) - len(hiss) - 16_000 < last < len(samples) - len(hiss) + 16_000
    assert sum(end - begin for begin, end in whole) > 4 * 16_000
    packets = np.split(samples, range(1_237, len(samples), 1_237))
    assert runs(feed(gate, packets), samples) == whole


@pytest.mark.parametrize("kind", ["silence", "noise", "tone"])
def test_what_is_not_speech_does_not_pass(kind: str) -> None:
    """Silence, noise and a steady tone keep the gate shut."""
    t = np.arange(3 * 16_000) / 16_000
    sounds = {
        "silence": np.zeros(len(t)),
        "noise": np.random.default_rng(0).normal(0, 0.1, len(t)),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * t),
    }
    assert feed(VoiceGate(Audio()), [sounds[kind].astype(np.float32)]) == []
