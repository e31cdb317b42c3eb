"""Progress: lines through a pipe, a bar with its figures on a terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from simulst.finetune.progress import Drawn, Judged, shown

COUNTS = dict.fromkeys(("drawn", "passed_whole", "judged", "passed", "distinct", "kept"), 2)
RECORD = {
    "drafts": [{"tokens": [1, 2]}, {"tokens": [1, 2]}, {"tokens": [3]}],
    "proposals": [
        {**COUNTS, "judged": 8, "weighed": 8, "weight": 8.0, "square": 16.0, "sure": 2.0},
        {**COUNTS, "judged": 8, "weighed": 8, "weight": 16.0, "square": 56.0, "sure": 2.0},
    ],
}


def test_a_line_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten lines at most, the last one at the end, each with the figures so far."""
    with shown("samples", 35, Drawn()) as report:
        for done in range(1, 36):
            report(done, RECORD)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "samples: 4 of 35; 12 drafts, 67% distinct"
    assert lines[-1] == "samples: 35 of 35; 105 drafts, 67% distinct"


def test_figures_of_acceptance(capsys: pytest.CaptureFixture[str]) -> None:
    """Rate, distinct targets, effective sample size and mean ratio are those of all so far."""
    with shown("accepted", 1, Judged()) as report:
        report(1, RECORD)
    assert capsys.readouterr().err == (
        "accepted: 1 of 1; 25.0% of tokens, 4 distinct targets, ESS 50%, mean ratio 1.50\n"
    )
    untested = {**COUNTS, "weighed": 0, "weight": 0.0, "square": 0.0, "sure": 0.0}
    with shown("accepted", 1, Judged()) as report:
        report(1, {"proposals": [untested]})
    assert capsys.readouterr().err == "accepted: 1 of 1; 2 of 2 drafts, 2 distinct targets\n"


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets a bar, and the figures on a line below it."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=90)
    monkeypatch.setattr("rich.console.Console", lambda **options: console)
    with shown("samples", 2, Drawn()) as report:
        report(1, RECORD)
        report(2, RECORD)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue())
    last = plain.rstrip().splitlines()[-2:]
    assert last[0].startswith("samples ━") and " 2/2 " in last[0]
    assert last[1] == "  6 drafts, 67% distinct"
