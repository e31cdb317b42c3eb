"""A text file that is written as things happen.

Every write reaches the operating system at once, so what was written is there even if the
process is killed in the next moment.
"""

from __future__ import annotations

import io
from pathlib import Path

from simulst.errors import OutputError

__all__ = ["Output"]


class Output:
    """Replaces `path` by an empty UTF-8 file and appends to it.

    After a failed write nothing more is written: a gap would be worse than an end.

    Raises:
        OutputError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._failed = False
        try:
            self._file = io.FileIO(path, "w")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error

    def write(self, text: str) -> None:
        """Append.

        Raises:
            OutputError: the disk is full or gone.
        """
        if self._failed:
            return
        rest = memoryview(text.encode())
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._failed = True
            raise OutputError(
                f"{self.path} cannot be written: {error.strerror}; what was written before is kept"
            ) from error

    def close(self) -> None:
        """Close the file.

        Raises:
            OutputError: a network disk reports only now that it could not store the text.
        """
        try:
            self._file.close()
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror}") from error
