"""Speech in a sound file, each group where it could have been spoken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from simulst.errors import OutputError
from simulst.speak.sound import RATE
from simulst.types import SAMPLE_RATE, Samples

__all__ = ["Track", "check"]

FORMATS = {".wav": "WAV", ".flac": "FLAC"}


def check(path: Path) -> None:
    """Refuse what could not be written in the end, and touch nothing.

    Raises:
        OutputError: an unknown suffix, a missing folder, or a folder in its place.
    """
    if path.suffix.lower() not in FORMATS:
        raise OutputError(
            f"{path}: speech is written as WAV or FLAC; end the name in {' or '.join(FORMATS)}"
        )
    if not path.parent.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {path.parent}")
    if path.is_dir():
        raise OutputError(f"{path} cannot be written: it is a folder")


class Track:
    """Stage whose clock is that of the stream: the file begins with the stream's first sample.

    Between groups there is silence, of as many samples as belong there; after the last one the
    file ends. Mono, 16 bits.

    Args:
        path: `check` has let it through.

    Raises:
        OutputError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frames = 0
        try:
            path.touch()  # says by errno what is wrong, which libsndfile does not
            self._file = soundfile.SoundFile(
                path, "w", RATE, channels=1, format=FORMATS[path.suffix.lower()], subtype="PCM_16"
            )
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        except soundfile.SoundFileError as error:
            raise OutputError(f"{path} cannot be written: {error}") from error

    @property
    def free_s(self) -> float:
        """Where what has been spoken ends."""
        return self._frames / RATE

    def clock(self, ready: int) -> float:
        """The time of a sample of the stream."""
        return ready / SAMPLE_RATE

    def place(self, samples: Samples, earliest_s: float) -> float:
        """Write a sound where it can begin.

        Raises:
            OutputError: the disk is full or gone; what was written before is kept.
        """
        start = max(self._frames, round(earliest_s * RATE))
        try:
            while self._frames < start:
                silence = min(start - self._frames, RATE)
                self._file.write(np.zeros(silence, np.int16))
                self._frames += silence
            scaled = np.clip(np.rint(samples * 32_768), -32_768, 32_767)
            self._file.write(scaled.astype(np.int16))
            self._frames += len(samples)
            self._file.flush()
        except (OSError, soundfile.SoundFileError) as error:
            raise OutputError(
                f"{self.path} cannot be written, for want of space perhaps ({error}); "
                "what was written before is kept"
            ) from error
        return start / RATE

    def close(self) -> None:
        """Close the file.

        Raises:
            OutputError: its end could not be stored.
        """
        try:
            self._file.close()
        except (OSError, soundfile.SoundFileError) as error:
            raise OutputError(f"{self.path} cannot be written: {error}") from error
