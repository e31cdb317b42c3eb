"""Whole talks and references with times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulst.errors import ConfigError, DataError
from simulst.evaluate import talk
from simulst.evaluate.logs import Instance, write_instances
from simulst.evaluate.longform import Sentence
from tests.evaluate.test_scoring import TEXT, journal

TIMES = [
    {"wav": "a.wav", "offset": 1.0, "duration": 2.5},
    {"wav": "a.wav", "offset": 5, "duration": 1},
]


def times(path: Path, value: Any = TIMES) -> Path:
    """A file of times."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_a_journal_is_one_instance_on_the_clock_of_its_talk(tmp_path: Path) -> None:
    """Delays and elapsed times count from the start of the talk, not of a sentence."""
    found = talk.read_talk(journal(tmp_path / "talk.jsonl"), "a.wav", "ja gut nein")
    assert found == Instance(
        *(0, "ja gut nein", (2000, 3000, 7000), (2500, 3500, 7500)),
        *("ja gut nein", "a.wav", 7000),
    )


def test_pieces_of_a_script_without_spaces_are_cut_into_characters(tmp_path: Path) -> None:
    """A piece of two characters gives its delay to both."""
    path = journal(tmp_path / "zh.jsonl", ("是", "很好", "不"), "")
    found = talk.read_talk(path, "a.wav", "")
    assert (found.prediction, found.delays) == ("是很好不", (2000, 3000, 3000, 7000))
    assert found.character


def test_a_talk_is_scored_with_and_without_computing_time(tmp_path: Path) -> None:
    """A row for the delays and one for the elapsed times, both against the times given."""
    (tmp_path / "ref").write_text("ja gut\n\nnein\n", encoding="utf-8")
    path = journal(tmp_path / "talk.jsonl")
    found = talk.score(path, tmp_path / "ref", times(tmp_path / "times.json"))
    # from 1 s: (1000 + 2000 - 1250) / 2; from 5 s: 2000, which is after the recording's end
    assert found.ideal.long_laal == pytest.approx((875 + 2000) / 2)
    assert found.ideal.long_yaal == pytest.approx(875)
    assert found.aware is not None and found.aware.long_yaal == pytest.approx(1375)
    rows = talk.cells("talk", found)
    assert [row[0] for row in rows] == ["talk", "talk + computing"]
    assert all(len(row) == len(talk.HEADER) for row in rows)


def test_a_log_of_one_instance_is_a_talk(tmp_path: Path) -> None:
    """SimulEval's log of a whole recording is taken; one of sentences is not."""
    one = Instance(0, "ja", (900,), (), "", "a.wav", 3000.0)
    write_instances(tmp_path / "one.log", [one])
    assert talk.read_talk(tmp_path / "one.log", "", "").delays == (900,)
    write_instances(tmp_path / "two.log", TEXT)
    with pytest.raises(DataError, match="has 2 instances"):
        talk.read_talk(tmp_path / "two.log", "", "")


def test_times_in_yaml_are_those_of_json(tmp_path: Path) -> None:
    """The flow lists of speech corpora are read."""
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    path = tmp_path / "times.yaml"
    path.write_text("- {duration: 2.5, offset: 1.0, wav: a.wav}\n", encoding="utf-8")
    assert talk.read_sentences(path, ["ja"]) == ([Sentence("ja", 1000, 2500)], "a.wav")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (TIMES[:1], "1 entries, the reference 2 lines"),
        ([], "expected a list"),
        ([TIMES[0], {"offset": 1}], "entry 2: 'offset' and 'duration' are .1, None."),
        ([TIMES[0], {"offset": 1, "duration": 0}], "entry 2"),
        ([TIMES[0], {**TIMES[1], "wav": "b.wav"}], "2 recordings"),
    ],
)
def test_times_that_do_not_fit_are_named(tmp_path: Path, value: Any, message: str) -> None:
    """What is wrong with a file of times is told with its name."""
    with pytest.raises(DataError, match=message) as caught:
        talk.read_sentences(times(tmp_path / "times.json", value), ["ja gut", "", "nein"])
    assert "times.json" in str(caught.value)


def test_yaml_without_its_reader_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where PyYAML is not there, the way out is told."""
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    (tmp_path / "times.yml").write_text("[]", encoding="utf-8")
    with pytest.raises(ConfigError, match="pip install pyyaml"):
        talk.read_sentences(tmp_path / "times.yml", ["ja"])
