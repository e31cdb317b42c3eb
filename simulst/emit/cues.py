"""Grouping emissions into caption cues.

A cue is on screen from the moment its first unit was written (`Emission.delay`, the audio heard
by then; not `spoken`, which is earlier and would show a word before anybody had it). What
follows grows the cue in place, so its time of appearance never depends on the future. Nothing
here reads a clock or a file, and no unit is ever dropped, moved or changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.cells import cell_len

from simulst.emit.breaks import is_mark, may_break, wide
from simulst.types import SAMPLE_RATE, Emission, Update

__all__ = ["Cue", "Pending", "group", "finish"]

LINES = 2
LINE_CELLS = 42
"""Longest line, in cells of a Latin letter; a full-width character takes two."""
WIDE_CELLS = 32
"""A line with full-width characters is full with sixteen of them; only what may not begin the next
line goes on, up to `LINE_CELLS`."""
LONGEST = 6 * SAMPLE_RATE
"""No cue stays longer, in samples."""
PAUSE = 2 * SAMPLE_RATE
"""After so many samples without a new unit a cue is over; it stays until then."""
SHORTEST = SAMPLE_RATE
CELLS_PER_S = 20
"""Fastest reading expected of a viewer; speech is slower, so a burst is soon caught up with."""

Line = tuple[Emission, ...]


@dataclass(frozen=True, slots=True)
class Cue:
    """A finished caption.

    Attributes:
        start, end: samples, start < end; `start` is the delay of its first unit, or the end of
            the cue before where a burst of units filled more than one cue at once.
        lines: its units, line by line.
    """

    start: int
    end: int
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """Its lines, separated by line feeds."""
        return "\n".join(map(join, self.lines))


@dataclass(frozen=True, slots=True)
class Pending:
    """The caption that is still growing.

    Attributes:
        start: when it appeared, in samples.
        lines: its units so far; empty if there is none.
        free: end of the cue before; none may begin earlier.
    """

    start: int = 0
    lines: tuple[Line, ...] = ()
    free: int = 0


def join(line: Line) -> str:
    """The text of a line; what stands before its first unit is the line break's business."""
    return "".join((unit.space if i else "") + unit.text for i, unit in enumerate(line))


def _grown(lines: tuple[Line, ...], unit: Emission) -> tuple[Line, ...] | None:
    """The lines with one more unit, or None where it does not fit."""
    longer = (*lines[-1], unit)
    text = join(longer)
    bound = not may_break(lines[-1][-1].text, unit.space, unit.text)
    if cell_len(text) <= (WIDE_CELLS if wide(text) and not bound else LINE_CELLS):
        return (*lines[:-1], longer)
    return (*lines, (unit,)) if len(lines) < LINES else None


def _closed(pending: Pending, until: int) -> tuple[Pending, Cue]:
    """End the cue at `until`, or later if it could not be read by then."""
    cells = sum(cell_len(join(line)) for line in pending.lines)
    reading = min(max(SHORTEST, cells * SAMPLE_RATE // CELLS_PER_S), LONGEST)
    last = pending.lines[-1][-1].delay
    end = max(pending.start + reading, min(until, last + PAUSE, pending.start + LONGEST))
    return Pending(free=end), Cue(pending.start, end, pending.lines)


def _with_unit(pending: Pending, unit: Emission) -> Pending | None:
    """The pending cue with one more unit, or None where the unit opens another cue."""
    if not pending.lines:
        return Pending(max(unit.delay, pending.free), ((unit,),), pending.free)
    lines = _grown(pending.lines, unit)
    last = pending.lines[-1][-1]
    late = unit.delay - pending.start >= LONGEST
    if unit.space == "" and is_mark(unit.text):
        late = False  # it would stand alone; nobody misses it before it was written
    if lines is None or unit.sentence != last.sentence or unit.delay - last.delay >= PAUSE or late:
        return None
    return replace(pending, lines=lines)


def group(pending: Pending, update: Update) -> tuple[Pending, list[Cue]]:
    """Take in one update; return what is still growing and the cues that are finished.

    A cue is finished by a unit of another sentence, by one that does not fit in two lines of 42
    cells (16 full-width characters) or in six seconds, by two seconds without a unit, and by the
    end of the session.
    """
    cues: list[Cue] = []
    for unit in update.emissions:
        taken = _with_unit(pending, unit)
        if taken is None:
            pending, cue = _closed(pending, unit.delay)
            cues.append(cue)
            taken = _with_unit(pending, unit)
            assert taken is not None, "an empty cue takes any unit"
        pending = taken
    if pending.lines:
        last = pending.lines[-1][-1].delay
        if update.ended or update.heard - last >= PAUSE:
            pending, cue = _closed(pending, last + PAUSE)
            cues.append(cue)
    return pending, cues


def finish(pending: Pending) -> list[Cue]:
    """The cue that was still growing when the session broke off, if any."""
    if not pending.lines:
        return []
    return [_closed(pending, pending.lines[-1][-1].delay + PAUSE)[1]]
