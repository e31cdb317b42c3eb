"""`simulst serve` as a process of its own, with the packs that ship."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

__all__ = ["serving"]

START_S = 120  # to load, on a machine that does other things too
END_S = 60

COMMAND = """
import math, sys
import simulst.server.lag
from simulst.cli import main

simulst.server.lag.LATE_S = math.inf
sys.exit(main())
"""
"""A machine that is busy with other things may not change what is compared: nobody who is late is
heard in bigger steps. The rest is the command as it is."""


@contextlib.contextmanager
def serving(*options: str) -> Iterator[tuple[int, list[str]]]:
    """The port that it listens at, and what it says, to which lines are added."""
    command = [sys.executable, "-c", COMMAND, "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    there = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if "sessions at once" in line:  # the last line of its greeting
                there.set()
        there.set()  # it has ended

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        there.wait(START_S)
        found = re.search(r"listening at http://127\.0\.0\.1:(\d+)/", "".join(said))
        assert found, f"it does not listen: {said}"
        yield int(found[1]), said
    finally:
        process.terminate()
        try:
            code = process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        reader.join(END_S)
    assert code == 0, f"it ended with {code}: {said}"
