"""Single keys from the terminal while something else runs.

Line editing and echo are off meanwhile, signals from keys are not. The terminal gets its settings
back on every way out but a kill that no process can notice: at the end of the `with` block, when
a signal ends the session (call `let_go` from its handler), and while the process is stopped.
Where standard input is no terminal, or that of another job, there are no keys.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Keys"]

LOOK_S = 0.5  # between two looks whether this job has the terminal
PATIENCE_S = 5.0  # for what the last key has begun
ESCAPE = b"\x1b"  # begins what an arrow or a function key sends


class Keys:
    """Calls back at a key, in a thread of its own.

    Args:
        actions: by key, in lower case; capitals do the same.
    """

    def __init__(self, actions: Mapping[str, Callable[[], object]]) -> None:
        self._actions = actions
        self._terminal: int | None = None
        self._before: list[Any] | None = None  # the settings, while they are others
        self._signals: dict[int, Any] = {}
        self._wake: tuple[int, int] | None = None
        self._thread: threading.Thread | None = None

    @property
    def live(self) -> bool:
        """Keys are listened to."""
        return self._terminal is not None

    def __enter__(self) -> Self:
        self._terminal = _own_terminal()
        if self._terminal is None:
            return self
        self._quieten()
        if threading.current_thread() is threading.main_thread():
            self._signals[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._stop)
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._listen, args=(self._wake[0],), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.let_go()
        if self._wake is not None and self._thread is not None:
            os.write(self._wake[1], b"x")
            self._thread.join(PATIENCE_S)
            if not self._thread.is_alive():  # else it is busy with what a key asked for
                for end in self._wake:
                    os.close(end)
        for number, handler in self._signals.items():
            signal.signal(number, handler)

    def let_go(self) -> None:
        """Give the terminal its settings back, at once and for good; safe in a signal handler."""
        self._restore()
        self._terminal = None

    def _quieten(self) -> None:
        import termios
        import tty

        if self._terminal is None or not _in_front(self._terminal):
            return
        with suppress(termios.error):  # it has been closed
            before = termios.tcgetattr(self._terminal)
            tty.setcbreak(self._terminal, termios.TCSANOW)
            self._before = before

    def _restore(self) -> None:
        import termios

        before, self._before = self._before, None
        if before is None or self._terminal is None or not _in_front(self._terminal):
            return  # whoever is in front has settings of its own
        with suppress(termios.error):
            termios.tcsetattr(self._terminal, termios.TCSANOW, before)
            termios.tcflush(self._terminal, termios.TCIFLUSH)  # the shell is not to get the rest

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: the shell gets its terminal as it was."""
        self._restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # ... and here it goes on when it is brought back
        signal.signal(number, self._stop)
        self._quieten()

    def _listen(self, wake: int) -> None:
        while (terminal := self._terminal) is not None:
            if not _in_front(terminal):  # a read would stop the process
                ready = select.select([wake], [], [], LOOK_S)[0]
            else:
                if self._before is None:  # brought to the front by another way than it left
                    self._quieten()
                ready = select.select([wake, terminal], [], [])[0]
            if wake in ready or self._terminal is None:
                return
            if terminal in ready and _in_front(terminal):
                try:
                    pressed = os.read(terminal, 64)
                except OSError:
                    return
                if not pressed:
                    return
                self._act(pressed)

    def _act(self, pressed: bytes) -> None:
        if pressed.startswith(ESCAPE):
            return
        for key in pressed.decode("utf-8", "replace").lower():
            if key in self._actions:
                self._actions[key]()


def _own_terminal() -> int | None:
    """Standard input, if it is a terminal whose keys are meant for this process."""
    try:
        import termios  # noqa: F401 - no such thing on Windows

        number = sys.stdin.fileno()
    except (ImportError, AttributeError, OSError, ValueError):
        return None
    return number if os.isatty(number) and _in_front(number) else None


def _in_front(terminal: int) -> bool:
    """The terminal listens to this job; another that touched it would be stopped."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
