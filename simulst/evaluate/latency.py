"""Latency of simultaneous translation, by the definitions of SimulEval (Ma et al. 2020).

All functions take the delays d_1 <= ... <= d_H of the H target units (words or characters,
never subwords): how much source had been read when each was written. The unit of d and of the
source length |x| is free but common to both: source words for text, milliseconds for speech.
Given `elapsed` (source read plus computing time) in place of the delays they are the
computation-aware variants; only ATD needs both. No function accepts an empty hypothesis:
`average` skips and counts them, because no number of theirs could stand for "nothing was said".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

__all__ = [
    "Latency",
    "Timing",
    "average",
    "average_lagging",
    "average_proportion",
    "average_token_delay",
    "consecutive_wait",
    "differentiable_average_lagging",
    "end_offset",
    "length_adaptive_average_lagging",
    "normalised_erasure",
    "start_offset",
    "written_before_end",
]

SPEECH_SOURCE_MS = 300.0
"""Length of a source unit that ATD supposes in speech; a target word on a screen has none."""


def _lagging(delays: Sequence[float], source_length: float, target_length: int) -> float:
    assert delays and source_length > 0 and target_length > 0
    if delays[0] > source_length:
        return float(delays[0])
    step = source_length / target_length
    total, count = 0.0, 0
    for i, delay in enumerate(delays):
        total += delay - i * step
        count += 1
        if delay >= source_length:
            break
    return total / count


def average_lagging(delays: Sequence[float], source_length: float, target_length: int) -> float:
    """AL = 1/tau sum_{i<=tau} d_i - (i-1) |x|/Y, tau the first i with d_i >= |x|, else H.

    If d_1 > |x| it is d_1. Ma et al. 2019, "STACL".

    Args:
        delays: (H,) of the target units, H >= 1.
        source_length: |x| > 0, in the unit of the delays.
        target_length: Y >= 1, units of the reference.
    """
    return _lagging(delays, source_length, target_length)


def length_adaptive_average_lagging(
    delays: Sequence[float], source_length: float, target_length: int
) -> float:
    """LAAL: AL with max(H, Y) in place of Y, so that long hypotheses gain nothing.

    Papi et al. 2022, "Over-Generation Cannot Be Rewarded"; Polák et al. 2022.

    Args:
        delays, source_length, target_length: as in `average_lagging`.
    """
    return _lagging(delays, source_length, max(len(delays), target_length))


def average_proportion(delays: Sequence[float], source_length: float, target_length: int) -> float:
    """AP = sum_i d_i / (|x| Y). Cho and Esipova 2016.

    Args:
        delays, source_length, target_length: as in `average_lagging`.
    """
    assert delays and source_length > 0 and target_length > 0
    return sum(delays) / (source_length * target_length)


def differentiable_average_lagging(delays: Sequence[float], source_length: float) -> float:
    """DAL = 1/H sum_i g'_i - (i-1)/gamma, g'_1 = d_1, g'_i = max(d_i, g'_{i-1} + 1/gamma).

    gamma = H/|x|. Arivazhagan et al. 2019, "Monotonic Infinite Lookback Attention".

    Args:
        delays, source_length: as in `average_lagging`.
    """
    assert delays and source_length > 0
    step = source_length / len(delays)
    total, last = 0.0, float(delays[0]) - step
    for i, delay in enumerate(delays):
        last = max(delay, last + step)
        total += last - i * step
    return total / len(delays)


def average_token_delay(
    delays: Sequence[float],
    elapsed: Sequence[float] | None = None,
    *,
    source_unit: float = 1.0,
    target_unit: float = 1.0,
) -> float:
    """ATD = mean_t T_tgt(t) - T_src(s(t)), with s(t) = min(t - max(0, Tgt_<c - Src_<c), Src_<=c).

    Units written at the same delay form chunk c; Src and Tgt count the units of the chunks
    before (<c) or up to (<=c) it. T_tgt(t) = max(d_t, T_tgt(t-1)) + target unit + computing
    time. Kano et al. 2023, "Average Token Delay".

    Args:
        delays: (H,), H >= 1.
        elapsed: (H,) for the computation-aware variant.
        source_unit: length of a source unit: 1 for text, 300 ms for speech.
        target_unit: length of a target unit: 1 for text to text, 0 for speech to text.
    """
    assert delays and source_unit > 0
    computing = [0.0] * len(delays)
    if elapsed is not None:
        spent = [e - d for e, d in zip(elapsed, delays, strict=True)]
        computing = [now - before for now, before in zip(spent, [0.0, *spent], strict=False)]
    ends = [0.0]  # T_src, index 0 is the start
    total, written, clock, before = 0.0, 0, 0.0, 0.0
    for delay, group in groupby(delays):
        size = len(list(group))
        ahead = max(0, written - (len(ends) - 1))
        # floor division leaves a shorter last unit where the chunk is no multiple of it
        count, rest = divmod(delay - before, source_unit)
        before = delay
        for length in [source_unit] * int(count) + [rest] * (rest != 0):
            ends.append(ends[-1] + length)
        for t in range(written + 1, written + size + 1):
            clock = max(delay, clock) + target_unit + computing[t - 1]
            total += clock - ends[min(t - ahead, len(ends) - 1)]
        written += size
    return total / written


def consecutive_wait(delays: Sequence[float]) -> float:
    """CW: mean length of the runs of READ that came before a WRITE. Gu et al. 2017.

    Args:
        delays: (H,), H >= 1; what was read after the last WRITE does not count.
    """
    assert delays
    return delays[-1] / max(1, len({delay for delay in delays if delay > 0}))


def start_offset(delays: Sequence[float]) -> float:
    """StartOffset = d_1."""
    assert delays
    return float(delays[0])


def end_offset(delays: Sequence[float], source_length: float) -> float:
    """EndOffset = d_H - |x|; negative if the last unit came before the source ended."""
    assert delays
    return delays[-1] - source_length


def written_before_end(delays: Sequence[float], source_length: float) -> float:
    """Share of units with d_i < |x|: a policy that holds everything to the end has 0.

    Args:
        delays, source_length: as in `average_lagging`.
    """
    assert delays
    return sum(delay < source_length for delay in delays) / len(delays)


def normalised_erasure(deleted: int, final: int) -> float:
    """NE = units taken back / units in the final text. Arivazhagan et al. 2020.

    Args:
        deleted: >= 0; append-only output has 0.
        final: >= 1.
    """
    assert deleted >= 0 and final >= 1
    return deleted / final


@dataclass(frozen=True, slots=True)
class Timing:
    """What the latency of a sentence is computed from.

    Attributes:
        delays: (H,), may be empty.
        source_length: |x|, in the unit of the delays.
        target_length: Y, units of the reference, or H where there is none.
        elapsed: (H,), or empty if computing time was not measured.
    """

    delays: tuple[float, ...]
    source_length: float
    target_length: int
    elapsed: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Latency:
    """Means over sentences; `before_end` is over all units.

    Attributes:
        sentences: how many were scored.
        skipped: how many had no hypothesis, no source or no reference to be measured against.
        al, laal, dal, atd, cw, start, end: in the unit of the delays.
        ap: share of the source.
        before_end: share of units written before the source sentence ended, in [0, 1].
    """

    sentences: int
    skipped: int
    al: float
    laal: float
    ap: float
    dal: float
    atd: float
    cw: float
    start: float
    end: float
    before_end: float


def average(
    timings: Iterable[Timing], *, speech: bool = False, computation_aware: bool = False
) -> Latency | None:
    """Score sentences and take the means, as SimulEval does; None if none can be scored.

    Args:
        timings: one a sentence.
        speech: delays are milliseconds of speech, not source words (only ATD asks).
        computation_aware: score `elapsed`; sentences without it are skipped.
    """
    rows: list[tuple[float, ...]] = []
    early, units, skipped = 0.0, 0, 0
    source_unit, target_unit = (SPEECH_SOURCE_MS, 0.0) if speech else (1.0, 1.0)
    for timing in timings:
        d = timing.elapsed if computation_aware else timing.delays
        x, y = timing.source_length, timing.target_length
        if not d or x <= 0 or y < 1:
            skipped += 1
            continue
        atd = average_token_delay(
            timing.delays,
            timing.elapsed if computation_aware else None,
            source_unit=source_unit,
            target_unit=target_unit,
        )
        rows.append(
            (
                average_lagging(d, x, y),
                length_adaptive_average_lagging(d, x, y),
                average_proportion(d, x, y),
                differentiable_average_lagging(d, x),
                atd,
                consecutive_wait(d),
                start_offset(d),
                end_offset(d, x),
            )
        )
        early += written_before_end(d, x) * len(d)
        units += len(d)
    if not rows:
        return None
    means = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    al, laal, ap, dal, atd, cw, start, end = means
    return Latency(len(rows), skipped, al, laal, ap, dal, atd, cw, start, end, early / units)
