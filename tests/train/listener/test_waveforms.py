"""Waveforms: files, other speakers, rooms, lines and noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst.train.listener.features import SAMPLE_RATE, log_mel
from simulst.train.listener.waveforms import (
    RATIOS,
    Audio,
    Setting,
    draw_setting,
    read_audio,
    set_in,
    spoken_at,
)


def tone(hertz: float, seconds: float = 1.0) -> Audio:
    """A sine of half the full scale."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def pitch(audio: Audio) -> float:
    """The strongest frequency, in Hz."""
    strongest = int(np.abs(np.fft.rfft(audio)).argmax())
    return strongest * SAMPLE_RATE / len(audio)


def test_features_are_faster_whispers() -> None:
    """The features are those of the extractor that the engine uses."""
    extractor = pytest.importorskip("faster_whisper.feature_extractor")
    audio = tone(440, 1.3) + np.random.default_rng(1).normal(0, 0.01, 20800).astype(np.float32)
    expected = extractor.FeatureExtractor(feature_size=80)(audio)
    np.testing.assert_allclose(log_mel(audio), expected, atol=1e-4)


def test_files_of_any_rate_come_at_sixteen_kilohertz(tmp_path: Path) -> None:
    """Stereo at 22.05 kHz is mixed and resampled; its pitch stays."""
    times = np.arange(22050) / 22050
    wave = 0.5 * np.sin(2 * np.pi * 1000 * times)
    soundfile.write(tmp_path / "a.wav", np.stack([wave, wave], 1), 22050)
    audio = read_audio(tmp_path / "a.wav")
    assert abs(len(audio) - SAMPLE_RATE) <= 1 and abs(pitch(audio) - 1000) < 2


@pytest.mark.parametrize("ratio", [RATIOS[0], 1.0, RATIOS[-1]])
def test_played_faster_it_is_higher_and_shorter(ratio: float) -> None:
    """Pitch rises and length falls by the same ratio."""
    audio = spoken_at(tone(1000), ratio)
    assert abs(len(audio) - SAMPLE_RATE / ratio) <= 2 and abs(pitch(audio) - 1000 * ratio) < 3


def test_a_narrow_line_keeps_the_middle() -> None:
    """Above its highest and below its lowest frequency nothing much is left."""
    line = Setting(low_hz=300, high_hz=3400)
    rng = np.random.default_rng(1)
    loud = {hertz: float(np.std(set_in(tone(hertz), line, rng))) for hertz in (80, 1000, 6000)}
    assert loud[80] < 0.05 * loud[1000] and loud[6000] < 0.05 * loud[1000]


def test_noise_has_the_level_asked_for() -> None:
    """Noise 20 dB below the speech is a tenth of its amplitude."""
    audio = tone(1000)
    noise = set_in(audio, Setting(noise_db=-20.0), np.random.default_rng(1)) - audio
    assert abs(20 * np.log10(np.std(noise) / np.std(audio)) + 20) < 0.5


def test_a_room_goes_on_sounding() -> None:
    """After the sound has stopped its echo is heard, and fades."""
    audio = np.concatenate([tone(500, 0.5), np.zeros(SAMPLE_RATE // 2, np.float32)])
    room = set_in(audio, Setting(decay_s=0.5, wet=0.5), np.random.default_rng(1))
    soon, late = room[8200:10000], room[-2000:]
    assert np.std(soon) > 0.01 and np.std(late) < 0.2 * np.std(soon)


def test_settings_follow_from_their_seed() -> None:
    """The same seed draws the same setting; clipping never happens."""
    one, two = (draw_setting(np.random.default_rng(5)) for _ in range(2))
    assert one == two
    rng = np.random.default_rng(6)
    for _ in range(10):
        assert np.abs(set_in(tone(300), draw_setting(rng), rng)).max() <= 1.0
