"""Two runs never share a work folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulst.errors import ConfigError, OutputError
from simulst.locks import held

HOLDER = """
import sys
from pathlib import Path
from simulst.locks import held

with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    """A second run is refused by name, until the first one is killed."""
    folder = tmp_path / "new" / "work"
    pipe = subprocess.PIPE
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, folder], stdin=pipe, stdout=pipe)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        refused = pytest.raises(ConfigError, match=f"another run, process {holder.pid}:")
        with refused, held(folder):
            raise AssertionError("held twice")
    finally:
        holder.kill()
        holder.communicate()
    with held(folder):
        assert (folder / ".lock").read_text() == str(os.getpid())
    with held(folder):  # let go of
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be is an error with its name."""
    (tmp_path / "work").write_text("")
    with pytest.raises(OutputError, match="work cannot be written"), held(tmp_path / "work"):
        pass
