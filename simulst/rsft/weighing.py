"""What all samples weigh as whole sequences, in memory that does not grow with their number."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulst.accept.sequences import estimate_log_m
from simulst.protocols import Seq2Seq
from simulst.rsft.drawing import samples_of
from simulst.rsft.selection import log_ratios

__all__ = ["Weighing", "weigh"]

KEPT = 1 << 20
"""Weights that a quantile is taken of: all of them up to this many, beyond it so many drawn at
random, which puts the median where 0.05 % of the weights at most lie between it and the true one
(one standard deviation)."""


def weigh(
    teacher: Seq2Seq, records: Sequence[dict[str, Any]], power: float, seed: int
) -> list[float]:
    """power x (log P - log q) of every sample of a chunk of sources, as whole sequences."""
    rows = [samples_of(record, seed) for record in records]
    proposals = [proposal for row, _ in rows for proposal in row]
    samples = [sample for _, row in rows for sample in row]
    return [power * math.fsum(values) for values in log_ratios(teacher, proposals, samples)]


class Weighing:
    """Adds up log weights as they come.

    Attributes:
        count: of samples.
    """

    def __init__(self) -> None:
        self.count = 0
        self._largest = self._sum = self._squares = -math.inf  # the sums as logarithms
        self._kept = array("d")
        self._dice = random.Random(0)

    def add(self, log_weights: Sequence[float]) -> None:
        """Add those of some more samples; -inf is allowed."""
        if not log_weights:
            return
        logs = np.array(log_weights)
        self._largest = max(self._largest, float(logs.max()))
        self._sum = float(np.logaddexp(self._sum, np.logaddexp.reduce(logs)))
        self._squares = float(np.logaddexp(self._squares, np.logaddexp.reduce(2 * logs)))
        for value in log_weights:
            self.count += 1
            if len(self._kept) < KEPT:
                self._kept.append(value)
            elif (place := self._dice.randrange(self.count)) < KEPT:
                self._kept[place] = value

    def log_m(self, quantile: float) -> float:
        """log M: the largest log weight, or a quantile of them; see `estimate_log_m`.

        Raises:
            ConfigError: every weight is zero, or the quantile is out of range.
        """
        return estimate_log_m(self._kept if quantile < 1 else [self._largest], quantile)

    @property
    def effective_sample_size(self) -> float:
        """Kish's (sum w)^2 / sum w^2; 0 without any weight."""
        return 0.0 if self._sum == -math.inf else math.exp(2 * self._sum - self._squares)
