"""Latency metrics against the figures of SimulEval's own scorer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.evaluate import latency
from simulst.evaluate.latency import Timing, average


def wait(k: int, source: int, hypothesis: int) -> tuple[float, ...]:
    """Delays of wait-k."""
    return tuple(min(k + t, source) for t in range(hypothesis))


GOLDEN = [
    # delays, reference length, AL, LAAL, AP, DAL, ATD; |x| = 10 throughout
    pytest.param(wait(3, 10, 10), 10, 3.0, 3.0, 0.72, 3.0, 3.0, id="wait-3"),
    pytest.param(wait(3, 10, 14), 10, 3.0, 4.0, 1.12, 4.4286, 3.7143, id="wait-3 too long"),
    pytest.param(wait(3, 10, 7), 10, 3.0, 3.0, 0.42, 3.0, 3.0, id="wait-3 too short"),
    pytest.param(wait(3, 10, 12), 12, 3.5833, 3.5833, 0.7667, 3.7778, 3.25, id="longer target"),
    pytest.param(wait(3, 10, 8), 8, 2.125, 2.125, 0.65, 3.0, 3.0, id="shorter target"),
    pytest.param((10.0,) * 10, 10, 10, 10, 1.0, 10, 10, id="offline"),
    pytest.param(
        (4, 4, 6, 6, 6, 8, 10, 10, 10, 10), 10, 3.2857, 3.2857, 0.74, 4.0, 4.0, id="chunks"
    ),
    pytest.param((11, 11, 12), 10, 11, 11, 0.34, 11, 11, id="after the end"),
    pytest.param((3.0,), 10, 3, 3, 0.03, 3, 3, id="one unit"),
]


@pytest.mark.parametrize(("delays", "reference", "al", "laal", "ap", "dal", "atd"), GOLDEN)
def test_golden_values(
    delays: tuple[float, ...],
    reference: int,
    al: float,
    laal: float,
    ap: float,
    dal: float,
    atd: float,
) -> None:
    """Every metric gives what SimulEval's scorer gives."""
    found = average([Timing(delays, 10, reference)])
    assert found is not None
    got = (found.al, found.laal, found.ap, found.dal, found.atd)
    assert got == pytest.approx((al, laal, ap, dal, atd), abs=1e-4)


def test_token_delay_of_speech_cuts_the_source_into_units() -> None:
    """In speech ATD sets a shorter last unit at each chunk's end and no length for target words."""
    # units end at 300, 600, 700 | 1000, 1300, 1500; words 1, 2 match 300, 600; 3 matches 700
    expected = ((700 - 300) + (700 - 600) + (1500 - 700)) / 3
    found = latency.average_token_delay((700, 700, 1500), source_unit=300, target_unit=0)
    assert found == pytest.approx(expected)


def test_token_delay_adds_the_computing_time_of_each_word() -> None:
    """Computation-aware ATD delays a word by the computing since the word before it."""
    ideal = latency.average_token_delay((300, 600), source_unit=300, target_unit=0)
    aware = latency.average_token_delay((300, 600), (350, 680), source_unit=300, target_unit=0)
    assert ideal == 0
    assert aware == (50 + (80 - 50)) / 2


def test_computation_aware_metrics_score_elapsed_times() -> None:
    """With computation_aware the elapsed times stand in for the delays."""
    timing = Timing((1000, 2000), 2000, 2, elapsed=(1400, 2600))
    ideal, aware = (
        average([timing], speech=True),
        average([timing], speech=True, computation_aware=True),
    )
    assert ideal is not None and aware is not None
    assert (ideal.laal, aware.laal) == (1000, (1400 + 1600) / 2)
    assert aware.end == 600


def test_sentences_without_elapsed_times_are_skipped_when_computing_counts() -> None:
    """A sentence whose computing time was not measured is counted as skipped, not as instant."""
    timings = [Timing((1,), 1, 1), Timing((1,), 1, 1, elapsed=(2,))]
    found = average(timings, computation_aware=True)
    assert found is not None and (found.sentences, found.skipped) == (1, 1)


def test_empty_hypotheses_are_skipped_and_counted() -> None:
    """A sentence without output changes no mean but is counted."""
    spoken = Timing(wait(3, 10, 10), 10, 10)
    alone, beside = average([spoken]), average([Timing((), 10, 10), spoken, Timing((), 4, 4)])
    assert alone is not None and beside is not None
    assert (beside.sentences, beside.skipped) == (1, 2)
    assert beside.laal == alone.laal


def test_nothing_to_score_gives_nothing() -> None:
    """Without any scorable sentence there is no mean."""
    assert average([]) is None
    assert average([Timing((), 3, 3)]) is None


def test_consecutive_wait_is_the_mean_run_of_reads() -> None:
    """CW averages the READs before each WRITE and leaves out WRITEs in a row."""
    assert latency.consecutive_wait((4, 4, 6, 6, 6, 8, 10, 10, 10, 10)) == 2.5
    assert latency.consecutive_wait((10.0,) * 10) == 10


def test_offsets_are_the_first_delay_and_the_last_after_the_end() -> None:
    """StartOffset is d_1, EndOffset d_H - |x|."""
    assert latency.start_offset((3, 5, 12)) == 3
    assert latency.end_offset((3, 5, 12), 10) == 2


def test_holding_everything_to_the_end_shows_in_the_share_written_before() -> None:
    """The share before the end is 0 for an offline policy; units at the end do not count."""
    assert latency.written_before_end((10.0,) * 10, 10) == 0
    assert latency.written_before_end((4, 9, 10, 11), 10) == 0.5


def test_the_share_before_the_end_is_over_units_not_sentences() -> None:
    """A long sentence weighs more than a short one in the share written before the end."""
    found = average([Timing((1, 2, 3), 4, 3), Timing((1,), 1, 1)])
    assert found is not None and found.before_end == 0.75


def test_erasure_is_what_was_taken_back_per_final_unit() -> None:
    """Normalised erasure is 0 for append-only output."""
    assert latency.normalised_erasure(0, 7) == 0
    assert latency.normalised_erasure(3, 4) == 0.75


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=15).map(sorted),
    st.integers(12, 15),
    st.integers(1, 15),
)
def test_length_adaptive_lagging_never_rewards_long_hypotheses(
    delays: list[int], source: int, reference: int
) -> None:
    """LAAL is at least AL, and the same where the hypothesis is no longer than the reference."""
    al = latency.average_lagging(delays, source, reference)
    laal = latency.length_adaptive_average_lagging(delays, source, reference)
    assert laal >= al - 1e-9
    if len(delays) <= reference:
        assert laal == al
