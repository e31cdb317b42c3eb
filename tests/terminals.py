"""A terminal with a process in it, as a user has it in front of them."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pyte

__all__ = ["Window"]

HEIGHT = 24
PATIENCE_S = 30.0


class Window:
    """Runs a command in a terminal of its own, which interprets what it writes.

    Args:
        command: with its arguments.
        width: columns.
        environment: of the process.

    Attributes:
        process: the command.
        settings: of the terminal before it began.
    """

    def __init__(
        self,
        command: Sequence[str],
        width: int = 80,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._ours, self._theirs = pty.openpty()
        size = struct.pack("HHHH", HEIGHT, width, 0, 0)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, size)
        self.settings = self.settings_now
        self._screen = pyte.HistoryScreen(width, HEIGHT, history=1_000)
        self._stream = pyte.ByteStream(self._screen)
        self.process = subprocess.Popen(
            command,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            env={**(os.environ if environment is None else environment), "TERM": "xterm-256color"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    @property
    def settings_now(self) -> list[Any]:
        """What the terminal does with keys."""
        return termios.tcgetattr(self._theirs)

    @property
    def lines(self) -> list[str]:
        """All that can be read, also by scrolling back."""
        width = self._screen.columns
        past = [
            "".join(line[column].data for column in range(width))
            for line in self._screen.history.top
        ]
        return [line.rstrip() for line in (*past, *self._screen.display)]

    @property
    def text(self) -> str:
        """The same, in one."""
        return "\n".join(self.lines)

    def lines_below(self, mark: str) -> str:
        """What stands below the last line with the mark; nothing if there is none."""
        lines = self.lines
        marked = [number for number, line in enumerate(lines) if mark in line]
        return "\n".join(lines[marked[-1] + 1 :]) if marked else ""

    @property
    def cursor_hidden(self) -> bool:
        """No cursor is shown."""
        return bool(self._screen.cursor.hidden)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    def until(self, condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        """Watch until something holds.

        Raises:
            TimeoutError: it does not come to that.
        """
        end_s = time.monotonic() + patience_s
        while not condition():
            ended = self.process.poll() is not None
            if select.select([self._ours], [], [], 0.05)[0]:
                self._stream.feed(os.read(self._ours, 65_536))
            elif (ended and not condition()) or time.monotonic() > end_s:
                raise TimeoutError(f"{'ended' if ended else 'waited'} in vain:\n{self.text}")

    def watch(self, seconds: float) -> None:
        """Watch for a while."""
        end_s = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end_s)

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        self.until(lambda: self.process.poll() is not None)
        while select.select([self._ours], [], [], 0.1)[0]:
            self._stream.feed(os.read(self._ours, 65_536))
        return self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self._ours)
        os.close(self._theirs)
