"""Worker processes that end when the process that started them does."""

from __future__ import annotations

import os
import threading
from multiprocessing import connection, parent_process

__all__ = ["end_with_parent"]

ABANDONED = 75
"""Exit status of a worker whose parent is gone, EX_TEMPFAIL of sysexits."""


def end_with_parent() -> None:
    """Called first in a worker of multiprocessing: it ends at once when its parent dies.

    A pool whose parent is killed leaves workers that finish what was queued, whoever restarts the
    command meanwhile, and then wait for ever. Elsewhere than in a worker nothing happens.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(ABANDONED)
