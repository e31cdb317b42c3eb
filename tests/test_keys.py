"""Keys in a real terminal, and what becomes of the terminal."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.terminals import Window

SCRIPT = """
import sys, threading, time
from simulst.keys import Keys

def say(line):  # in one write, also beside another thread
    sys.stdout.write(line + "\\n")
    sys.stdout.flush()

done = threading.Event()
with Keys({{"p": lambda: say("pause"), "q": done.set}}) as keys:
    say("ready" if keys.live else "no keys")
    {body}
say("over")
"""
WAIT = "done.wait(20)"
BUSY = """\
    from simulst.session import Stop
    with Stop() as stop:
        stop.before.append(keys.let_go)
        say("busy")
        [time.sleep(0.05) for _ in range(400) if not done.is_set()]  # a signal only ends a nap
"""


def script(body: str) -> list[str]:
    """A process that listens to keys while it does something."""
    return [sys.executable, "-u", "-c", SCRIPT.format(body=body)]


def silent(window: Window) -> bool:
    """Line editing and echo are off."""
    return not window.settings_now[3] & (termios.ICANON | termios.ECHO)


def test_a_key_acts_at_once() -> None:
    """No Enter is needed, capitals do the same, other keys do nothing, and q ends it."""
    with Window(script(WAIT)) as window:
        window.until(lambda: "ready" in window.text)
        assert silent(window)
        window.press("xpP")
        window.until(lambda: window.text.count("pause") == 2)
        window.press("\x1bOP")  # F1
        window.watch(0.2)
        window.press("q")
        assert window.ended() == 0
        assert [line for line in window.lines if line] == ["ready", "pause", "pause", "over"]
        assert window.settings_now == window.settings


@pytest.mark.parametrize(
    ("body", "code"),
    [("pass", 0), ("raise ZeroDivisionError", 1), ("sys.exit(3)", 3)],
    ids=["the end", "an error", "an exit"],
)
def test_the_terminal_is_given_back(body: str, code: int) -> None:
    """However the process leaves."""
    with Window(script(body)) as window:
        assert window.ended() == code
        assert "ready" in window.text
        assert window.settings_now == window.settings


def test_a_signal_gives_the_terminal_back_before_a_second_can_kill() -> None:
    """After Ctrl-C the process may still work; a second one kills it with the terminal in order."""
    with Window(script(BUSY.strip())) as window:
        window.until(lambda: "busy" in window.text)
        window.press("\x03")
        window.until(lambda: window.settings_now == window.settings, 5)
        assert window.process.poll() is None
        window.press("\x03")
        assert window.ended() == -signal.SIGINT
        assert window.settings_now == window.settings
        assert "over" not in window.text


def test_a_stopped_process_leaves_the_terminal_alone() -> None:
    """Ctrl-Z hands it over, coming back takes it again."""
    shell = f"{shlex.join(script(WAIT))}; echo stopped; sleep 1; fg >/dev/null; echo code $?"
    with Window(["sh", "-mc", shell]) as window:
        window.until(lambda: "ready" in window.text)
        window.press("\x1a")
        window.until(lambda: "stopped" in window.text)
        assert window.settings_now == window.settings
        window.until(lambda: silent(window), 5)
        window.press("q")
        assert window.ended() == 0
        assert "over\ncode 0" in window.text
        assert window.settings_now == window.settings


def test_what_was_typed_too_late_does_not_reach_the_shell() -> None:
    """Keys behind the q are dropped."""
    after = "import select; print('left' if select.select([sys.stdin], [], [], 0)[0] else 'none')"
    code = SCRIPT.format(body="done.wait(20); time.sleep(0.5)") + after
    with Window([sys.executable, "-u", "-c", code]) as window:
        window.until(lambda: "ready" in window.text)
        window.press("q")
        window.watch(0.2)
        window.press("rm -rf\n")
        assert window.ended() == 0
        assert window.lines[2] == "none"


@pytest.mark.parametrize("stdin", ["pipe", "file", "closed"])
def test_without_a_terminal_there_are_no_keys(stdin: str, tmp_path: Path) -> None:
    """A pipe, a file or nothing on standard input is left unread."""
    (tmp_path / "keys").write_text("qqq")
    code = SCRIPT.format(body="pass")
    if stdin == "closed":
        code = "import os; os.close(0); import sys; sys.stdin = None\n" + code
    with (tmp_path / "keys").open() as file:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdin=file if stdin == "file" else None,
            input="qqq" if stdin != "file" else None,
            text=True,
            capture_output=True,
            timeout=60,
            check=True,
        )
    assert done.stdout.split("\n") == ["no keys", "over", ""]


def test_another_job_s_terminal_is_left_alone() -> None:
    """In the background the terminal belongs to somebody else: nothing is set, nothing stops."""
    code = (
        "import os, subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-c', sys.argv[1]], process_group=0, timeout=20)\n"
        "print('code', done.returncode)\n"
    )
    with Window([sys.executable, "-u", "-c", code, SCRIPT.format(body="pass")]) as window:
        assert window.ended() == 0
        assert [line for line in window.lines if line] == ["no keys", "over", "code 0"]
