"""A microphone session and its user: keys, what the terminal shows, and how both end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from simulst.audio.chatter import no_chatter
from simulst.audio.microphone import Microphone, State
from simulst.audio.sources import Source
from simulst.emit.panes import Panes
from simulst.emit.status import Status
from simulst.emit.terminal import Terminal
from simulst.keys import Keys
from simulst.protocols import Sink
from simulst.session import Stop

__all__ = ["attended", "view"]

HINT = "p pause  q quit"
WELL = (State.STARTING, State.LISTENING)

log = logging.getLogger(__name__)


@contextmanager
def attended(source: Source, stop: Stop | None = None) -> Iterator[str]:
    """Let keys act on a microphone, and nothing disturb the terminal; other sources have neither.

    Args:
        source: not entered yet.
        stop: gives the terminal back when a signal comes, before a second one can kill.

    Yields:
        The keys, in words; empty where there are none.
    """
    if not isinstance(source, Microphone):
        yield ""
        return

    def turn() -> None:
        if source.paused:
            source.resume()
        else:
            source.pause()
        log.warning("paused" if source.paused else "listening again")

    with no_chatter(), Keys({"p": turn, " ": turn, "q": source.close}) as keys:
        if stop is not None:
            stop.before.append(keys.let_go)
        yield HINT if keys.live else ""


def view(source: Source, source_language: str, target_language: str, hint: str = "") -> Sink:
    """What shows a session: two panes for a microphone on a terminal, else lines.

    Args:
        source: of the session.
        source_language, target_language: labels.
        hint: keys that can be pressed.
    """
    console = Console()
    if isinstance(source, Microphone) and console.is_terminal and not console.is_dumb_terminal:
        return Panes(console, source_language, target_language, lambda: _status(source, hint))
    return Terminal(console, source_language, target_language, source.duration)


def _status(source: Microphone, hint: str) -> Status:
    state = source.state
    return Status(
        state=state.value,
        well=state in WELL,
        level_db=source.level_db,
        behind_s=source.behind_s,
        overflows=source.overflows,
        keys=hint,
    )
