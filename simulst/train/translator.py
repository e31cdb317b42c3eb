"""Training a wait-k translator from parallel text, on CPU or CUDA.

Multi-path training: every row of every batch draws its own k, so that one model serves all
(Elbayad et al. 2020 draw one per batch); a teacher, whose encoder looks both ways, always sees
the whole source. Cross-entropy with label smoothing, a linear warm-up and a linear decay that
ends when the time budget or the number of steps is spent. A checkpoint holds everything that
the next step depends on, so a killed run goes on as if nothing had happened.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from simulst.errors import ConfigError, ModelError
from simulst.train.parallel import Example, batches, collate
from simulst.train.recipe import Recipe
from simulst.train.weights import MasterWeights, pick_precision
from simulst.translate.model import Dimensions, WaitkTransformer
from simulst.translate.vocabulary import Vocabulary

__all__ = ["Step", "TranslatorTraining", "pick_device"]


WHOLE = 10_000  # a k that no sentence reaches
SHUT = -6.0  # of a logit of attention: looks ahead so little that nothing changes


@dataclass(frozen=True, slots=True)
class Step:
    """What a finished step reports.

    Attributes:
        step: steps done.
        epoch: epochs done.
        share: of the budget spent, in [0, 1].
        loss: of this step, nats a token, with smoothing.
        dev: nats a token on the dev text at full source, when it was just measured.
        tokens_per_s: target tokens a second, smoothed.
    """

    step: int
    epoch: int
    share: float
    loss: float
    dev: float | None
    tokens_per_s: float


def pick_device(name: str) -> torch.device:
    """Turn "auto", "cpu" or "cuda" into a device.

    Raises:
        ConfigError: CUDA was asked for and is not there, or the name is unknown.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device cuda is not available here: use --device cpu")
    if name not in ("cpu", "cuda"):
        raise ConfigError(f"device {name!r} is unknown: use auto, cpu or cuda")
    return torch.device(name)


