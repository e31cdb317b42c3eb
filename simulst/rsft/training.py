"""Learning from what was accepted, without forgetting what was known.

    loss = (1 - rho) CE(references) + rho CE(accepted) + eta KL(policy || start)

all under the lag that each target was drawn under. An accepted token weighs 1, one inserted from
the residual `inserted`: 0 learns from the policy's own accepted tokens alone, 1 from the whole
text, which at M = 1 is text of the teacher.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import torch

from simulst.errors import ConfigError, DataError, ModelError
from simulst.protocols import Lesson, TrainableSeq2Seq
from simulst.rsft.stages import digest, read_records

__all__ = ["Learning", "Progress", "Schooling", "accepted_lessons", "reference_lessons"]

BUFFER = 4096  # records shuffled at a time, so that memory does not grow with the corpus


@dataclass(frozen=True, slots=True)
class Learning:
    """How the policy is updated.

    Attributes:
        steps: optimiser steps.
        tokens: target tokens of accepted text a step, about; references get as many.
        rate: peak learning rate.
        warmup: steps up to it; it falls linearly to a tenth at the end.
        accepted_share: rho, in [0, 1]; 0 learns from references alone.
        inserted: weight of tokens that the teacher inserted, lambda.
        pull: eta, of the KL divergence from the start.
        lags: that references are learnt under.
        seed: of the order.
    """

    steps: int = 300
    tokens: int = 2048
    rate: float = 1e-4
    warmup: int = 20
    accepted_share: float = 0.5
    inserted: float = 0.3
    pull: float = 0.1
    lags: tuple[int, ...] = (1, 2, 3, 5, 7)
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "tokens", "rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be above 0")
        for name in ("accepted_share", "inserted"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must lie in [0, 1]")
        if self.pull < 0:
            raise ConfigError(f"pull is {self.pull}: it must be 0 or above")


@dataclass(frozen=True, slots=True)
class Progress:
    """A finished step.

    Attributes:
        step: steps done.
        loss: of this step.
        tokens: target tokens learnt from so far.
    """

    step: int
    loss: float
    tokens: int


def accepted_lessons(path: Path, inserted: float) -> Iterator[Lesson]:
    """The accepted targets of a stage file."""
    for record in read_records(path):
        source = tuple(record["source"].split())
        for target in record["accepted"]:
            weights = tuple(1.0 if own else inserted for own in target["learned"])
            if any(weights):
                yield Lesson(source, tuple(target["tokens"]), weights, target["lag"])


def reference_lessons(
    path: Path, policy: TrainableSeq2Seq, lags: Sequence[int], seed: int
) -> Iterator[Lesson]:
    """The references of the same sources, each under one of the lags."""
    for record in read_records(path):
        if record["reference"]:
            tokens = policy.tokens(record["reference"])
            dice = random.Random(f"{seed}/{record['id']}")
            source = tuple(record["source"].split())
            yield Lesson(source, tokens, (1.0,) * len(tokens), dice.choice(lags))


def endless(lessons: Callable[[], Iterator[Lesson]], seed: str) -> Iterator[Lesson]:
    """Lessons again and again, shuffled within a buffer, in an order that the seed fixes."""
    for epoch in count():
        stream = lessons()
        empty = True
        while buffer := list(islice(stream, BUFFER)):
            empty = False
            random.Random(f"{seed}/{epoch}/{len(buffer)}").shuffle(buffer)
            yield from buffer
        if empty:
            return


def batches(lessons: Iterator[Lesson], tokens: int) -> Iterator[list[Lesson]]:
    """Batches of about so many target tokens, never empty."""
    batch: list[Lesson] = []
    size = 0
    for lesson in lessons:
        batch.append(lesson)
        size += len(lesson.tokens)
        if size >= tokens:
            yield batch
            batch, size = [], 0


class Schooling:
    """One run of learning, with a checkpoint that it goes on from.

    Args:
        policy: learns; its weights are changed.
        anchor: the same model as it was, frozen; not needed without a pull.
        accepted: stage file to learn from.
        learning: the settings.
        work: folder of the checkpoint.

    Attributes:
        step, tokens: done so far.
        best: the highest score that was judged, and its step.

    Raises:
        DataError: nothing was accepted.
        ModelError: the checkpoint is of a run with other settings or other accepted text.
    """

    def __init__(
        self,
        policy: TrainableSeq2Seq,
        anchor: TrainableSeq2Seq | None,
        accepted: Path,
        learning: Learning,
        work: Path,
    ) -> None:
        self.policy = policy
        self.anchor = anchor
        self.learning = learning
        self.step = self.tokens = 0
        self.best: tuple[float, int] | None = None
        self._best_weights: list[torch.Tensor] = []
        self._accepted = accepted
        self._parameters = [p for p in policy.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(
            self._parameters, lr=learning.rate, betas=(0.9, 0.98), weight_decay=0.0
        )
        self._checkpoint = work / "learning.pt"
        self._signature = digest([asdict(learning), _fingerprint(accepted)])
        if learning.accepted_share > 0 and next(accepted_lessons(accepted, 1.0), None) is None:
            raise DataError(
                f"{accepted}: nothing was accepted, so there is nothing to learn from; lower M or "
                "the gates, or draw more samples"
            )
        if self._checkpoint.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, weights_only=True)
        if state["signature"] != self._signature:
            raise ModelError(
                f"{self._checkpoint} is of a run with other settings or other accepted text: "
                "give the same ones, or another work folder"
            )
        with torch.no_grad():
            for parameter, value in zip(self._parameters, state["weights"], strict=True):
                parameter.copy_(value)
        self._optimiser.load_state_dict(state["optimiser"])
        self.step, self.tokens = state["step"], state["tokens"]
        self.best, self._best_weights = state["best"], state["best_weights"]

    def judge(self, score: float) -> bool:
        """Remember the weights if no score before was as high; return whether."""
        if self.best is not None and score <= self.best[0]:
            return False
        self.best = (score, self.step)
        self._best_weights = [parameter.detach().clone() for parameter in self._parameters]
        self.save()
        return True

    @torch.no_grad()
    def take_best(self) -> None:
        """Go back to the weights that scored best, if any were judged."""
        for parameter, value in zip(self._parameters, self._best_weights, strict=False):
            parameter.copy_(value)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        fresh = self._checkpoint.with_suffix(".new")
        torch.save(
            {
                "signature": self._signature,
                "weights": [parameter.detach() for parameter in self._parameters],
                "optimiser": self._optimiser.state_dict(),
                "step": self.step,
                "tokens": self.tokens,
                "best": self.best,
                "best_weights": self._best_weights,
            },
            fresh,
        )
        fresh.replace(self._checkpoint)

    def run(self, report: Callable[[Progress], None], every: int = 50) -> None:
        """Learn until the steps are done, saving every so many of them."""
        learning = self.learning
        streams = self._streams()
        for _ in range(self.step):  # what an earlier run has learnt from
            for stream, _ in streams:
                next(stream, None)
        while self.step < learning.steps:
            rate = learning.rate * self._slope()
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            self._optimiser.zero_grad(set_to_none=True)
            total = 0.0
            for stream, share in streams:
                batch = next(stream, None)
                if batch is None:
                    continue
                loss = share * self.policy.loss(batch, self.anchor, learning.pull)
                torch.autograd.backward(loss)
                total += float(loss.detach())
                self.tokens += sum(len(lesson.tokens) for lesson in batch)
            if not math.isfinite(total):
                raise ModelError(
                    f"the loss became {total} at step {self.step + 1}: lower the learning rate "
                    f"({learning.rate:g}); what was learnt up to the last checkpoint is kept"
                )
            torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
            self._optimiser.step()
            self.step += 1
            if self.step % every == 0:
                self.save()
            report(Progress(self.step, total, self.tokens))
        self.save()

    def _slope(self) -> float:
        warm = min((self.step + 1) / max(self.learning.warmup, 1), 1.0)
        return warm * (1 - 0.9 * self.step / self.learning.steps)

    def _streams(self) -> list[tuple[Iterator[list[Lesson]], float]]:
        """Batches of accepted targets and of references, each with its share of the loss."""
        learning, path, policy = self.learning, self._accepted, self.policy
        rho = learning.accepted_share
        kinds = (
            ("accepted", rho, lambda: accepted_lessons(path, learning.inserted)),
            (
                "references",
                1 - rho,
                lambda: reference_lessons(path, policy, learning.lags, learning.seed),
            ),
        )
        return [
            (batches(endless(lessons, f"{learning.seed}/{name}"), learning.tokens), share)
            for name, share, lessons in kinds
            if share > 0
        ]


def _fingerprint(path: Path) -> Mapping[str, Any]:
    """Which accepted text this is: by its size, as it only grows until it is whole."""
    return {"bytes": path.stat().st_size, "first": next(read_records(path), None)}
