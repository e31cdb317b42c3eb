"""What libraries write to standard error by themselves."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, sys
from simulst.audio.chatter import no_chatter

os.write(2, b"before\\n")
try:
    with no_chatter():
        os.write(2, b"ALSA lib pcm.c: Unknown PCM\\n")
        print("ours", file=sys.stderr)
        os.write(2, b"Expression 'r' failed\\n")
        {inside}
finally:
    os.write(2, b"after\\n")
print("python again", file=sys.stderr)
"""


def errors(inside: str) -> list[str]:
    """What reached standard error."""
    code = SCRIPT.format(inside=inside)
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=60)
    return done.stderr.splitlines()


def test_only_python_is_heard() -> None:
    """Lines of libraries are dropped, our own are not, and it is over when it is over."""
    assert errors("pass") == ["before", "ours", "after", "python again"]


def test_an_error_ends_it_too() -> None:
    """A traceback is shown in full."""
    lines = errors("raise ZeroDivisionError")
    assert lines[:3] == ["before", "ours", "after"]
    assert lines[-1] == "ZeroDivisionError"


def test_without_standard_error() -> None:
    """A process that has none goes on."""
    code = SCRIPT.format(inside="").replace('print("ours", file=sys.stderr)', "print('on')")
    code = code.replace("import os, sys", "import os, sys; sys.stderr = None", 1)
    code = code.replace('print("python again", file=sys.stderr)', "")
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "on\n")
