"""A session kept as a talk to learn from: its journal, and what was heard.

    folder/session.jsonl   the journal, as `simulst.emit.jsonl` describes it; of a session in
                           several languages session.de.jsonl, session.fr.jsonl ...
    folder/audio.flac      16 kHz mono, 16 bits, from the session's first sample on

Times in the journal are samples of the sound file. Both are written as things happen: after a
kill the journal lacks at most the line that was being written, and the sound at most the block
that was being filled, a quarter of a second. There is no transcript beside them: the journal
holds the words, and a transcript that somebody adds later, corrected, is read instead of it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from pathlib import Path

import numpy as np
import soundfile

from simulst.emit.jsonl import Journal
from simulst.errors import OutputError
from simulst.types import SAMPLE_RATE, Samples, Update

__all__ = ["AUDIO", "JOURNAL", "Recording", "Sound", "session_folder"]

JOURNAL = "session.jsonl"
AUDIO = "audio.flac"

BLOCK_AT = 8  # where a FLAC file says how many samples a block has, in two bytes
TOTAL_AT = 21  # ... and how many samples it holds: four bits of this byte, and four bytes more


def session_folder(root: Path, begun: datetime) -> Path:
    """Make an empty folder for a session in `root`, named by the time when it began.

    Raises:
        OutputError: it cannot be made.
    """
    name = begun.strftime("%Y-%m-%dT%H-%M-%S")
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = root / (name if number == 1 else f"{name}-{number}")
            try:
                folder.mkdir()
            except FileExistsError:  # another session began in the same second
                continue
            return folder
    except OSError as error:
        raise OutputError(f"{root} cannot hold recordings: {error.strerror}") from error
    raise AssertionError("count never ends")


class Sound:
    """Sink that keeps what is heard, and no words.

    Args:
        folder: made if it is missing; it may not hold a recording yet.

    Raises:
        OutputError: the file cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        for name in (JOURNAL, AUDIO):
            if (folder / name).exists():
                raise OutputError(
                    f"{folder} holds a recording already ({name}): give another folder"
                )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be made: {error.strerror}") from error
        self._file = _Flac(folder / AUDIO)

    def hear(self, samples: Samples) -> None:
        """Append sound that the session is given.

        Args:
            samples: (n,) float32 at 16 kHz; what lies outside of [-1, 1) is clipped.

        Raises:
            OutputError: the disk is full or gone; what was written before is kept.
        """
        self._file.write(samples)

    def write(self, update: Update) -> None:
        """Pass over the words."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Recording:
    """Sink that keeps a session, words and sound.

    Args:
        folder: made if it is missing; it may not hold a recording yet.
        signature: goes into the first line of the journal.

    Raises:
        OutputError: the files cannot be made or written.
    """

    def __init__(self, folder: Path, signature: Mapping[str, object]) -> None:
        self._sound = Sound(folder)
        self.folder = folder
        try:
            self._journal = Journal(folder / JOURNAL, signature)
        except OutputError:
            self._sound.close()
            raise

    def hear(self, samples: Samples) -> None:
        """Append sound, as `Sound.hear` does."""
        self._sound.hear(samples)

    def write(self, update: Update) -> None:
        """Append one update to the journal."""
        self._journal.write(update)

    def summarise(self, fields: Mapping[str, object]) -> None:
        """Append the last line of the journal."""
        self._journal.summarise(fields)

    def close(self) -> None:
        """Close both files."""
        try:
            self._sound.close()
        finally:
            self._journal.close()


class _Flac:
    """A FLAC file whose header is true at any moment.

    libsndfile writes the length when it closes the file. Without one a file that was cut off
    can only be read a block at a time, with an error at its end; so the header is set to the
    blocks that are complete, as they become so.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._failed = False
        self._told = self._taken = 0
        try:
            path.touch()  # says by errno what is wrong, which libsndfile does not
            self._file = soundfile.SoundFile(
                path, "w", SAMPLE_RATE, channels=1, format="FLAC", subtype="PCM_16"
            )
            self._header = io.FileIO(path, "r+")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        except soundfile.SoundFileError as error:
            raise OutputError(f"{path} cannot be written: {error}") from error

    def write(self, samples: Samples) -> None:
        if self._failed or not len(samples):
            return
        scaled = np.rint(samples.astype(np.float32) * 32_768)
        try:
            self._file.write(np.clip(scaled, -32_768, 32_767).astype(np.int16))
            self._taken += len(samples)
            self._tell()
        except (OSError, soundfile.SoundFileError) as error:
            self._failed = True
            raise OutputError(
                f"{self.path} cannot be written, for want of space perhaps ({error}); "
                "what was written before is kept"
            ) from error

    def _tell(self) -> None:
        """Put the number of samples in complete blocks into the header."""
        self._header.seek(BLOCK_AT)
        block = int.from_bytes(self._header.read(2), "big")
        if not block:  # nothing has reached the file
            return
        # the encoder looks one sample ahead before it lets a block go
        complete = max(self._taken - 1, 0) // block * block
        if complete > self._told:
            self._told = complete
            self._header.seek(TOTAL_AT)
            (first,) = self._header.read(1)
            self._header.seek(TOTAL_AT)
            total = (first & 0xF0) << 32 | complete  # 36 bits
            self._header.write(total.to_bytes(5, "big"))

    def close(self) -> None:
        try:
            self._file.close()
            self._header.close()
        except (OSError, soundfile.SoundFileError) as error:
            raise OutputError(f"{self.path} cannot be written: {error}") from error
