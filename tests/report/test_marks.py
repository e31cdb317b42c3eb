"""What marks say."""

from __future__ import annotations

from pathlib import Path

from simulst.report.layout import rows_of
from simulst.report.marks import REASONS, SHAPES, legend, refusal, said_of, turn, way, written_of
from simulst.report.markup import markup
from simulst.report.talk import read_talk
from simulst.types import Reason
from tests.report.journals import journal


def test_every_reason_has_words() -> None:
    """Whatever rule decided, the page can say so."""
    assert set(REASONS) == set(Reason)


def test_marks_differ_in_form(tmp_path: Path) -> None:
    """Ways of being written are told apart without colour, and the legend names all of them."""
    assert len(set(SHAPES.values())) == len(SHAPES)
    talk = read_talk(journal(tmp_path / "talk.jsonl"))
    assert [way(unit) for unit in talk.units] == ["rule", "forced", "finish"]
    assert all(f"mark {name}" in markup(legend()) for name in SHAPES)
    assert turn(0) != turn(1) == turn(3)


def test_what_is_said_when_pointed_at(tmp_path: Path) -> None:
    """Words and holds tell their times and their numbers."""
    talk = read_talk(journal(tmp_path / "talk.jsonl"))
    heard = rows_of(talk)[0].heard[0]
    assert said_of(heard) == (
        "“yes”, word 1 of sentence 1; said 1.00–2.00 s; the recogniser gave it 50%"
    )
    assert written_of(talk.units[1]) == (
        "“gut”, sentence 1, 2 words of it read; written at 3.00 s; lag 1.00 s; "
        "with computing 1.50 s; forced: the lag had reached k_max"
    )
    assert refusal(talk.holds[0]) == (
        "held at 2.00 s: token 2 of sentence 1, 1 words read; by ratio: "
        "ratio = 0.2, u = 0.5, p = 0.1, q = 0.5"
    )
