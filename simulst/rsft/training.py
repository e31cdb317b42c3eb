"""Learning from what was accepted, without forgetting what was known.

    loss = (1 - rho) CE(references) + rho CE(accepted) + eta KL(policy || start)

all under the lag that each target was drawn under. An accepted token weighs 1, one inserted from
the residual `inserted`: 0 learns from the policy's own accepted tokens alone, 1 from the whole
text, which at M = 1 is text of the teacher.

Many ranks learn as one process would. All read the same batches and each learns from its part of
them; the gradients are weighted by what the parts weigh and summed once a step, so that the number
of ranks is no setting of the outcome. This is done here and not by wrapping the model in torch's
DistributedDataParallel: a policy is a protocol whose `loss` is no module's forward, a step goes
back through two losses and wants one exchange, and a mean over ranks would weigh the tokens of a
short part more than those of a long one. What is given up is to send while going back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from simulst.errors import ConfigError, DataError, ModelError, OutputError
from simulst.protocols import Lesson, TrainableSeq2Seq
from simulst.rsft.distributed import ALONE, Ranks
from simulst.rsft.lessons import accepted_lessons, batches, endless, reference_lessons
from simulst.rsft.stages import digest, read_records, read_signature

__all__ = ["Learning", "Progress", "Schooling", "accepted_lessons", "reference_lessons"]


@dataclass(frozen=True, slots=True)
class Learning:
    """How the policy is updated.

    Attributes:
        steps: optimiser steps.
        tokens: target tokens of accepted text a step, about, of all ranks together; references
            get as many.
        rate: peak learning rate.
        warmup: steps up to it; it falls linearly to a tenth at the end.
        accepted_share: rho, in [0, 1]; 0 learns from references alone.
        inserted: weight of tokens that the teacher inserted, lambda.
        smoothing: of the labels, in [0, 1); what was trained with it, as most translators are,
            forgets when it learns on without.
        pull: eta, of the KL divergence from the start.
        average: share of a running average of the weights that a step keeps; what is judged and
            kept is then the average (Polyak and Juditsky 1992). 0: the weights themselves.
        last: keep the weights of the last step, not those that were judged best; so that every
            run takes as many steps, and no luck of a small dev text has a say.
        lags: that references are learnt under.
        seed: of the order.
    """

    steps: int = 300
    tokens: int = 2048
    rate: float = 5e-5
    warmup: int = 20
    accepted_share: float = 0.8
    inserted: float = 1.0
    smoothing: float = 0.1
    pull: float = 0.1
    average: float = 0.97
    last: bool = False
    lags: tuple[int, ...] = (1, 2, 3, 5, 7)
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "tokens", "rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be above 0")
        for name in ("accepted_share", "inserted"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must lie in [0, 1]")
        if not 0 <= self.smoothing < 1:
            raise ConfigError(f"smoothing is {self.smoothing}: it must lie in [0, 1)")
        if not 0 <= self.average < 1:
            raise ConfigError(f"average is {self.average}: it must lie in [0, 1), 1 learns nothing")
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


class Schooling:
    """One run of learning, with a checkpoint that it goes on from.

    Args:
        policy: learns; its weights are changed.
        anchor: the same model as it was, frozen; not needed without a pull.
        accepted: stage file to learn from.
        learning: the settings.
        work: folder of the checkpoint, which all ranks read and the first one writes.
        ranks: those that learn together.

    Attributes:
        step, tokens: done so far.
        best: the highest score that was judged, and its step.
        scores: step and score of every judgement.

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
        ranks: Ranks = ALONE,
    ) -> None:
        self.policy = policy
        self.anchor = anchor
        self.learning = learning
        self.ranks = ranks
        self.step = self.tokens = 0
        self.best: tuple[float, int] | None = None
        self.scores: list[tuple[int, float]] = []
        self._best_weights: list[torch.Tensor] = []
        self._average: list[torch.Tensor] = []
        self._accepted = accepted
        self._parameters = [p for p in policy.parameters() if p.requires_grad]
        if learning.average:
            self._average = [p.detach().clone() for p in self._parameters]
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
        state = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        if state["signature"] != self._signature:
            raise ModelError(
                f"{self._checkpoint} is of a run with other settings or other accepted text: "
                "give the same ones, or another work folder"
            )
        self._put(state["weights"])
        for average, value in zip(self._average, state["average"], strict=True):
            average.copy_(value)
        self._optimiser.load_state_dict(state["optimiser"])
        self.step, self.tokens = state["step"], state["tokens"]
        self.best, self._best_weights = state["best"], state["best_weights"]
        self.scores = state["scores"]

    def judge(self, score_of: Callable[[TrainableSeq2Seq], float]) -> float:
        """Score the policy, and remember its weights if no score before was as high.

        Args:
            score_of: told the policy, with averaged weights if there are any.
        """
        live = [p.detach().clone() for p in self._parameters] if self._average else []
        self._put(self._average)
        try:
            score = score_of(self.policy)
            best = self.best is None or score > self.best[0]
            if best:
                self.best = (score, self.step)
                self._best_weights = [p.detach().to("cpu", copy=True) for p in self._parameters]
        finally:
            self._put(live)
        self.scores.append((self.step, score))
        if best:
            self.save()
        return score

    def finish(self) -> None:
        """Give the policy the weights that scored best; the average, or the last, if none did or
        the last are wanted."""
        best = [] if self.learning.last else self._best_weights
        self._put(best or self._average)

    @property
    def kept(self) -> tuple[float, int] | None:
        """Score and step of the weights that `finish` keeps; None where nothing judged them."""
        if not self.learning.last:
            return self.best
        if not self.scores or self.scores[-1][0] != self.step:
            return None
        return self.scores[-1][1], self.step

    @torch.no_grad()
    def _put(self, weights: Sequence[torch.Tensor]) -> None:
        """Give the policy these weights, if there are any."""
        if weights:
            for parameter, value in zip(self._parameters, weights, strict=True):
                parameter.copy_(value)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all; of many ranks the first one does."""
        if not self.ranks.first:
            return
        fresh = self._checkpoint.with_suffix(".new")
        state = {
            "signature": self._signature,
            "weights": [parameter.detach() for parameter in self._parameters],
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "tokens": self.tokens,
            "best": self.best,
            "scores": self.scores,
            "best_weights": self._best_weights,
            "average": self._average,
        }
        try:
            torch.save(state, fresh)
            fresh.replace(self._checkpoint)
        except (OSError, RuntimeError) as error:  # torch has no error of its own for a full disk
            fresh.unlink(missing_ok=True)
            raise OutputError(
                f"{self._checkpoint} cannot be written, for want of space perhaps ({error}); the "
                "checkpoint before it is kept, the same command goes on from there"
            ) from error

    def run(self, report: Callable[[Progress], None], every: int = 50) -> None:
        """Learn until the steps are done, saving every so many of them.

        Args:
            report: told of every step, on the first rank alone.
            every: steps from checkpoint to checkpoint.

        Raises:
            ModelError: the loss is no number any more.
            RanksError: another rank ended, is silent or began elsewhere.
        """
        learning = self.learning
        self.ranks.agree(f"step {self.step}, run {self._signature}, weights {self._sum():.6e}")
        streams = self._streams()
        for _ in range(self.step):  # what an earlier run has learnt from
            for stream, _ in streams:
                next(stream, None)
        while self.step < learning.steps:
            rate = learning.rate * self._slope()
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            self._optimiser.zero_grad(set_to_none=True)
            total = sum(self._learn(next(stream, []), share) for stream, share in streams)
            total = self._exchange(total)
            if not math.isfinite(total):
                raise ModelError(
                    f"the loss became {total} at step {self.step + 1}: lower the learning rate "
                    f"({learning.rate:g}); what was learnt up to the last checkpoint is kept"
                )
            torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
            self._optimiser.step()
            self.step += 1
            keep = min(learning.average, self.step / (self.step + 10))
            with torch.no_grad():
                for average, parameter in zip(self._average, self._parameters, strict=False):
                    average.lerp_(parameter, 1 - keep)
            # saved after whoever looks on has judged, else a kill in between would skip it
            if self.ranks.first:
                report(Progress(self.step, total, self.tokens))
            if self.step % every == 0:
                self.save()
        self.save()

    def _learn(self, batch: list[Lesson], share: float) -> float:
        """Add this rank's part of a batch to the gradients; return its part of the loss."""
        self.tokens += (tokens := sum(len(lesson.tokens) for lesson in batch))
        if not (part := self.ranks.part(batch)):
            return 0.0
        # of a loss that is a mean over the weights of the part, plus pull x one over its tokens
        weight = _weight(part) / _weight(batch)
        pull = self.learning.pull * (sum(len(one.tokens) for one in part) / tokens / weight)
        loss = share * weight * self.policy.loss(part, self.anchor, pull, self.learning.smoothing)
        torch.autograd.backward(loss)
        return float(loss.detach())

    def _exchange(self, total: float) -> float:
        """Sum over the ranks; the loss first and by the CPU, where the loss of one is noticed."""
        if self.ranks.world == 1:
            return total
        loss = torch.tensor([total], dtype=torch.float64)
        self.ranks.sum([loss])
        for parameter in self._parameters:
            if parameter.grad is None:  # other ranks may have one
                parameter.grad = torch.zeros_like(parameter)
        self.ranks.sum([p.grad for p in self._parameters if p.grad is not None])
        return float(loss)

    def _sum(self) -> float:
        """Tells other weights from these."""
        return sum(float(p.detach().double().abs().sum()) for p in self._parameters)

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


def _weight(lessons: Sequence[Lesson]) -> float:
    return math.fsum(weight for lesson in lessons for weight in lesson.weights)


def _fingerprint(path: Path) -> Mapping[str, Any]:
    """Which accepted text this is: by its size, as it only grows until it is whole."""
    return {
        "bytes": path.stat().st_size,
        "signature": read_signature(path),
        "first": next(read_records(path), None),
    }
