"""The voice activity model, frame by frame."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from faster_whisper import vad

from simulst.audio.silero import FRAME_SAMPLES, SileroDetector
from simulst.errors import ModelError

TALK = Path(__file__).parents[2] / "demos" / "talk" / "audio.flac"


def test_equals_the_model_run_at_once() -> None:
    """Frame by frame the probabilities are those of faster-whisper over the whole."""
    samples, _ = soundfile.read(TALK, dtype="float32", frames=150 * FRAME_SAMPLES)
    frames = samples.reshape(-1, FRAME_SAMPLES)
    detector = SileroDetector()
    state, probabilities = detector.open(), []
    for frame in frames:
        state, probability = detector.step(state, frame)
        probabilities.append(probability)
    # faster-whisper clears the end of the last frame, so that frame is left out
    wanted = vad.get_vad_model()(samples.copy()).reshape(-1)
    np.testing.assert_allclose(probabilities[:-1], wanted[:-1], atol=1e-5)
    assert max(probabilities) > 0.9 and min(probabilities) < 0.1


def test_the_state_is_a_value() -> None:
    """Stepping twice from one state gives the same twice."""
    rng = np.random.default_rng(0)
    frames = rng.normal(0, 0.1, (3, FRAME_SAMPLES)).astype(np.float32)
    detector = SileroDetector()
    state, _ = detector.step(detector.open(), frames[0])
    first = detector.step(state, frames[1])[1]
    detector.step(state, frames[2])
    assert detector.step(state, frames[1])[1] == first


def test_another_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model with other inputs is an error that says what to install."""
    inputs = [SimpleNamespace(name="x", shape=[1, 512])]
    model = SimpleNamespace(session=SimpleNamespace(get_inputs=lambda: inputs))
    monkeypatch.setattr(vad, "get_vad_model", lambda: model)
    with pytest.raises(ModelError, match=r"install faster-whisper 1\.2"):
        SileroDetector()
