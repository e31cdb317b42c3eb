"""Curves of quality against latency, compared at equal latency by paired bootstrap.

A curve is one system at several settings, each of which translated the same sentences; trained
systems may come several times, once a seed. At a given LAAL the BLEU of a curve is interpolated
between its points. Sentences are drawn with replacement (Koehn 2004), the same for all curves, and
both BLEU and LAAL of every point are computed anew on each draw, so that what is uncertain of
either is in the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU

from simulst.errors import ConfigError, DataError
from simulst.evaluate.latency import length_adaptive_average_lagging
from simulst.evaluate.logs import Instance
from simulst.evaluate.quality import tokeniser

__all__ = ["Curve", "Difference", "common_range", "compare_curves", "curve_of", "latencies"]

Floats = NDArray[np.float64]
ORDER = 4  # longest n-gram of BLEU


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A system at P settings, over N sentences, R times.

    Attributes:
        name: of the system.
        counts: (R, P, N, 10) what BLEU adds up: n-grams found, n-grams, words, words of the
            reference.
        lags: (R, P, N) LAAL of each sentence; NaN where nothing was translated.
    """

    name: str
    counts: Floats
    lags: Floats

    def points(self, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """LAAL and BLEU of every point: (D, R, P) each.

        Args:
            weights: (D, N) how often each sentence was drawn; None for each sentence once.
        """
        if weights is None:
            weights = np.ones((1, self.lags.shape[2]))
        heard = np.isfinite(self.lags)
        sums = np.einsum("dn,rpn->drp", weights, np.where(heard, self.lags, 0.0))
        lags = sums / np.einsum("dn,rpn->drp", weights, heard.astype(float))
        return lags, _bleu(np.einsum("dn,rpnc->drpc", weights, self.counts, optimize=True))

    def at(self, laal: float, weights: Floats | None = None) -> Floats:
        """BLEU at a LAAL, the mean of the R times: (D,)."""
        lags, scores = self.points(weights)
        order = lags.argsort(axis=-1)
        lags, scores = (np.take_along_axis(array, order, -1) for array in (lags, scores))
        found = np.empty(lags.shape[:2])
        for place in np.ndindex(found.shape):
            found[place] = np.interp(laal, lags[place], scores[place])
        mean: Floats = found.mean(axis=1)
        return mean


@dataclass(frozen=True, slots=True)
class Difference:
    """A curve against the baseline at one latency.

    Attributes:
        name: of the curve.
        laal: at which both were read.
        bleu, baseline: interpolated.
        low, high: 95 % interval of the difference.
        p_value: share of the draws in which the curve is not above the baseline.
    """

    name: str
    laal: float
    bleu: float
    baseline: float
    low: float
    high: float
    p_value: float

    @property
    def gain(self) -> float:
        """BLEU above the baseline."""
        return self.bleu - self.baseline


def _bleu(counts: Floats) -> Floats:
    """Corpus BLEU of summed counts (..., 10), with sacrebleu's exponential smoothing."""
    found, made = counts[..., :ORDER].copy(), counts[..., ORDER : 2 * ORDER]
    words, wanted = counts[..., -2], counts[..., -1]
    zeros = (found == 0) & (made > 0)
    found = np.where(zeros, 0.5 ** zeros.cumsum(axis=-1), found)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.log(found / made).mean(axis=-1)
        brevity = np.minimum(0.0, 1.0 - wanted / words)
    score: Floats = np.nan_to_num(100.0 * np.exp(mean + brevity), nan=0.0)
    return score


def curve_of(name: str, runs: Sequence[Sequence[Sequence[Instance]]], language: str) -> Curve:
    """A curve from what its system wrote.

    Args:
        name: of the system.
        runs: one a seed; each holds one log a setting, each log the same sentences in order.
        language: of the target, ISO 639-1.

    Raises:
        DataError: a log is missing or holds other sentences, or a sentence has no reference.
    """
    logs = [log for run in runs for log in run]
    if not logs or not logs[0]:
        raise DataError(f"{name}: there is no log to compare; give one for each of its settings")
    if len({len(run) for run in runs}) > 1:
        raise DataError(f"{name}: its seeds were measured at different numbers of settings")
    # only its counts are used; the order is named to spare a warning for every sentence
    metric = BLEU(tokenize=tokeniser(language), force=True, effective_order=True)
    for log in logs:
        for place, instance in enumerate(log):
            if not instance.reference:
                raise DataError(f"{name}: sentence {place} has no reference, so it has no BLEU")
        references = [instance.reference for instance in log]
        if references != [instance.reference for instance in logs[0]]:
            raise DataError(
                f"{name}: its logs are of different sentences; compare settings over one text"
            )
    counts = [[[_counts(metric, one) for one in log] for log in run] for run in runs]
    lags = [[[_lag(one) for one in log] for log in run] for run in runs]
    return Curve(name, np.array(counts, dtype=float), np.array(lags, dtype=float))


def _counts(metric: BLEU, instance: Instance) -> list[float]:
    score = metric.sentence_score(instance.prediction, [instance.reference])
    return [*score.counts, *score.totals, score.sys_len, score.ref_len]


def _lag(instance: Instance) -> float:
    if not instance.delays:
        return float("nan")
    timing = instance.timing()
    return length_adaptive_average_lagging(
        timing.delays, timing.source_length, timing.target_length
    )


def common_range(curves: Sequence[Curve]) -> tuple[float, float]:
    """The least and the greatest LAAL that all curves reach."""
    ends = [curve.points()[0] for curve in curves]
    return max(lags.min(-1).max() for lags in ends), min(lags.max(-1).min() for lags in ends)


def latencies(baseline: Curve, curves: Sequence[Curve]) -> list[float]:
    """Where curves can be compared: the baseline's own points that all of them reach.

    Raises:
        ConfigError: they have no latency in common.
    """
    low, high = common_range([baseline, *curves])
    own = sorted(baseline.points()[0].mean(axis=1)[0].tolist())
    found = [laal for laal in own if low <= laal <= high]
    if not found and low < high:
        found = [(low + high) / 2]
    if not found:
        raise ConfigError(
            f"the curves have no latency in common (one starts at LAAL {low:.2f}, another ends at "
            f"{high:.2f}): measure them at more settings"
        )
    return found


def compare_curves(
    baseline: Curve,
    curves: Sequence[Curve],
    at: Sequence[float],
    *,
    draws: int = 1000,
    seed: int = 12345,
) -> list[Difference]:
    """Every curve against the baseline at every latency.

    Args:
        baseline: with which the others are compared.
        curves: over the same sentences.
        at: LAALs, from `latencies`.
        draws: of the bootstrap.
        seed: of the draws.

    Raises:
        DataError: a curve is of other sentences.
    """
    count = baseline.lags.shape[2]
    for curve in curves:
        wanted, there = baseline.counts[0, 0, :, -1], curve.counts[0, 0, :, -1]
        if curve.lags.shape[2] != count or not (wanted == there).all():
            raise DataError(
                f"{curve.name} and {baseline.name} are of different sentences; compare curves over "
                "one text"
            )
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(count, np.full(count, 1 / count), draws).astype(np.float64)
    found = []
    for laal in at:
        base, drawn = baseline.at(laal)[0], baseline.at(laal, weights)
        for curve in curves:
            apart = curve.at(laal, weights) - drawn
            low, high = np.quantile(apart, (0.025, 0.975))
            p_value = (1 + int((apart <= 0).sum())) / (1 + draws)
            score = curve.at(laal)[0]
            found.append(
                Difference(curve.name, laal, score, base, float(low), float(high), p_value)
            )
    return found
