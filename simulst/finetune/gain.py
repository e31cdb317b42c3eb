"""Before and after on text that was not learnt from: quality at every lag, and at equal latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulst.corpus import Pair

if TYPE_CHECKING:
    from simulst.evaluate.logs import Instance
    from simulst.evaluate.tradeoff import Difference

__all__ = ["Gain", "Point", "measure"]


@dataclass(frozen=True, slots=True)
class Point:
    """A pack at a lag.

    Attributes:
        lag: k; 0 for the whole source.
        laal: in source words.
        bleu, chrf: of the whole text.
    """

    lag: int
    laal: float
    bleu: float
    chrf: float


@dataclass(frozen=True, slots=True)
class Gain:
    """Two packs over the same text.

    Attributes:
        before, after: a point a lag.
        differences: after against before at equal LAAL, where both can be read.
        signature: sacrebleu's.
    """

    before: tuple[Point, ...]
    after: tuple[Point, ...]
    differences: tuple[Difference, ...]
    signature: str


def measure(before: str, after: str, pairs: Sequence[Pair], lags: Sequence[int]) -> Gain:
    """Let two packs translate under every lag, greedily, as the rule wait-k does live.

    Args:
        before, after: names of packs.
        pairs: at least one, with references.
        lags: at least one.

    Raises:
        ModelError: a pack cannot be used.
    """
    from simulst.errors import ConfigError
    from simulst.evaluate.schedule import written_under
    from simulst.evaluate.tradeoff import compare_curves, curve_of, latencies
    from simulst.rsft.jobs import open_model

    logs, points = [], []
    signature = language = ""
    for pack in (before, after):
        model = open_model(pack)
        language = model.target_language
        logs.append([written_under(model, pairs, lag) for lag in lags])
        points.append([_point(lag, log, language) for lag, log in zip(lags, logs[-1], strict=True)])
        signature = _signature(logs[-1][0], language)
    curves = [curve_of(name, [log], language) for name, log in zip("ba", logs, strict=True)]
    try:
        found = compare_curves(curves[0], curves[1:], latencies(curves[0], curves[1:]))
    except ConfigError:  # no latency in common; the points still stand
        found = []
    return Gain(tuple(points[0]), tuple(points[1]), tuple(found), signature)


def _signature(log: Sequence[Instance], language: str) -> str:
    from simulst.evaluate import quality

    return quality.score(*_texts(log), language).bleu_signature


def _point(lag: int, log: Sequence[Instance], language: str) -> Point:
    from simulst.evaluate import quality
    from simulst.evaluate.latency import average

    scores = quality.score(*_texts(log), language)
    latency = average(instance.timing() for instance in log)
    return Point(lag, latency.laal if latency else float("nan"), scores.bleu, scores.chrf)


def _texts(log: Sequence[Instance]) -> tuple[list[str], list[str]]:
    return [one.prediction for one in log], [one.reference for one in log]
