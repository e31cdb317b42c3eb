"""Our scores of small logs against the figures that SimulEval 1.1.4 and OmniSTEval 0.1.10 gave.

`python -m tests.benchmarks.compare_scorers` runs those programs; here they are remembered.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst.evaluate.latency import average
from simulst.evaluate.logs import Instance, read_instances, write_config, write_instances

TEXT = [
    Instance(
        index=0,
        prediction="ein Hund bellt sehr laut",
        delays=(2, 3, 3, 4, 4),
        elapsed=(),
        reference="Ein Hund bellt laut .",
        source="a dog barks loudly",
        source_length=4,
    ),
    Instance(1, "", (), (), "ja gut", "yes good", 2),
    Instance(
        index=2,
        prediction="zwei Männer gehen",
        delays=(1, 4, 6),
        elapsed=(),
        reference="Zwei Männer gehen die Straße entlang",
        source="two men walk down the street",
        source_length=6,
    ),
]
SPEECH = [
    Instance(
        index=0,
        prediction="guten Morgen ihnen allen",
        delays=(700, 1000, 2000, 2500.5),
        elapsed=(780, 1150.5, 2300, 2900),
        reference="guten Morgen",
        source="good morning to you all",
        source_length=2100.0,
    ),
    Instance(1, "danke", (1500,), (1800,), "vielen Dank", "thank you", 900.0),
    Instance(
        index=2,
        prediction="wir fangen jetzt damit an",
        delays=(500, 500, 1300, 1300, 2400),
        elapsed=(560, 590, 1500, 1520, 2700),
        reference="wir beginnen nun",
        source="we begin now",
        source_length=2000.0,
    ),
]
GOLDEN = [  # AL, LAAL, AP, DAL and, of speech, ATD
    pytest.param(TEXT, False, False, (2.233, 2.233, 0.553, 1.913), id="text"),
    pytest.param(SPEECH, True, False, (447.264, 887.542, 1.103, 961.667, 833.375), id="speech"),
    pytest.param(SPEECH, True, True, (733.611, 1086.389, 1.281, 1185.917, 998.0), id="computing"),
]


@pytest.mark.parametrize(("instances", "speech", "aware", "golden"), GOLDEN)
def test_a_log_scores_as_with_the_programs_of_the_field(
    tmp_path: Path,
    instances: list[Instance],
    speech: bool,
    aware: bool,
    golden: tuple[float, ...],
) -> None:
    """A log that was written and read again has the figures that both programs printed."""
    write_instances(tmp_path / "instances.log", instances)
    timings = [instance.timing() for instance in read_instances(tmp_path / "instances.log")]
    found = average(timings, speech=speech, computation_aware=aware)
    assert found is not None
    figures = (found.al, found.laal, found.ap, found.dal, found.atd)
    assert figures[: len(golden)] == pytest.approx(golden, abs=1e-3)


@pytest.mark.parametrize(("speech", "source"), [(False, "text"), (True, "speech")])
def test_simuleval_is_told_what_the_source_is(tmp_path: Path, speech: bool, source: str) -> None:
    """Without this file `simuleval --score-only --output FOLDER` ends in a traceback."""
    write_config(tmp_path / "config.yaml", speech=speech)
    told = (tmp_path / "config.yaml").read_text(encoding="utf-8")
    assert told == f"source_type: {source}\ntarget_type: text\n"
