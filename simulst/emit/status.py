"""One line that says how a live session is doing."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

__all__ = ["Status", "status_line"]

METER = 10  # cells
QUIET_DB = -60.0  # where the meter begins
LOUD_DB, CLIPPED_DB = -12.0, -3.0  # where its colours change
BEHIND_S = 1.0  # less is a step that is being computed


@dataclass(frozen=True, slots=True)
class Status:
    """What a live source says about itself.

    Attributes:
        state: in a word.
        well: nothing needs the user's attention.
        level_db: of the sound, full scale 0.
        behind_s: what has been spoken and not been heard yet.
        overflows: how often sound was lost.
        keys: what can be pressed; empty if nothing.
    """

    state: str
    well: bool = True
    level_db: float = QUIET_DB
    behind_s: float = 0.0
    overflows: int = 0
    keys: str = ""


def status_line(
    status: Status, time: str, lag_s: float | None, width: int, ascii_only: bool = False
) -> Text:
    """Level, state, time, lag and losses, as many as go into the width.

    Args:
        status: of the source.
        time: since the beginning, in words.
        lag_s: of the last words behind the speaker, if it is known.
        width: cells.
        ascii_only: the terminal has no others.
    """
    state = Text(status.state, style="bold" if status.well else "bold yellow")
    if status.behind_s >= BEHIND_S:
        state.append(f", {status.behind_s:.0f} s behind", style="bold yellow")
    meter = _meter(status.level_db, ascii_only).append(f" {status.level_db:3.0f} dB")
    lag = "" if lag_s is None else f"lag {lag_s:.1f} s"
    losses = f"overflows {status.overflows}"
    parts = [  # the higher the number, the sooner it is left out
        (1, meter),
        (0, state),
        (3, Text(time)),
        (4, Text(lag)),
        (2, Text(losses, style="bold red" if status.overflows else "")),
        (5, Text(status.keys, style="dim")),
    ]
    parts = [(rank, part) for rank, part in parts if part.plain]
    for limit in (5, 4, 3, 2, 1, 0):
        line = Text("  ").join(part for rank, part in parts if rank <= limit)
        if line.cell_len <= width:
            return line
    line.truncate(width, overflow="ellipsis")
    return line


def _meter(level_db: float, ascii_only: bool) -> Text:
    full, empty = ("#", "-") if ascii_only else ("█", "░")
    share = (level_db - QUIET_DB) / -QUIET_DB
    cells = min(METER, max(0, round(share * METER)))
    style = "red" if level_db > CLIPPED_DB else "yellow" if level_db > LOUD_DB else "green"
    return Text.assemble((full * cells, style), (empty * (METER - cells), "dim"))
