"""SimulEval's instance log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulst.errors import DataError, OutputError
from simulst.evaluate.logs import Instance, count_units, read_instances, write_instances

WORDS = Instance(0, "ein Hund bellt", (2, 3, 3), (), "Ein  Hund bellt .", "a dog barks", 3)
SPEECH = Instance(1, "ja gut", (900, 1200), (950, 1310.5), "", "yes good", 1100.0)
CHARACTERS = Instance(0, "今天好", (1, 1, 2), (), "今天 很好", "today is good", 3, True)


def line(**changes: Any) -> str:
    """A line of a log with some fields changed; None leaves one out."""
    value = {**WORDS.as_dict(), **changes}
    return json.dumps({name: field for name, field in value.items() if field is not None})


def test_a_log_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """Words, delays, elapsed times and lengths survive writing and reading."""
    path = tmp_path / "instances.log"
    write_instances(path, [WORDS, SPEECH])
    first, second = read_instances(path)
    assert (first.prediction, first.delays, first.elapsed) == ("ein Hund bellt", (2, 3, 3), ())
    assert second == SPEECH


def test_the_fields_are_those_of_simuleval(tmp_path: Path) -> None:
    """Each line has exactly SimulEval's fields, and zeros where nothing was measured."""
    path = tmp_path / "instances.log"
    write_instances(path, [WORDS])
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "index": 0,
        "prediction": "ein Hund bellt",
        "delays": [2, 3, 3],
        "elapsed": [0, 0, 0],
        "prediction_length": 3,
        "reference": "Ein Hund bellt .",
        "source": "a dog barks",
        "source_length": 3,
    }


def test_characters_are_recognised_by_the_number_of_delays(tmp_path: Path) -> None:
    """A log with a delay a character is read as characters, single ones on a line too."""
    path = tmp_path / "instances.log"
    short = Instance(1, "好", (1,), (), "很好", "good", 1, True)
    write_instances(path, [CHARACTERS, short])
    first, second = read_instances(path)
    assert first.character and second.character
    assert (first.timing().target_length, second.timing().target_length) == (4, 2)


def test_units_are_words_or_characters() -> None:
    """White space separates words and is no character."""
    assert count_units(" ein  Hund ", False) == 2
    assert count_units("今天 很好", True) == 4


def test_the_hypothesis_stands_in_for_a_missing_reference() -> None:
    """Without a reference Y is the length of the hypothesis."""
    assert SPEECH.timing().target_length == 2
    assert WORDS.timing().target_length == 4


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{", "no JSON"),
        ("[1]", "expected a JSON object"),
        (line(delays=None), "has no delays"),
        (line(prediction=3), "must be text"),
        (line(delays=[1, 2]), "2 delays for 3 words"),
        (line(delays=[3, 2, 3]), "'delays' fall"),
        (line(delays=[1, "2", 3]), "list of numbers"),
        (line(delays=[-1, 2, 3]), "none below 0"),
        (line(elapsed=[5]), "3 delays but 1 elapsed"),
        (line(source_length=-1), "number from 0"),
        (line(source_length="3"), "number from 0"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, bad: str, message: str) -> None:
    """What is wrong is told with the file and the number of the line."""
    path = tmp_path / "some.log"
    path.write_text(f"{line()}\n\n{bad}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        read_instances(path)
    assert "some.log, line 3" in str(caught.value)


def test_missing_and_empty_files_are_named(tmp_path: Path) -> None:
    """A log that is not there or holds nothing is an error that names it."""
    with pytest.raises(DataError, match="none.log cannot be read"):
        read_instances(tmp_path / "none.log")
    (tmp_path / "empty.log").write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="empty.log holds no instances"):
        read_instances(tmp_path / "empty.log")


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    """Writing into a folder that is not there is an OutputError with the path."""
    with pytest.raises(OutputError, match="no/instances.log"):
        write_instances(tmp_path / "no" / "instances.log", [WORDS])
