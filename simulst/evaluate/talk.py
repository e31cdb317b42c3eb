"""A whole talk and its reference with times, for the scores of `longform`.

The times come in the form of MuST-C and IWSLT: a JSON or YAML list with "offset" and "duration"
in seconds, one a line of the reference. OmniSTEval reads the same file and the log of the talk.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulst.emit import jsonl
from simulst.errors import ConfigError, DataError
from simulst.evaluate import longform
from simulst.evaluate.logs import Instance, read_instances
from simulst.evaluate.longform import LongForm, Sentence
from simulst.evaluate.scoring import is_journal, read_reference
from simulst.evaluate.session import Spoken, in_characters, samples_to_ms
from simulst.evaluate.tables import figure

__all__ = ["HEADER", "TalkScore", "cells", "read_sentences", "read_talk", "score"]

HEADER = ("talk", "StreamLAAL", "LongLAAL", "LongYAAL", "n", "empty")


@dataclass(frozen=True, slots=True)
class TalkScore:
    """A talk with its figures.

    Attributes:
        instance: all of the talk; its source is the name of the recording.
        ideal: by delays.
        aware: by elapsed times; None if computing time was not measured.
    """

    instance: Instance
    ideal: LongForm
    aware: LongForm | None


def score(path: Path, reference: Path, times: Path) -> TalkScore:
    """Score the log of one talk.

    Args:
        path: a simulst journal, or SimulEval's log of the talk as its only instance.
        reference: a sentence a line.
        times: of these sentences.

    Raises:
        DataError: a file cannot be read, or they do not fit each other.
    """
    sentences, name = read_sentences(times, read_reference(reference))
    talk = read_talk(path, name, " ".join(sentence.text for sentence in sentences))
    aware = None
    if talk.elapsed:
        aware = longform.score_talk(talk, sentences, computation_aware=True)
    return TalkScore(talk, longform.score_talk(talk, sentences), aware)


def read_talk(path: Path, name: str, reference: str) -> Instance:
    """All of a talk as one instance, in milliseconds from its start.

    Args:
        path: as in `score`.
        name: of the recording, by which scorers find its times.
        reference: of the whole talk.

    Raises:
        DataError: the log cannot be read, or holds several instances.
    """
    if not is_journal(path):
        found = read_instances(path)
        if len(found) > 1:
            raise DataError(
                f"{path} has {len(found)} instances; --segments takes logs of whole talks: a "
                "simulst journal, or one instance"
            )
        return found[0]
    updates = list(jsonl.read(path))
    emissions = [emission for update in updates for emission in update.emissions]
    character = in_characters(emissions, str(jsonl.read_signature(path).get("target", "")))
    spread = Spoken(character, emissions=emissions).units()
    elapsed = [e.elapsed for e in spread if e.elapsed is not None]
    return Instance(
        index=0,
        prediction=("" if character else " ").join(emission.text for emission in emissions),
        delays=tuple(samples_to_ms(emission.delay) for emission in spread),
        elapsed=tuple(map(samples_to_ms, elapsed)) if len(elapsed) == len(spread) else (),
        reference=reference,
        source=name,
        source_length=samples_to_ms(max((update.heard for update in updates), default=0)),
        character=character,
    )


def read_sentences(path: Path, lines: Sequence[str]) -> tuple[list[Sentence], str]:
    """The reference with its times, and the name of the recording.

    Raises:
        DataError: the file cannot be read, its form is another, or it does not fit the reference.
    """
    lines = [line for line in lines if line]
    rows = _read_list(path)
    if len(rows) != len(lines):
        raise DataError(
            f"{path} has {len(rows)} entries, the reference {len(lines)} lines; give one for each"
        )
    sentences: list[Sentence] = []
    names: set[str] = set()
    for number, (row, line) in enumerate(zip(rows, lines, strict=True), 1):
        values = [row.get(key) if isinstance(row, dict) else None for key in ("offset", "duration")]
        good = [v for v in values if isinstance(v, int | float) and 0 <= v < float("inf")]
        if len(good) < 2 or good[1] == 0:
            raise DataError(
                f"{path}, entry {number}: 'offset' and 'duration' are {values}; both must be "
                "seconds, the duration above 0"
            )
        sentences.append(Sentence(line, good[0] * 1000, good[1] * 1000))
        names.add(str(row.get("wav", "")))
    if len(names) > 1:
        raise DataError(
            f"{path} holds {len(names)} recordings; a log is of one: give the entries of its own"
        )
    return sentences, names.pop()


def _read_list(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    try:
        found = _parse_yaml(text) if path.suffix in (".yaml", ".yml") else json.loads(text)
    except ValueError as error:
        raise DataError(f"{path} is no list of times: {error}") from error
    if not isinstance(found, list) or not found:
        raise DataError(f"{path}: expected a list of entries with 'offset' and 'duration'")
    return found


def _parse_yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise ConfigError("times in YAML need PyYAML: pip install pyyaml, or give JSON") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def cells(name: str, score: TalkScore) -> list[tuple[str, ...]]:
    """Rows under `HEADER`: ideal, then with computing time if it was measured."""
    rows: list[tuple[str, ...]] = []
    for suffix, found in (("", score.ideal), (" + computing", score.aware)):
        if found is None:
            continue
        figures = (found.stream_laal, found.long_laal, found.long_yaal)
        shown = (figure(value, 0) for value in figures)
        rows.append((name + suffix, *shown, str(found.sentences), str(found.empty)))
    return rows