class TranslatorTraining:
    """One run in a work folder.

    Args:
        dimensions, vocabulary, recipe: what to train, on what, and how.
        work: folder for `checkpoint.pt` and `log.jsonl`; an earlier run there is resumed.
        device: where to compute.
        start: weights to start from, if not from new ones.

    Raises:
        ModelError: the checkpoint in `work` belongs to a run with other settings.
    """

    def __init__(
        self,
        dimensions: Dimensions,
        vocabulary: Vocabulary,
        recipe: Recipe,
        work: Path,
        device: torch.device,
        start: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.vocabulary = vocabulary
        self.recipe = recipe
        self.work = work
        self.device = device
        self.model = WaitkTransformer(dimensions, recipe.dropout).to(device)
        if start is not None:
            self.model.load_state_dict(start)
        self.weights = MasterWeights(
            self.model,
            lambda name: not name.startswith("embedding"),
            pick_precision(recipe.precision, device),
        )
        self.epoch = self.batch = 0
        self.spent_s = 0.0
        work.mkdir(parents=True, exist_ok=True)
        self.checkpoint = work / "checkpoint.pt"
        if self.checkpoint.exists():
            self._resume()

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.weights.steps

    def finished(self) -> WaitkTransformer:
        """The averaged weights as a float32 model on the CPU."""
        model = WaitkTransformer(self.model.dim)
        model.load_state_dict(self.weights.average)
        return model

    def _signature(self) -> dict[str, Any]:
        """What a checkpoint must agree on; the budget may be changed on resuming."""
        recipe = asdict(self.recipe)
        for name in ("hours", "steps"):
            del recipe[name]
        return {
            "dimensions": self.model.dim.as_dict(),
            "vocabulary": self.vocabulary.id,
            "recipe": recipe,
        }

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        if state["signature"] != self._signature():
            differing = [k for k, v in self._signature().items() if state["signature"].get(k) != v]
            raise ModelError(
                f"{self.checkpoint} is of a run with other {' and '.join(differing)}: "
                "use the same settings, or another work folder"
            )
        self.weights.restore(state)
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.spent_s = state["spent_s"]
        torch.set_rng_state(state["random"].cpu())
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"].cpu())

    def save(self) -> None:
        """Write the checkpoint; a kill while writing leaves the one before."""
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(
            {
                "signature": self._signature(),
                **self.weights.state(),
                "epoch": self.epoch,
                "batch": self.batch,
                "spent_s": self.spent_s,
                "random": torch.get_rng_state(),
                "random_cuda": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
            },
            fresh,
        )
        fresh.replace(self.checkpoint)

    def _share(self) -> float:
        by_time = self.spent_s / (self.recipe.hours * 3600) if self.recipe.hours > 0 else 0.0
        by_step = self.step / self.recipe.steps if self.recipe.steps > 0 else 0.0
        return max(by_time, by_step)

    def _lags(self, rows: int) -> list[int]:
        """The k of each row of the next step."""
        if self.model.dim.bidirectional:
            return [WHOLE] * rows
        dice = random.Random(f"{self.recipe.seed}/{self.step}")
        longest = self.recipe.longest_k
        return [WHOLE if dice.random() < 0.125 else dice.randint(1, longest) for _ in range(rows)]

    def _ahead(self) -> float:
        """How far the encoder is shut to what comes later."""
        opening = self.recipe.opening
        return SHUT * max(1 - self._share() / opening, 0.0) if opening else 0.0

    def _lesson(self, rows: list[Example]) -> torch.Tensor:
        """The loss to learn from."""
        ks, smoothing = self._lags(len(rows)), self.recipe.smoothing
        if not self.recipe.consistency:
            return self._loss(rows, ks, smoothing)
        logits, labels = self._logits(rows * 2, ks * 2)
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        one, other = torch.log_softmax(logits, -1).chunk(2)
        apart = ((one.exp() - other.exp()) * (one - other)).sum(-1).mean()  # both ways
        return loss + self.recipe.consistency / 2 * apart

    def _loss(self, rows: list[Example], ks: list[int], smoothing: float) -> torch.Tensor:
        return F.cross_entropy(*self._logits(rows, ks), label_smoothing=smoothing)

    def _logits(self, rows: list[Example], ks: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, V) of all target tokens, row by row, and the tokens (N,)."""
        batch = collate(rows, ks, self.vocabulary).to(self.device)
        # on a CPU the plain products beat the fused kernel for sentences of this length
        kernel = sdpa_kernel(SDPBackend.MATH) if self.device.type == "cpu" else nullcontext()
        with kernel:
            logits = self.model(batch.source, batch.inputs, batch.visible, batch.keep)
        return logits.float(), batch.labels[batch.keep]

    @torch.no_grad()
    def dev_loss(self, examples: list[Example]) -> float:
        """Nats a target token at full source by the averaged weights, without smoothing."""
        self.model.eval()
        total, count = 0.0, 0
        with self.weights.averaged():
            for rows in batches(examples, self.recipe.tokens, seed=0, epoch=0):
                tokens = sum(len(row.target) for row in rows)
                total += float(self._loss(rows, [WHOLE] * len(rows), 0.0)) * tokens
                count += tokens
        self.model.train()
        return total / count

    def run(
        self,
        examples: list[Example],
        dev: list[Example],
        report: Callable[[Step], None],
        *,
        every: int = 250,
    ) -> None:
        """Train until the budget is spent; save and measure on `dev` every so many steps."""
        recipe = self.recipe
        self.model.train()
        speed = 0.0
        last_save_s = self.spent_s
        while self._share() < 1:
            epoch = batches(
                examples,
                recipe.tokens,
                seed=recipe.seed,
                epoch=self.epoch,
                join_share=recipe.join_share,
            )
            for number, rows in enumerate(epoch):
                if number < self.batch:
                    continue
                began = time.monotonic()
                self.model.ahead = self._ahead()
                loss = self._lesson(rows)
                torch.autograd.backward(loss)
                self.weights.step(
                    recipe.rate * min((self.step + 1) / recipe.warmup, max(1 - self._share(), 0.01))
                )
                value = float(loss.detach())
                self.batch = number + 1
                taken = time.monotonic() - began
                self.spent_s += taken
                now = sum(len(row.target) for row in rows) / taken
                speed = now if speed == 0 else 0.98 * speed + 0.02 * now
                measured = None
                if self.step % every == 0 or self._share() >= 1:
                    began = time.monotonic()
                    measured = self.dev_loss(dev) if dev else None
                    self.spent_s += time.monotonic() - began
                done = Step(self.step, self.epoch, min(self._share(), 1), value, measured, speed)
                if measured is not None:
                    self._log(done)
                report(done)
                if self._share() >= 1:
                    break
                if self.spent_s - last_save_s > 120:
                    self.save()
                    last_save_s = self.spent_s
            else:
                self.epoch += 1
                self.batch = 0
        self.save()

    def _log(self, done: Step) -> None:
        line = {**asdict(done), "spent_s": round(self.spent_s, 1)}
        with (self.work / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
