"""Workers do not outlive the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

POOL = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from simulst.orphans import end_with_parent

def show(folder):
    open(f"{folder}/{os.getpid()}", "w").close()
    time.sleep(100)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, context, end_with_parent) as pool:
        list(pool.map(show, [sys.argv[2]] * 2))
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_end_when_their_parent_is_killed(context: str, tmp_path: Path) -> None:
    """Not even a kill that the parent cannot answer leaves them behind."""
    script, started = tmp_path / "pool.py", tmp_path / "started"
    script.write_text(POOL)
    started.mkdir()
    parent = subprocess.Popen([sys.executable, str(script), context, str(started)])
    deadline = time.monotonic() + 60
    while len(workers := [int(path.name) for path in started.iterdir()]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert all(map(alive, workers))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    while any(map(alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
