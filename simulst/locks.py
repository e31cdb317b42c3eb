"""A work folder belongs to one run at a time.

Commands that go on where an earlier run stopped would write into each other's files when one is
started twice. The lock is the operating system's and ends with the process, however that ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from simulst.errors import ConfigError, OutputError

__all__ = ["held"]

NAME = ".lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder, which is made if need be.

    Where the system knows no such locks (Windows, some network drives) nothing is kept out.

    Raises:
        ConfigError: another run holds it.
        OutputError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / NAME).open("a+", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error
    with file:
        if not _taken(file.fileno()):
            file.seek(0)
            raise ConfigError(
                f"{folder} is in use by another run, process {file.read().strip() or 'unknown'}: "
                "wait until it has ended, or work in another folder"
            )
        with suppress(OSError):  # the number is only for the message; a full disk is told elsewhere
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), str(os.getpid()).encode())
        yield


def _taken(descriptor: int) -> bool:
    """Lock an open file; false where another process has."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
