"""A session's recording: complete, true to the sample, and there after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst.audio.sources import open_source
from simulst.emit.jsonl import read, read_signature
from simulst.emit.recording import AUDIO, JOURNAL, Recording, session_folder
from simulst.errors import OutputError
from simulst.types import SAMPLE_RATE, Samples
from tests.emit.units import talk


def noise(seconds: float) -> Samples:
    """Sound that FLAC cannot make small."""
    drawn = np.random.default_rng(0).normal(0, 0.1, round(seconds * SAMPLE_RATE))
    return (np.rint(drawn * 32_768) / 32_768).astype(np.float32)


def test_what_was_heard_and_decided_is_kept(tmp_path: Path) -> None:
    """Sound comes back to the bit, however it was cut, and the journal is a journal."""
    sound = noise(3)
    recording = Recording(tmp_path / "talk", {"k_min": 2})
    for piece in np.split(sound, [1, 700, 700, 17_000]):
        recording.hear(piece)
    for update in talk():
        recording.write(update)
    recording.summarise({"words": 3})
    recording.close()
    stored, rate = soundfile.read(tmp_path / "talk" / AUDIO, dtype="float32")
    assert rate == SAMPLE_RATE
    np.testing.assert_array_equal(stored, sound)
    journal = tmp_path / "talk" / JOURNAL
    assert read_signature(journal) == {"k_min": 2}
    assert list(read(journal)) == [
        replace(u, tentative_source="", tentative_target="") for u in talk()[1:]
    ]
    assert '"summary"' in journal.read_text().splitlines()[-1]


def test_loud_sound_is_clipped_and_does_not_wrap(tmp_path: Path) -> None:
    """Beyond full scale the sound stays at full scale, on its side."""
    recording = Recording(tmp_path, {})
    recording.hear(np.array([1.5, -1.5, 0.25], np.float32))
    recording.close()
    stored, _ = soundfile.read(tmp_path / AUDIO, dtype="int16")
    assert stored.tolist() == [32_767, -32_768, 8192]


KILLED = """
import os, signal, sys
from pathlib import Path
from simulst.emit.recording import Recording
from tests.emit.test_recording import noise
from tests.emit.units import talk
recording = Recording(Path(sys.argv[1]), {})
sound = noise(float(sys.argv[2]))
for start in range(0, len(sound), 800):
    recording.hear(sound[start : start + 800])
for update in talk()[:3]:
    recording.write(update)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("seconds", [0.3, 1.28, 5.7])
def test_a_killed_session_is_there_up_to_its_last_moments(tmp_path: Path, seconds: float) -> None:
    """After SIGKILL plain readers get all but the block that was being filled, without an error."""
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path, str(seconds)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert [u.heard for u in read(tmp_path / JOURNAL)] == [16000, 24000]
    sound = noise(seconds)
    stored, _ = soundfile.read(tmp_path / AUDIO, dtype="float32")
    assert 0 <= len(sound) - len(stored) <= 0.3 * SAMPLE_RATE
    np.testing.assert_array_equal(stored, sound[: len(stored)])
    with open_source(str(tmp_path / AUDIO)) as source:
        assert source.duration == len(stored)
        heard = np.concatenate([chunk.samples for chunk in source])
    np.testing.assert_array_equal(heard, stored)


FULL = """
import resource, sys
from pathlib import Path
from simulst.emit.recording import Recording
from simulst.errors import OutputError
from tests.emit.test_recording import noise
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
recording = Recording(Path(sys.argv[1]), {})
told = []
for _ in range(4):
    try:
        recording.hear(noise(1))
    except OutputError as error:
        told.append(str(error))
recording.close()
print(*told, sep="\\n")
"""


def test_a_full_disk_is_told_once_and_keeps_what_was_there(tmp_path: Path) -> None:
    """The error names the file; afterwards nothing is written, and the beginning can be read."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path], text=True, capture_output=True, timeout=60
    )
    (line,) = done.stdout.splitlines()
    assert "audio.flac cannot be written" in line, done.stderr
    stored, _ = soundfile.read(tmp_path / AUDIO, dtype="float32")
    assert SAMPLE_RATE * 0.5 < len(stored) < SAMPLE_RATE * 2


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    """A folder that holds one already is refused, and stays as it is."""
    Recording(tmp_path, {"first": True}).close()
    with pytest.raises(OutputError, match="holds a recording already"):
        Recording(tmp_path, {})
    assert read_signature(tmp_path / JOURNAL) == {"first": True}


def test_sessions_of_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    """The folder is named by the start of the session, and numbered where that is not enough."""
    begun = datetime(2026, 2, 3, 4, 5, 6)
    made = [session_folder(tmp_path / "kept", begun).name for _ in range(3)]
    assert made == ["2026-02-03T04-05-06", "2026-02-03T04-05-06-2", "2026-02-03T04-05-06-3"]


def test_a_place_that_cannot_hold_recordings_is_named(tmp_path: Path) -> None:
    """A file in the way, and a folder that cannot be made, say so."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file cannot hold recordings: File exists"):
        session_folder(tmp_path / "file", datetime(2026, 1, 1))
    with pytest.raises(OutputError, match="cannot be made: Not a directory"):
        Recording(tmp_path / "file" / "talk", {})
