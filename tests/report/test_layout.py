"""Where words stand on the timeline."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.report.layout import PIXELS_A_SECOND, ROW_S, WIDTH, rows_of
from simulst.report.talk import Sentence, Talk, Written, read_talk
from simulst.report.widths import text_width
from simulst.types import SAMPLE_RATE, Emission, Reason, Word
from tests.report.journals import journal


def talk_of(words: list[str], waits: list[int], steps: list[int]) -> Talk:
    """One sentence; word i begins `waits[i]` tenths of a second after the one before."""
    spoken, at = [], 0
    for text, wait in zip(words, waits, strict=True):
        at += wait * SAMPLE_RATE // 10
        spoken.append(Word(text, at, at + SAMPLE_RATE // 10))
    units, delay = [], 0
    for i, (text, step) in enumerate(zip(words, steps, strict=True)):
        delay += step * SAMPLE_RATE // 2
        emission = Emission(i, 0, text, " ", i + 1, delay, 0, Reason.RATIO)
        units.append(Written(emission, i, 0.0, None))
    sentence = Sentence(0, tuple(spoken), tuple(units), 0.0, None)
    return Talk(Path("x"), {}, (sentence,), (), {}, {}, {}, 0.0, None)


TEXTS = st.text("aimW", min_size=1, max_size=14)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXTS, st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=60))
def test_no_word_covers_another(drawn: list[tuple[str, int, int]]) -> None:
    """Within a lane every word ends before the next begins, and none is left out."""
    words, waits, steps = (list(column) for column in zip(*drawn, strict=True))
    rows = rows_of(talk_of(words, waits, steps))
    count = 0
    for row in rows:
        spans: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
        for heard in row.heard:
            end = heard.x + text_width(heard.word.text)
            spans["said", heard.lane].append((heard.x, end))
        for burst in row.bursts:
            for unit, x, lane in burst.units:
                spans["written", lane].append((x, x + text_width(unit.emission.text)))
                count += 1
        for lane_spans in spans.values():
            lane_spans.sort()
            assert all(a[1] <= b[0] for a, b in pairwise(lane_spans))
    assert count == len(words) == sum(len(row.heard) for row in rows)


def test_words_stand_at_their_times(tmp_path: Path) -> None:
    """A source word stands at its start, a burst at the audio heard; silent rows are left out."""
    rows = rows_of(read_talk(journal(tmp_path / "talk.jsonl")))
    assert [row.begin_s for row in rows] == [0, 20, 30]
    assert [heard.x for heard in rows[0].heard] == [PIXELS_A_SECOND, 2 * PIXELS_A_SECOND]
    assert [burst.x for burst in rows[0].bursts] == [2 * PIXELS_A_SECOND, 3 * PIXELS_A_SECOND]
    assert rows[0].bursts[0].readable == 2.5 * PIXELS_A_SECOND
    assert [x for x, _ in rows[0].holds] == [2 * PIXELS_A_SECOND]


def test_a_line_goes_on_in_the_next_row(tmp_path: Path) -> None:
    """What was said in one row and written in the next is joined in both."""
    _, said, wrote = rows_of(read_talk(journal(tmp_path / "talk.jsonl")))
    (out,), (into,) = said.links, wrote.links
    assert out.end > WIDTH and into.start < 0
    assert out.end - into.end == WIDTH == out.start - into.start


def test_times_without_measure_cost_nothing() -> None:
    """A journal whose clock jumps by years has rows where things happen, and no others."""
    late = 10**9 * SAMPLE_RATE
    words = (Word("a", 0, late), Word("b", late, late + 1))
    emission = Emission(0, 0, "c", "", 1, late + 60 * SAMPLE_RATE, 0, Reason.RATIO)
    sentence = Sentence(0, words, (Written(emission, 0, 0.0, None),), 0.0, None)
    rows = rows_of(Talk(Path("x"), {}, (sentence,), (), {}, {}, {}, 0.0, None))
    assert len(rows) == 3 and rows[-1].begin_s == 10**9 + 60 and ROW_S == 10


def test_a_line_of_characters_is_as_long_as_they_are_wide() -> None:
    """Characters are not spread over more lanes as if each had a word's gap behind it."""
    units = tuple(
        Written(
            Emission(i, 0, "好", "" if i else " ", 1, SAMPLE_RATE, 0, Reason.RATIO), 0, 0.0, None
        )
        for i in range(20)
    )
    sentence = Sentence(0, (Word("hello", 0, 100),), units, 0.0, None)
    (row,) = rows_of(Talk(Path("x"), {}, (sentence,), (), {}, {}, {}, 0.0, None))
    lanes = [lane for _, _, lane in row.bursts[0].units]
    assert lanes == [0] * 20  # 20 of 13 pixels and a bit: less than the 320 of a burst


def test_scripts_without_spaces_are_set_close() -> None:
    """Characters that were written without a space follow each other without a gap."""
    units = tuple(
        Written(Emission(i, 0, text, "", 1, SAMPLE_RATE, 0, Reason.RATIO), 0, 0.0, None)
        for i, text in enumerate("你好")
    )
    sentence = Sentence(0, (Word("hello", 0, 100),), units, 0.0, None)
    (row,) = rows_of(Talk(Path("x"), {}, (sentence,), (), {}, {}, {}, 0.0, None))
    (_, first, lane), (_, second, other) = row.bursts[0].units
    assert lane == other and second - first - text_width("你") < 1
