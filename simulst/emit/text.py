"""The translation as plain text: one sentence a line, a word at a time."""

from __future__ import annotations

from pathlib import Path

from simulst.emit.output import Output
from simulst.types import Update

__all__ = ["Text"]


class Text:
    """Sink that appends each unit to a file as it is written.

    Raises:
        OutputError: the file cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self._output = Output(path)
        self._sentence: int | None = None

    def write(self, update: Update) -> None:
        """Append the units of one update."""
        text = ""
        for unit in update.emissions:
            if self._sentence is None:
                text += unit.text
            else:
                text += ("\n" if unit.sentence != self._sentence else unit.space) + unit.text
            self._sentence = unit.sentence
        if text:
            self._output.write(text)

    def close(self) -> None:
        """End the last line, and close the file."""
        try:
            if self._sentence is not None:
                self._output.write("\n")
        finally:
            self._output.close()
