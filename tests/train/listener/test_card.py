"""The card says what was measured."""

from __future__ import annotations

from typing import Any

from simulst.train.listener.card import card_text
from simulst.train.listener.evaluation import Score

STATE: dict[str, Any] = {
    "step": 7,
    "elapsed_s": 3600.0,
    "heard_s": 7200.0,
    "sizes": {"taught": 384},
    "hours_of_speech": {"speech": 10.0, "ljspeech": 0.5, "speechocean762": 2.5},
    "copies": 6,
    "voices": ["slt", "rms"],
    "command": "simulst train listener --hours 1",
    "hardware": "1 thread",
}


def card(state: dict[str, Any]) -> str:
    """The card of two scores and a note."""
    scores = [Score("talk a", "live", 120, 0.875), Score("b", "live", 9, 0.1, ("x", "y"))]
    notes = ["10 min of silence, live: no words"]
    return card_text(scores, state, parameters=7_100_000, held_out_voice="kal16", notes=notes)


def test_the_card_holds_scores_failures_and_the_recipe() -> None:
    """Figures, the worst examples, licences, the voice held out and the command stand on it."""
    text = card(STATE)
    for part in ("| talk a | live | 120 | 0.88 |", 'said "x", heard "y"', "CC-BY-SA 4.0"):
        assert part in text
    assert "7.1 M" in text and "--hours 1" in text and "10 min of silence" in text
    assert "kal16 is held out" in text and "10.0 h of\nsynthetic speech and 3.0 h of real" in text


def test_a_teacher_is_named_where_there_was_one() -> None:
    """The card says whose features were learned, and only then."""
    assert "Whisper tiny.en" in card(STATE)
    assert "Whisper tiny.en" not in card(STATE | {"sizes": {"taught": 0}})


def test_every_stage_has_its_row() -> None:
    """What the parts took stands before what the whole took."""
    before = ("blocks", STATE | {"step": 1200, "elapsed_s": 900.0})
    text = card_text([], STATE, [before], parameters=1, held_out_voice="kal16", notes=[])
    assert "| blocks | 1,200 | 0.25 h | 1 thread | 2 h |\n| train | 7 | 1.00 h |" in text
