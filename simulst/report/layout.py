"""Where everything stands on the timeline: rows of so many seconds, and lanes within a row.

Source words stand over the time at which they were spoken, target words at the moment when they
were written; a word that would cover another moves into the next lane. All is computed in pixels
from a row's left edge, without knowing how it is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, zip_longest

from simulst.report.talk import Hold, Sentence, Talk, Written
from simulst.report.widths import text_width
from simulst.types import SAMPLE_RATE, Word

__all__ = ["PIXELS_A_SECOND", "ROW_S", "WIDTH", "Burst", "Heard", "Link", "Row", "rows_of"]

ROW_S = 10
PIXELS_A_SECOND = 106.0
WIDTH = ROW_S * PIXELS_A_SECOND
OVERHANG = 100.0  # beyond the row's end, for words that were written shortly before it
GAP, CLOSE = 5.0, 0.5  # between words, and between units that have no space between them
BURST = (70.0, 320.0)  # least and greatest width of what was written at once
FAR = 4  # rows; a line across more of them is drawn at its two ends only


@dataclass(frozen=True, slots=True)
class Heard:
    """A source word in its place.

    Attributes:
        word: as it was recognised.
        sentence, number: of the sentence in the session, of the word in it; both from 0.
        x, end: of its sound; in pixels.
        lane: of its text, from 0 at the bottom.
    """

    word: Word
    sentence: int
    number: int
    x: float
    end: float
    lane: int


@dataclass(frozen=True, slots=True)
class Burst:
    """What was written at one moment.

    Attributes:
        x: of the moment.
        readable: x of the moment when it could be read; None if that was not measured.
        units: each with its x and lane, lanes counted from 0 at the top.
    """

    x: float
    readable: float | None
    units: tuple[tuple[Written, float, int], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """From the source word that had been read last to the moment of writing.

    Attributes:
        sentence, number: of the source word.
        at: the moment, in samples.
        start, end: x of both in this row; may lie outside of it.
    """

    sentence: int
    number: int
    at: int
    start: float
    end: float


@dataclass(slots=True)
class Row:
    """A stretch of the talk.

    Attributes:
        index: it begins at index * ROW_S seconds.
        heard, bursts, links: in the order of time.
        holds: those of one moment together, at its x.
        lags: for each sentence the units to draw its lag through, with their x.
    """

    index: int
    heard: list[Heard] = field(default_factory=list)
    bursts: list[Burst] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    holds: list[tuple[float, tuple[Hold, ...]]] = field(default_factory=list)
    lags: list[tuple[Sentence, tuple[tuple[float, Written], ...]]] = field(default_factory=list)

    @property
    def begin_s(self) -> int:
        """Time of its left edge."""
        return self.index * ROW_S

    @property
    def heard_lanes(self) -> int:
        """Lanes of the source."""
        return max((heard.lane + 1 for heard in self.heard), default=1)

    @property
    def written_lanes(self) -> int:
        """Lanes of the target."""
        return max((u[2] + 1 for burst in self.bursts for u in burst.units), default=1)


class _Rows(defaultdict[int, Row]):
    """Rows that exist once something is put there."""

    def __missing__(self, index: int) -> Row:
        self[index] = row = Row(index)
        return row


def _row(time_s: float) -> int:
    return int(time_s // ROW_S)


def _x(time_s: float, row: int) -> float:
    return (time_s - row * ROW_S) * PIXELS_A_SECOND


def rows_of(talk: Talk) -> list[Row]:
    """The rows of a talk in which anything happens, in order."""
    rows = _Rows()
    _place_heard(rows, talk.sentences)
    _place_bursts(rows, talk.units)
    for at_s, holds in groupby(talk.holds, lambda hold: hold.at_s):
        index = _row(at_s)
        rows[index].holds.append((_x(at_s, index), tuple(holds)))
    for sentence in talk.sentences:
        _place_links(rows, sentence)
    ordered = [rows[index] for index in sorted(rows)]
    for row in ordered:
        row.lags = list(_lags(row, talk.sentences))
    return ordered


def _place_heard(rows: _Rows, sentences: Iterable[Sentence]) -> None:
    ends: dict[int, list[float]] = defaultdict(list)
    for sentence in sentences:
        for number, word in enumerate(sentence.words):
            start_s, end_s = word.start / SAMPLE_RATE, word.end / SAMPLE_RATE
            index = _row(start_s)
            x = _x(start_s, index)
            lane = _free(ends[index], x, 0)
            ends[index][lane] = x + text_width(word.text)
            end = min(_x(end_s, index), WIDTH + OVERHANG)
            rows[index].heard.append(Heard(word, sentence.index, number, x, end, lane))


def _free(ends: list[float], x: float, first: int) -> int:
    """The first lane, from `first` on, where nothing reaches to x; a new one if there is none."""
    for lane in range(first, len(ends)):
        if ends[lane] + GAP <= x:
            return lane
    ends += [float("-inf")] * max(1, first + 1 - len(ends))
    return len(ends) - 1


def _place_bursts(rows: _Rows, units: Sequence[Written]) -> None:
    ends: dict[int, list[float]] = defaultdict(list)
    bursts = [list(group) for _, group in groupby(units, lambda unit: unit.emission.delay)]
    for burst, following in zip_longest(bursts, bursts[1:]):
        at_s = burst[0].at_s
        index = _row(at_s)
        x = _x(at_s, index)
        edge = WIDTH + OVERHANG
        if following and _row(following[0].at_s) == index:
            edge = _x(following[0].at_s, index) - GAP
        # to the next moment, so that the eye goes on along one lane; but some words at least
        width = min(max(edge - x, BURST[0]), BURST[1], WIDTH + OVERHANG - x)
        placed, lane = [], -1
        for line in _lines(burst, width):
            lane = _free(ends[index], x, lane + 1)
            end = x
            for unit in line:
                end += GAP if unit.emission.space or end == x else CLOSE
                placed.append((unit, end, lane))
                end += text_width(unit.emission.text)
            ends[index][lane] = end
        readable = burst[0].readable_s
        after = None if readable is None else min(_x(readable, index), WIDTH + OVERHANG)
        rows[index].bursts.append(Burst(x, after, tuple(placed)))


def _lines(units: Iterable[Written], width: float) -> Iterator[list[Written]]:
    """Units broken into lines of at most a width, or of one unit."""
    line: list[Written] = []
    used = 0.0
    for unit in units:
        gap = GAP if unit.emission.space or not line else CLOSE
        size = text_width(unit.emission.text) + gap
        if line and used + size > width:
            yield line
            line, used = [], 0.0
        line.append(unit)
        used += size
    if line:
        yield line


def _place_links(rows: _Rows, sentence: Sentence) -> None:
    seen = set()
    for unit in sentence.units:
        key = (unit.source, unit.emission.delay)
        if unit.source is None or key in seen:
            continue
        seen.add(key)
        start_s = sentence.words[unit.source].end / SAMPLE_RATE
        first, last = _row(start_s), _row(unit.at_s)
        between = range(first, last + 1) if last - first <= FAR else (first, last)
        for index in sorted({*between, last}):
            rows[index].links.append(
                Link(
                    sentence.index,
                    unit.source,
                    unit.emission.delay,
                    _x(start_s, index),
                    _x(unit.at_s, index),
                )
            )


def _lags(
    row: Row, sentences: Iterable[Sentence]
) -> Iterator[tuple[Sentence, tuple[tuple[float, Written], ...]]]:
    begin, end = row.begin_s, row.begin_s + ROW_S
    for sentence in sentences:
        units = sentence.units
        if not units or units[-1].at_s < begin or units[0].at_s >= end:
            continue
        # one unit beyond each edge, so that the line runs on into the next row
        first = max(0, sum(unit.at_s < begin for unit in units) - 1)
        last = sum(unit.at_s < end for unit in units) + 1
        yield sentence, tuple((_x(unit.at_s, row.index), unit) for unit in units[first:last])
