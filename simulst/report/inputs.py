"""The logs that paths mean, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simulst.errors import DataError

__all__ = ["find_logs", "title_of"]

NAMES = ("session.jsonl", "session.*.jsonl", "instances.log")
"""Of logs in folders: of a recorded session, of one into several languages, and of a run of
simulst evaluate or SimulEval."""


def find_logs(paths: Iterable[Path]) -> list[Path]:
    """Logs as they are given, or those in the folders that are given.

    Raises:
        DataError: a path is not there, or a folder holds no log.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise DataError(
                f"{path} is not there: give a journal, an instance log, or their folder"
            )
        if not path.is_dir():
            found.append(path)
            continue
        folders = [path, *sorted(child for child in path.iterdir() if child.is_dir())]
        logs = [log for folder in folders for name in NAMES for log in sorted(folder.glob(name))]
        if not logs:
            raise DataError(
                f"{path} holds no log: neither it nor a folder in it has {' or '.join(NAMES)}; "
                "name other files one by one"
            )
        found += logs
    # the same log named twice, once by its folder, is one
    return list({path.resolve(): path for path in found}.values())


def title_of(path: Path) -> str:
    """What a log is called: its file, or its folder where all files are named alike."""
    if not any(path.match(name) for name in NAMES):
        return path.name
    languages = path.suffixes[:-1]  # of one journal among several
    return path.resolve().parent.name + "".join(languages)
