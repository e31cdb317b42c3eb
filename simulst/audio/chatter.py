"""Keeps off the terminal what sound libraries write there by themselves.

ALSA and PortAudio write lines of their own to standard error, from threads of their own, in the
middle of whatever is being shown. What matters of it is in the errors that PortAudio returns.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_chatter"]


@contextmanager
def no_chatter() -> Iterator[None]:
    """Nothing but Python reaches standard error meanwhile.

    The last words of a library that takes the whole process down are lost, too.
    """
    before = sys.stderr
    try:
        theirs = before.fileno()
    except (AttributeError, OSError, ValueError):  # no file: nothing to disturb
        yield
        return
    kept = os.dup(theirs)
    before.flush()
    ours = io.TextIOWrapper(
        io.FileIO(os.dup(kept), "w"), before.encoding, "backslashreplace", write_through=True
    )
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, theirs)
    os.close(nowhere)
    sys.stderr = ours
    try:
        yield
    finally:
        sys.stderr = before
        ours.close()
        os.dup2(kept, theirs)
        os.close(kept)
