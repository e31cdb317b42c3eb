"""What decides the outcome of a translator's training, besides its data."""

from __future__ import annotations

from dataclasses import dataclass

from simulst.errors import ConfigError
from simulst.train.weights import PRECISIONS

__all__ = ["Recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the outcome of a run, besides its data.

    Attributes:
        hours: time budget, resumed runs counted together; 0 for none.
        steps: optimiser steps at most; 0 for none.
        tokens: padded tokens of the longer side in a batch.
        rate: peak learning rate.
        warmup: steps up to it.
        dropout, smoothing: of the layers and of the labels.
        consistency: weight of the divergence between two passes with different dropout, R-Drop
            (Liang et al. 2021); 0: one pass.
        longest_k: k is drawn from 1..longest_k; one row in eight sees the whole source.
        join_share: share of examples joined with others into longer ones.
        opening: share of the budget over which a bidirectional encoder that starts from a causal
            one learns to look ahead; 0: at once.
        precision: to compute with, "bf16", "fp32" or "auto" for the faster one; the masters are
            float32.
        seed: of initialisation, order, k and dropout.
    """

    hours: float = 1.0
    steps: int = 0
    tokens: int = 2048
    rate: float = 1.5e-3
    warmup: int = 400
    dropout: float = 0.0
    smoothing: float = 0.1
    consistency: float = 0.0
    longest_k: int = 10
    join_share: float = 0.2
    opening: float = 0.0
    precision: str = "auto"
    seed: int = 1

    def __post_init__(self) -> None:
        if self.hours <= 0 and self.steps <= 0:
            raise ConfigError("a run needs a time budget (hours > 0) or a number of steps (> 0)")
        if self.precision not in (*PRECISIONS, "auto"):
            raise ConfigError(
                f"precision {self.precision!r} is unknown: use auto, {' or '.join(PRECISIONS)}"
            )
        for name in ("tokens", "rate", "warmup", "longest_k"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be above 0")
        if self.consistency < 0:
            raise ConfigError(f"consistency is {self.consistency}: it must be 0 or above")
        if self.consistency and not self.dropout:
            raise ConfigError(
                f"consistency {self.consistency} compares passes with different dropout, and "
                "dropout is 0: give one, 0.1 for instance"
            )
