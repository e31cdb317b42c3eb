"""How a sentence and its translation stand on a terminal: one above the other, or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

__all__ = ["Tail", "labelled", "side_by_side"]

GAP = 3  # cells between two panes


def labelled(labels: Sequence[str], texts: Sequence[Text]) -> Table:
    """A row for each text that is not empty, behind its label."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(overflow="fold")
    for label, text in zip(labels, texts, strict=True):
        if text.plain:
            table.add_row(label, text)
    return table


def side_by_side(rows: Sequence[tuple[Text, Text]], width: int) -> Table:
    """Two panes of equal width with a line between them."""
    table = Table(box=box.MINIMAL, show_header=False, show_edge=False, pad_edge=False)
    pane = (width - GAP) // 2
    for _ in range(2):
        table.add_column(width=pane, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


@dataclass(frozen=True, slots=True)
class Tail:
    """The last lines of something: what is newest must not be what is cut off.

    Attributes:
        whole: to be shown.
        lines: at most so many of it, >= 1.
    """

    whole: RenderableType
    lines: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self.whole, options, pad=False)[-self.lines :]:
            yield from line
            yield Segment.line()
