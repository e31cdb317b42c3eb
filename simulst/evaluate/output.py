"""Where results go: folders, files, and a bar on the terminal while they come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from simulst.errors import OutputError

__all__ = ["Show", "make_folder", "progress", "write_text"]

Show = Callable[[int, str], None]
"""Told the number of items done, and what is being done."""


def make_folder(path: Path | None) -> Path | None:
    """The folder, made where it is missing; None for none.

    Raises:
        OutputError: it cannot be made.
    """
    if path is not None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path} cannot be made: {error.strerror}") from error
    return path


def write_text(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def progress(total: int, label: str = "translating") -> Iterator[Show]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(file=sys.stderr)
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done, label: bar.update(task, completed=done, description=label)
