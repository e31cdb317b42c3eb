"""The card says what was measured."""

from __future__ import annotations

from simulst.train.listener.card import card_text
from simulst.train.listener.evaluation import Score


def test_the_card_holds_scores_failures_and_the_recipe() -> None:
    """Figures, the worst examples, licences and the command stand on it."""
    scores = [Score("talk a", "windowed", 120, 0.875), Score("b", "windowed", 9, 0.1, ("x", "y"))]
    text = card_text(
        scores,
        {"step": 7, "elapsed_s": 3600.0, "heard_s": 7200.0},
        parameters=7_100_000,
        command="simulst train listener --hours 1",
        hardware="1 thread",
        voices=["slt"],
        hours_of_speech={"speech": 10.0, "ljspeech": 0.5},
        notes=["10 s of silence, windowed: ''"],
    )
    for part in ("| talk a | windowed | 120 | 0.88 |", 'said "x", heard "y"', "CC-BY-SA 4.0"):
        assert part in text
    assert "7.1 M" in text and "--hours 1" in text and "10 s of silence" in text
