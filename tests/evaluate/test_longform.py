"""Scores of whole talks against those of OmniSTEval 0.1.10 and of simulstream 1.0.0."""

from __future__ import annotations

import importlib.util

import pytest

from simulst.evaluate.logs import Instance
from simulst.evaluate.longform import Sentence, long_yaal, score_talk

TALK = Instance(
    0,
    "Guten Tag , meine Damen und Herrn Ich heiße Ann , arbeite gern hier - danke Ihnen",
    (
        *(900, 1200, 1200, 1500, 1900, 2000, 2600, 4300, 4300),
        *(5000, 5200, 6100, 6300, 7400, 7400, 9100, 9600),
    ),
    (
        *(1000, 1400, 1410, 1800, 2300, 2350, 3000, 4900, 4950),
        *(5600, 5900, 6800, 7100, 8300, 8350, 10100, 10700),
    ),
    "",
    "talk.wav",
    9000.0,
)
SENTENCES = [
    Sentence("Guten Tag, meine Damen und Herren.", 500, 2000),
    Sentence("Ich heiße Anna und arbeite hier.", 3250, 2500),
    Sentence("Ich danke Ihnen sehr .", 7000, 1750),
]


@pytest.mark.parametrize(
    ("aware", "laal", "yaal"), [(False, 1154.048, 831.696), (True, 1751.964, 1340.446)]
)
def test_long_form_scores_are_those_of_omnisteval(aware: bool, laal: float, yaal: float) -> None:
    """LongLAAL and LongYAAL of a talk with and without computing time, as the program printed."""
    found = score_talk(TALK, SENTENCES, computation_aware=aware)
    assert (found.long_laal, found.long_yaal) == pytest.approx((laal, yaal), abs=1e-3)


@pytest.mark.skipif(
    importlib.util.find_spec("mweralign") is None, reason="pip install mweralign, not installed"
)
@pytest.mark.parametrize(("aware", "laal"), [(False, 590.159), (True, 1188.770)])
def test_stream_laal_is_that_of_simulstream(
    aware: bool, laal: float, capfd: pytest.CaptureFixture[str]
) -> None:
    """StreamLAAL with the package's cut is as simulstream's scorer has it, and nothing is said."""
    found = score_talk(TALK, SENTENCES, computation_aware=aware)
    assert found.stream_laal == pytest.approx(laal, abs=1e-3)
    assert capfd.readouterr().err == ""


def test_long_yaal_counts_what_came_before_the_recording_ended() -> None:
    """Words after their sentence count, words at or after the end of the recording do not."""
    assert long_yaal((500, 1500, 2500), 1000, 2, 2500) == (500 + 1500 - 1000 / 3) / 2
    assert long_yaal((2500,), 1000, 2, 2500) is None
    assert long_yaal((-200,), 1000, 2, 2500) == -200


def test_a_sentence_without_words_is_left_out_and_counted() -> None:
    """What was never translated has no lag."""
    alone = Instance(0, "a b", (900, 1200), (), "", "talk.wav", 3000.0)
    both = [Sentence("a b", 0, 1000), Sentence("x y", 1500, 1000)]
    found = score_talk(alone, both)
    assert (found.sentences, found.empty_soft) == (2, 1)
    assert found.long_yaal == (900 + 1200 - 500) / 2


def test_characters_are_the_units_of_a_script_without_spaces() -> None:
    """Each character has its delay, and white space in the reference counts nothing."""
    talk = Instance(0, "今天好谢谢", (500, 600, 700, 1500, 1600), (), "", "t", 2000.0, True)
    found = score_talk(talk, [Sentence("今天 很好", 0, 1000), Sentence("谢谢", 1000, 1000)])
    # Y = 4 and 2: (500 + 600 - 250 + 700 - 500) / 3 and (500 + 600 - 500) / 2
    assert found.long_laal == pytest.approx((350 + 300) / 2)
