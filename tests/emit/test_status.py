"""The line that says how a live session is doing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.text import Text

from simulst.emit.status import Status, status_line

FINE = Status("listening", level_db=-18.0, keys="p pause  q quit")


def line(status: Status = FINE, width: int = 80, ascii_only: bool = False) -> Text:
    """The line after twelve seconds."""
    return status_line(status, "0:12", 1.94, width, ascii_only)


def test_everything_fits_into_eighty_columns() -> None:
    """Level, state, time, lag, losses and keys, in this order."""
    expected = "███████░░░ -18 dB  listening  0:12  lag 1.9 s  overflows 0  p pause  q quit"
    assert line().plain == expected


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (79, "███████░░░ -18 dB  listening  0:12  lag 1.9 s  overflows 0  p pause  q quit"),
        (70, "███████░░░ -18 dB  listening  0:12  lag 1.9 s  overflows 0"),
        (50, "███████░░░ -18 dB  listening  0:12  overflows 0"),
        (44, "███████░░░ -18 dB  listening  overflows 0"),
        (30, "███████░░░ -18 dB  listening"),
        (20, "listening"),
        (6, "liste…"),
    ],
)
def test_the_less_important_goes_first(width: int, expected: str) -> None:
    """A narrow terminal shows what matters."""
    assert line(width=width).plain == expected


def test_what_needs_attention_stands_out() -> None:
    """Losses, a state that is not well, and a session that falls behind are marked."""
    bad = replace(FINE, state="gone", well=False, overflows=3, behind_s=4.2)
    text = line(bad, width=100)
    assert "gone, 4 s behind" in text.plain
    assert "overflows 3" in text.plain
    marked = {text.plain[span.start : span.end]: str(span.style) for span in text.spans}
    assert "yellow" in marked["gone, 4 s behind"]
    assert "red" in marked["overflows 3"]
    assert not any("yellow" in str(span.style) for span in line().spans)


@pytest.mark.parametrize(
    ("level_db", "cells"), [(-90.0, 0), (-60.0, 0), (-30.0, 5), (-12.0, 8), (0.0, 10), (3.0, 10)]
)
def test_the_meter_has_ten_cells(level_db: float, cells: int) -> None:
    """From -60 dB to full scale, and never beyond."""
    meter = line(replace(FINE, level_db=level_db)).plain.split()[0]
    assert meter == "█" * cells + "░" * (10 - cells)


def test_a_terminal_that_knows_ascii_only() -> None:
    """It gets a meter that it can show."""
    assert line(ascii_only=True).plain.startswith("#######--- -18 dB")


def test_what_is_not_known_is_left_out() -> None:
    """No lag before the first words, no keys without a keyboard."""
    text = status_line(replace(FINE, keys=""), "0:00", None, 80)
    assert text.plain == "███████░░░ -18 dB  listening  0:00  overflows 0"
