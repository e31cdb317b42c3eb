"""SimulEval's instance log: one JSON object a sentence and line.

Fields: index, prediction, delays, elapsed, prediction_length, reference, source, source_length.
Units are words, or characters where the target script has no spaces; never subwords. Elapsed
times that nobody measured are zeros, as SimulEval writes them for text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from simulst.errors import DataError, OutputError
from simulst.evaluate.latency import Timing

__all__ = [
    "Instance",
    "count_units",
    "parse_instance",
    "read_instances",
    "read_lines",
    "write_config",
    "write_instances",
]

REQUIRED = ("index", "prediction", "delays", "source_length")


@dataclass(frozen=True, slots=True)
class Instance:
    """A translated sentence with the delay of each of its units.

    Attributes:
        index: of the sentence in its set, from 0.
        prediction: units joined by a space, or by nothing if they are characters.
        delays: (H,) source read when each unit was written: words, or milliseconds of speech.
        elapsed: (H,) the same with computing time, or empty if it was not measured.
        reference: empty if there is none.
        source: text of the source.
        source_length: in the unit of the delays.
        character: units are characters.
    """

    index: int
    prediction: str
    delays: tuple[float, ...]
    elapsed: tuple[float, ...]
    reference: str
    source: str
    source_length: float
    character: bool = False

    def timing(self) -> Timing:
        """What its latency is computed from; H stands in for a missing reference."""
        length = count_units(self.reference, self.character) or len(self.delays)
        return Timing(self.delays, self.source_length, length, self.elapsed)

    def as_dict(self) -> dict[str, Any]:
        """The fields that SimulEval writes."""
        return {
            "index": self.index,
            "prediction": self.prediction,
            "delays": list(self.delays),
            "elapsed": list(self.elapsed) or [0] * len(self.delays),
            "prediction_length": len(self.delays),
            # SimulEval counts a reference's words by single spaces
            "reference": " ".join(self.reference.split()),
            "source": self.source,
            "source_length": self.source_length,
        }


def count_units(text: str, character: bool) -> int:
    """Words, or characters without the white space between them."""
    words = text.split()
    return sum(map(len, words)) if character else len(words)


def write_instances(path: Path, instances: Iterable[Instance]) -> None:
    """Write a log that SimulEval and OmniSTEval read.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8") as file:
            for instance in instances:
                file.write(json.dumps(instance.as_dict(), ensure_ascii=False) + "\n")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


def write_config(path: Path, *, speech: bool) -> None:
    """Write the file beside a log that tells SimulEval what its source is.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        path.write_text(
            f"source_type: {'speech' if speech else 'text'}\ntarget_type: text\n", encoding="utf-8"
        )
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON objects of a file, each with "file, line n" for messages; blank lines are passed.

    Raises:
        DataError: the file cannot be read, or a line is no JSON object.
    """
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                where = f"{path}, line {number}"
                if not line.strip():
                    continue
                try:
                    value = json.loads(line)
                except ValueError as error:
                    raise DataError(f"{where} is no JSON: {error}") from error
                if not isinstance(value, dict):
                    raise DataError(f"{where}: expected a JSON object, got {line.strip()[:40]!r}")
                yield where, value
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _numbers(where: str, name: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or not all(
        isinstance(x, int | float) and not isinstance(x, bool) and 0 <= x < float("inf")
        for x in value
    ):
        raise DataError(f"{where}: {name!r} must be a list of numbers, none below 0")
    return tuple(value)


def parse_instance(where: str, value: dict[str, Any]) -> Instance:
    """Make an instance of one line.

    Raises:
        DataError: a field is missing or of another form, or the delays do not fit the
            prediction or fall.
    """
    if missing := [name for name in REQUIRED if name not in value]:
        raise DataError(
            f"{where} has no {', '.join(missing)}; an instance needs {', '.join(REQUIRED)}"
        )
    prediction, length = value["prediction"], value["source_length"]
    if not isinstance(prediction, str) or not isinstance(value["index"], int):
        raise DataError(f"{where}: 'prediction' must be text and 'index' a whole number")
    if isinstance(length, bool) or not isinstance(length, int | float) or not length >= 0:
        raise DataError(f"{where}: 'source_length' is {length!r}; it must be a number from 0")
    delays = _numbers(where, "delays", value["delays"])
    elapsed = _numbers(where, "elapsed", value.get("elapsed") or [])
    if not any(elapsed):
        elapsed = ()  # zeros say "not measured"
    elif len(elapsed) != len(delays):
        raise DataError(f"{where}: {len(delays)} delays but {len(elapsed)} elapsed times")
    for name, times in (("delays", delays), ("elapsed", elapsed)):
        if any(a > b for a, b in pairwise(times)):
            raise DataError(f"{where}: {name!r} fall; what is written later cannot be earlier")
    words, characters = count_units(prediction, False), count_units(prediction, True)
    if len(delays) not in (words, characters):
        raise DataError(
            f"{where}: {len(delays)} delays for {words} words or {characters} characters; "
            "there must be one for each (subwords are not scored)"
        )
    source = value.get("source") or ""
    return Instance(
        index=value["index"],
        prediction=prediction,
        delays=delays,
        elapsed=elapsed,
        reference=str(value.get("reference") or ""),
        source=" ".join(map(str, source)) if isinstance(source, list) else str(source),
        source_length=length,
        character=len(delays) != words,
    )


def read_instances(path: Path) -> list[Instance]:
    """Read a SimulEval log.

    Raises:
        DataError: no instances, or what `read_lines` and `parse_instance` refuse.
    """
    instances = [parse_instance(where, value) for where, value in read_lines(path)]
    if not instances:
        raise DataError(f"{path} holds no instances")
    if any(instance.character for instance in instances):
        # a line as short as "好" could be either; its neighbours tell
        return [replace(i, character=True) if _short(i) else i for i in instances]
    return instances


def _short(instance: Instance) -> bool:
    return len(instance.delays) == count_units(instance.prediction, True)
