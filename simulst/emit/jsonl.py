"""The journal of a session as JSON Lines, and reading it back.

Line 1: {"type": "signature", "format": 1, ...}, what made the session: versions, packs, rule.
Then, for each step that gave anything lasting, one line
    {"type": "update",
     "heard": samples taken in,
     "committed": [{"text", "start", "end", "probability"} for a word, {"at"} for a sentence end],
     "emissions": [{"index", "sentence", "text", "space", "read", "delay", "spoken", "reason",
                    "elapsed"}],
     "verdicts": [{"sentence", "position", "token", "read", "p", "q", "ratio", "u", "accepted",
                   "reason"}],
     "ended": true on the last step}
with the fields of `simulst.types` under their own names, all times in samples at 16 kHz, and
empty lists left out. Last line: {"type": "summary", ...}, missing after a kill. What was merely
tentative is not stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from simulst.emit.output import Output
from simulst.errors import DataError
from simulst.types import Emission, Reason, SentenceEnd, Update, Verdict, Word

__all__ = ["Journal", "read", "read_signature", "read_summary"]

FORMAT = 1
PLAIN: dict[object, type | tuple[type, ...]] = {
    "int": int,
    "str": str,
    "bool": bool,
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "int | None": (int, type(None)),
}
"""What JSON gives for a field's type."""

Value = TypeVar("Value", Word, SentenceEnd, Emission, Verdict)


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} does not belong in a journal")


def _line(kind: str, fields: Mapping[str, object]) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False, default=_plain) + "\n"


class Journal:
    """Sink that keeps all that a session decided, with every number the decisions rest on.

    Args:
        path: of the file to make.
        signature: goes into the first line.

    Raises:
        OutputError: the file cannot be made or written.
    """

    def __init__(self, path: Path, signature: Mapping[str, object]) -> None:
        self._output = Output(path)
        self._output.write(_line("signature", {"format": FORMAT, **signature}))

    def write(self, update: Update) -> None:
        """Append one line, if the update holds anything lasting."""
        fields: dict[str, object] = {"heard": update.heard}
        for name in ("committed", "emissions", "verdicts"):
            if values := getattr(update, name):
                fields[name] = [asdict(value) for value in values]
        if update.ended:
            fields["ended"] = True
        if len(fields) > 1:
            self._output.write(_line("update", fields))

    def summarise(self, fields: Mapping[str, object]) -> None:
        """Append the last line."""
        self._output.write(_line("summary", fields))

    def close(self) -> None:
        """Close the file."""
        self._output.close()


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    record = json.loads(line)
                except ValueError as error:
                    if line.endswith("\n"):
                        raise DataError(f"{path}, line {number}: not JSON ({error})") from error
                    return  # cut short when the process was killed or the disk was full
                if not isinstance(record, dict) or "type" not in record:
                    raise DataError(f"{path}, line {number}: no journal entry (no type)")
                if number == 1 and record["type"] != "signature":
                    raise DataError(f"{path} does not begin with a signature: no journal")
                yield number, record
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def read_signature(path: Path) -> dict[str, Any]:
    """What made the session.

    Raises:
        DataError: the file cannot be read or is no journal of this format.
    """
    for _, record in _records(path):
        if record.get("format") != FORMAT:
            raise DataError(
                f"{path} has format {record.get('format')}, this simulst reads {FORMAT}"
            )
        return {name: value for name, value in record.items() if name not in ("type", "format")}
    raise DataError(f"{path} is empty: no journal")


def read_summary(path: Path) -> dict[str, Any]:
    """The closing figures; empty if the session was killed before it wrote them.

    Raises:
        DataError: the file cannot be read or is no journal.
    """
    found: dict[str, Any] = {}
    for _, record in _records(path):
        if record["type"] == "summary":
            found = {name: value for name, value in record.items() if name != "type"}
    return found


def read(path: Path) -> Iterator[Update]:
    """The updates of a journal, in order; a last line that was cut short is left out.

    Raises:
        DataError: the file cannot be read or is no journal of this format.
    """
    read_signature(path)
    for number, record in _records(path):
        if record["type"] == "update":
            try:
                yield _update(record)
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(f"{path}, line {number}: damaged ({error})") from error


def _checked(value: Value) -> Value:
    for field in fields(value):
        found, wanted = getattr(value, field.name), PLAIN.get(field.type)
        if wanted is not None and not isinstance(found, wanted):
            raise TypeError(f"{field.name} is {found!r}, it must be {field.type}")
    return value


def _update(record: Mapping[str, Any]) -> Update:
    def reasoned(item: Mapping[str, Any]) -> dict[str, Any]:
        return {**item, "reason": Reason(item["reason"])}

    heard = record["heard"]
    if not isinstance(heard, int):
        raise TypeError(f"heard is {heard!r}, it must be int")
    return Update(
        heard=heard,
        committed=tuple(
            _checked(SentenceEnd(**item)) if "at" in item else _checked(Word(**item))
            for item in record.get("committed", ())
        ),
        emissions=tuple(
            _checked(Emission(**reasoned(item))) for item in record.get("emissions", ())
        ),
        verdicts=tuple(_checked(Verdict(**reasoned(item))) for item in record.get("verdicts", ())),
        ended=record.get("ended", False),
    )
