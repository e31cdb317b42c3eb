"""A session read word by word."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst.evaluate.scoring import score_log
from simulst.report.talk import Share, read_talk, wilson
from simulst.types import Reason
from tests.report.journals import journal


def test_words_and_their_lag(tmp_path: Path) -> None:
    """Each unit knows the last source word read and how far it is behind an even speaker."""
    talk = read_talk(journal(tmp_path / "talk.jsonl"))
    first, second = talk.sentences
    assert (first.source, first.target, second.target) == ("yes good", "ja gut", "nein")
    # 2 s of speech, two units: due at 0 and 1 s after the sentence began, written at 1 and 2 s
    assert [unit.lag_ms for unit in first.units] == [1000, 1000]
    assert [unit.lag_ca_ms for unit in first.units] == [1500, 1500]
    assert [unit.source for unit in talk.units] == [0, 1, 0]
    assert (first.begin_s, first.end_s, talk.units[2].at_s) == (1, 3, 31)


def test_lag_of_sentences_is_that_of_the_scores(tmp_path: Path) -> None:
    """The mean LAAL of a talk is the figure that `simulst evaluate` gives for its journal."""
    path = journal(tmp_path / "talk.jsonl")
    talk, score = read_talk(path), score_log(path)
    lags = [s.laal_ms for s in talk.sentences if s.laal_ms is not None]
    late = [s.laal_ca_ms for s in talk.sentences if s.laal_ca_ms is not None]
    assert score.latency and score.latency_ca
    assert sum(lags) / 2 == pytest.approx(score.latency.laal)
    assert sum(late) / 2 == pytest.approx(score.latency_ca.laal)


def test_characters_are_counted_where_there_are_no_spaces(tmp_path: Path) -> None:
    """A piece of several characters counts for each, and its lag is that of the first."""
    path = journal(tmp_path / "talk.jsonl", units=("是的", "很好。", "不"))
    talk, score = read_talk(path), score_log(path)
    first = talk.sentences[0]
    assert (first.target, talk.counted, talk.count(talk.units)) == ("是的很好。", "characters", 6)
    # 2 s of speech, five characters: the third is due at 0.8 s
    assert [unit.lag_ms for unit in first.units] == [1000, 1200]
    assert talk.written == {Reason.RATIO: 2, Reason.FORCED: 3, Reason.FINISH: 1}
    assert score.latency is not None
    lags = [s.laal_ms for s in talk.sentences if s.laal_ms is not None]
    assert sum(lags) / 2 == pytest.approx(score.latency.laal)


def test_decisions_are_counted(tmp_path: Path) -> None:
    """Positions count what a rule judged; reasons count every decision and every unit."""
    talk = read_talk(journal(tmp_path / "talk.jsonl"))
    assert talk.positions == {"1": Share(1, 1), "2": Share(1, 0)}
    assert talk.verdicts == {Reason.RATIO: Share(2, 1), Reason.FORCED: Share(1, 1)}
    assert talk.written == {Reason.RATIO: 1, Reason.FORCED: 1, Reason.FINISH: 1}
    (hold,) = talk.holds
    assert (hold.at_s, hold.verdict.position, talk.heard_s) == (2, 1, 32)


def test_a_session_that_was_killed(tmp_path: Path) -> None:
    """Without a closing line there is no real-time factor, and all else is there."""
    talk = read_talk(journal(tmp_path / "talk.jsonl", closed=False))
    assert talk.real_time_factor is None and len(talk.units) == 3
    assert read_talk(journal(tmp_path / "closed.jsonl")).real_time_factor == 0.25


def test_computing_time_is_not_made_up(tmp_path: Path) -> None:
    """A journal without elapsed times has no lag with computing."""
    talk = read_talk(journal(tmp_path / "talk.jsonl", elapsed=False))
    assert all(unit.lag_ca_ms is None and unit.readable_s is None for unit in talk.units)
    assert all(sentence.laal_ca_ms is None for sentence in talk.sentences)


def test_the_interval_of_a_share() -> None:
    """Wilson's interval: 8 of 10 is 0.49 to 0.94, and it stays within 0 and 1."""
    assert wilson(Share(10, 8)) == pytest.approx((0.490, 0.943), abs=1e-3)
    assert wilson(Share(3, 3))[1] == 1.0 and wilson(Share(3, 0))[0] == 0.0
