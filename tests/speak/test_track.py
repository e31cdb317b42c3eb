"""Speech in a sound file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst.errors import OutputError
from simulst.speak.sound import RATE
from simulst.speak.track import Track, check
from simulst.types import SAMPLE_RATE, Samples


def level(value: float, samples: int) -> Samples:
    """A sound that is the same all over."""
    return np.full(samples, value, np.float32)


@pytest.mark.parametrize("suffix", [".wav", ".FLAC"])
def test_sounds_lie_where_they_could_be_heard(tmp_path: Path, suffix: str) -> None:
    """Each begins at its sample, or where the one before ends; between them there is silence."""
    path = tmp_path / f"speech{suffix}"
    stage = Track(path)
    assert stage.clock(SAMPLE_RATE * 3 // 2) == 1.5
    assert stage.place(level(0.25, 2_400), 0.1) == 0.1
    assert stage.free_s == 0.2
    assert stage.place(level(0.5, 100), 0.05) == 0.2  # it is busy until then
    assert stage.place(level(-2.0, 10), 2.0) == 2.0
    stage.close()
    samples, rate = soundfile.read(path)
    expected = np.zeros(2 * RATE + 10)
    expected[2_400:4_800], expected[4_800:4_900], expected[2 * RATE :] = 0.25, 0.5, -1.0
    assert rate == RATE
    np.testing.assert_array_equal(samples, expected)


def test_nothing_said(tmp_path: Path) -> None:
    """A session without a word leaves a file without a sample."""
    Track(tmp_path / "none.wav").close()
    assert soundfile.info(tmp_path / "none.wav").frames == 0


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A suffix that is no sound, a folder that is missing, a folder in its place: by name."""
    for name, message in {
        "speech.mp3": r"speech\.mp3: speech is written as WAV or FLAC.*\.wav or \.flac",
        "none/speech.wav": "there is no folder",
        "folder.wav": "it is a folder",
    }.items():
        (tmp_path / "folder.wav").mkdir(exist_ok=True)
        with pytest.raises(OutputError, match=message):
            check(tmp_path / name)
    check(tmp_path / "speech.wav")
    assert not (tmp_path / "speech.wav").exists()
    with pytest.raises(OutputError, match="cannot be written"):
        Track(tmp_path / "folder.wav")


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """The error names the file, at the sound that did not fit."""
    path = tmp_path / "full.wav"
    path.symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"full\.wav cannot be written"):
        Track(path).place(level(0.5, RATE), 0.0)
