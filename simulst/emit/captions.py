"""Caption files: SubRip (SRT) and WebVTT.

The form of a cue is a pure function; `Captions` is the only part that writes. In WebVTT each
unit carries the time when it was written, so that a player shows a cue grow as it did live.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

from simulst.emit.cues import Cue, Pending, finish, group
from simulst.emit.output import Output
from simulst.types import SAMPLE_RATE, Update

__all__ = ["Captions", "srt", "vtt"]


def _ms(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE


def _clock(ms: int, point: str) -> str:
    s, ms = divmod(ms, 1000)
    return f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}{point}{ms:03}"


def srt(number: int, cue: Cue) -> str:
    """One cue as SubRip has it, with the empty line that ends it; `number` counts from 1."""
    times = f"{_clock(_ms(cue.start), ',')} --> {_clock(_ms(cue.end), ',')}"
    return f"{number}\n{times}\n{cue.text}\n\n"


def vtt(number: int, cue: Cue) -> str:
    """One cue as WebVTT has it, with a time before each unit that came after the first."""
    shown, end = _ms(cue.start), _ms(cue.end)
    rows = [f"{_clock(shown, '.')} --> {_clock(end, '.')}"]
    for line in cue.lines:
        row = ""
        for unit in line:
            row += unit.space if row else ""
            written = _ms(unit.delay)
            if shown < written < end:  # the format wants times that grow, inside the cue
                row += f"<{_clock(written, '.')}>"
                shown = written
            row += html.escape(unit.text, quote=False)
        rows.append(row)
    return f"{number}\n" + "\n".join(rows) + "\n\n"


class Captions:
    """Sink that appends each cue to a file as soon as it is finished.

    Raises:
        OutputError: the file cannot be made or written.
    """

    def __init__(self, path: Path, form: Callable[[int, Cue], str], head: str = "") -> None:
        self._output = Output(path)
        self._form = form
        self._pending = Pending()
        self._number = 0
        if head:
            self._output.write(head)

    def write(self, update: Update) -> None:
        """Take in one update and write the cues that it finished."""
        self._pending, cues = group(self._pending, update)
        self._append(cues)

    def close(self) -> None:
        """Write the cue that was still growing, and close the file."""
        cues, self._pending = finish(self._pending), Pending()
        try:
            self._append(cues)
        finally:
            self._output.close()

    def _append(self, cues: list[Cue]) -> None:
        for cue in cues:
            self._number += 1
            self._output.write(self._form(self._number, cue))
