"""How fast to speak."""

from __future__ import annotations

import pytest

from simulst.config import Speak
from simulst.speak.rates import HURRY_S, words_a_minute

RULES = Speak(rate=160, rate_max=260, behind_s=1.0)


@pytest.mark.parametrize(
    ("behind_s", "rate"),
    [(0, 160), (1, 160), (1 + HURRY_S / 2, 210), (1 + HURRY_S, 260), (500, 260)],
)
def test_the_rate_rises_with_the_lag(behind_s: float, rate: int) -> None:
    """As usual while the lag is tolerated, then faster, never beyond the bound."""
    assert words_a_minute(RULES, behind_s) == rate


def test_speech_that_may_not_hurry() -> None:
    """Equal bounds are one rate."""
    assert words_a_minute(Speak(rate=150, rate_max=150), 60) == 150


def test_a_command_that_cannot_be_told() -> None:
    """A synthesiser whose command has no place for a rate speaks as usual, and is not said to
    have been faster."""
    assert words_a_minute(Speak(command="say {text}"), 60) == 175
    for place in ("{rate}", "{speed}", "{length}"):
        assert words_a_minute(Speak(command=f"say {place}"), 60) == 280
