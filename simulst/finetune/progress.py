"""How far a stage is and how it goes: a bar on a terminal, a line every tenth elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from simulst.errors import OutputError
from simulst.rsft.tally import Tally

__all__ = ["Drawn", "Judged", "say", "shown"]

Record = Mapping[str, Any]


def say(text: str) -> None:
    """A line on standard error.

    Raises:
        OutputError: nobody can take it.
    """
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError as error:
        raise OutputError(f"standard error cannot be written: {error.strerror}") from error


class Figures(Protocol):
    """What is told beside the number of sources done."""

    def add(self, record: Any) -> None:
        """Take in what was done."""
        ...

    def __str__(self) -> str: ...


class Drawn:
    """Figures of drawing: drafts, and how many of them differ."""

    def __init__(self) -> None:
        self._drafts = self._distinct = 0

    def add(self, record: Record) -> None:
        """Take in the drafts of a source."""
        self._drafts += len(record["drafts"])
        self._distinct += len({tuple(draft["tokens"]) for draft in record["drafts"]})

    def __str__(self) -> str:
        share = self._distinct / max(1, self._drafts)
        return f"{self._drafts} drafts, {share:.0%} distinct"


class Judged:
    """Figures of acceptance: its rate, distinct targets, and what the weights P/q are worth.

    ESS is the effective sample size of the tokens tested, as a share of them.
    """

    def __init__(self) -> None:
        self._total = Tally()

    def add(self, record: Record) -> None:
        """Take in what was accepted of a source."""
        for counts in record["proposals"]:
            self._total.add(counts)

    def __str__(self) -> str:
        total = self._total
        parts = [f"{total.passed_whole} of {total.drawn} drafts"]
        if total.weighed and total.acceptance is not None:
            parts = [f"{total.acceptance:.1%} of tokens"]
        parts.append(f"{total.distinct} distinct targets")
        if total.sample_size is not None and total.mean_ratio is not None:
            parts.append(f"ESS {total.sample_size:.0%}")
            parts.append(f"mean ratio {total.mean_ratio:.2f}")
        return ", ".join(parts)


@contextmanager
def shown(name: str, total: int, figures: Figures) -> Iterator[Callable[[int, Any], None]]:
    """Show a stage while it runs.

    Args:
        name: of the stage.
        total: sources or steps.
        figures: told beside them.

    Yields:
        What is to be told the number done and what the last one gave.
    """
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    console = Console(stderr=True)
    if not console.is_terminal:

        def line(done: int, record: Any) -> None:
            figures.add(record)
            if done == total or done * 10 // total != (done - 1) * 10 // total:
                say(f"{name}: {done} of {total}; {figures}")

        yield line
        return

    class Bar(Progress):
        """A bar with the figures in a line of their own, beside it they would be cut off."""

        def get_renderables(self) -> Iterator[RenderableType]:
            yield from super().get_renderables()
            yield Text(f"  {figures}", style="dim", no_wrap=True, overflow="ellipsis")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task(name, total=total)

        def move(done: int, record: Any) -> None:
            figures.add(record)
            bar.update(task, completed=done)

        yield move
