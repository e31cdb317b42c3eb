"""Stage files: JSON Lines that a killed run goes on with.

The first line is the run's signature: what its records depend on. Then one record a line, in the
order of the sources, so that the number of whole lines says how far the run came. A line cut
short by a kill is removed and made again; records are never changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulst.errors import DataError, OutputError

__all__ = ["StageFile", "digest", "read_records", "read_signature"]

Record = Mapping[str, Any]


def digest(value: object) -> str:
    """A short fingerprint of anything that JSON can hold."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _parse(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError("no object")
    except ValueError as error:
        raise DataError(
            f"{path}, line {number} is damaged ({error}): remove the file to make it again"
        ) from error
    return record


def read_signature(path: Path) -> dict[str, Any]:
    """The first line of a stage file.

    Raises:
        DataError: the file is missing, or its first line is no signature.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            first = _parse(path, 1, lines.readline())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; run the stage before it") from error
    if "stage" not in first:
        raise DataError(f"{path} is no stage file: its first line holds no signature")
    return first


def read_records(path: Path, skip: int = 0) -> Iterator[dict[str, Any]]:
    """The records of a stage file, one at a time; a line cut short at the end is left out.

    Args:
        path: of the file.
        skip: records to pass over.

    Raises:
        DataError: the file is missing, is no stage file, or a line in it is damaged.
    """
    read_signature(path)
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith("\n"):
                return
            if number > skip + 1:
                yield _parse(path, number, line)


class StageFile:
    """A stage's output, opened to be gone on with.

    Args:
        path: of the file; made if it is not there.
        signature: what the records depend on, with the key "stage".

    Attributes:
        done: records in the file.

    Raises:
        DataError: the file is of a run with another signature; the message names what differs.
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path, signature: Mapping[str, Any]) -> None:
        assert "stage" in signature
        self.path = path
        self.done = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and self._keep_whole_lines():
                self._compare(signature)
                self._file = path.open("a", encoding="utf-8", newline="\n")
            else:
                self._file = path.open("w", encoding="utf-8", newline="\n")
                self._write(signature)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error

    def _keep_whole_lines(self) -> int:
        """Remove a line cut short; return the number of lines."""
        lines = whole = 0
        with self.path.open("rb+") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                lines, whole = lines + 1, whole + len(line)
            file.truncate(whole)
        self.done = max(lines - 1, 0)
        return lines

    def _compare(self, signature: Mapping[str, Any]) -> None:
        there = read_signature(self.path)
        ours = json.loads(json.dumps(signature))
        if there != ours:
            keys = sorted(there.keys() | ours.keys())
            other = [key for key in keys if there.get(key) != ours.get(key)]
            raise DataError(
                f"{self.path} was made with another {', '.join(other)}: give what it was begun "
                "with, or another folder"
            )

    def _write(self, record: Record) -> None:
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()

    def append(self, record: Record) -> None:
        """Store one record; once this returns, a kill of the process does not lose it.

        Raises:
            OutputError: the disk is full, say; what was stored before is kept.
        """
        try:
            self._write(record)
        except OSError as error:
            raise OutputError(
                f"{self.path} cannot be written: {error.strerror}; {self.done} records are kept, "
                "the same command goes on from there"
            ) from error
        self.done += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError as failure:  # what could not be written is tried once more
            if error is None:
                raise OutputError(f"{self.path} cannot be written: {failure.strerror}") from failure
