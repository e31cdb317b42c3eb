"""The training loop: batches, optimisers, checkpoints, a budget of hours.

Little compute goes far by being told more than the transcript: phones, where the synthesiser
knows them, and where a token is heard, by CTC's best path, for some of the decoder's heads. What
ships is a running average of the weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from simulst.errors import ModelError
from simulst.train.listener.alignment import align_shard
from simulst.train.listener.batches import Batch, batch_windows
from simulst.train.listener.losses import loss_of
from simulst.train.listener.model import Dimensions, Listener
from simulst.train.listener.windows import Corpus, draw_windows
from simulst.train.weights import MasterWeights

__all__ = ["Plan", "Trainer"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train and for how long.

    Attributes:
        sizes: of the model.
        hours: wall-clock budget, all runs of this checkpoint together.
        steps: a budget of steps beside it; 0 for none.
        batch_s: seconds of audio a step, padding included.
        rate: peak learning rate.
        seed: of weights and windows.
        device: of torch.
        save_every_s: seconds between checkpoints.
        round_batches: batches drawn at once and sorted by length.
    """

    sizes: Dimensions
    hours: float
    steps: int = 0
    batch_s: float = 120.0
    rate: float = 1.5e-3
    seed: int = 1
    device: str = "cpu"
    save_every_s: float = 120.0
    round_batches: int = 8


class Trainer:
    """A model in training: its weights, their masters and average, and how far it has come."""

    def __init__(self, plan: Plan, corpus: Corpus, tokenizer: Tokenizer) -> None:
        self.plan = plan
        self.corpus = corpus
        self.tokenizer = tokenizer
        torch.manual_seed(plan.seed)
        self.model = Listener(plan.sizes).to(plan.device)
        self.weights = MasterWeights(self.model, lambda name: ".layers." in name)
        self.round = 0
        self.elapsed_s = 0.0
        self.heard_s = 0.0

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.weights.steps

    @property
    def progress(self) -> float:
        """The share of the budget that is used, 0 to 1."""
        shares = [self.elapsed_s / (self.plan.hours * 3600)]
        if self.plan.steps:
            shares.append(self.step / self.plan.steps)
        return min(1.0, max(shares))

    def train(self, folder: Path, report: Callable[[str], None]) -> None:
        """Trains until the budget is used, saving to `folder/checkpoint.pt`.

        Args:
            folder: of the checkpoint.
            report: takes a line of progress now and then.
        """
        begun = time.monotonic() - self.elapsed_s
        saved = reported = time.monotonic()
        sums = np.zeros(5)
        while self.progress < 1.0:
            for losses in self.learn_round():
                self.elapsed_s = time.monotonic() - begun
                sums += (*losses, 1)
                if time.monotonic() - reported > 30:
                    reported = time.monotonic()
                    report(self._line(sums))
                    sums[:] = 0
                if self.progress >= 1.0:
                    break
            if time.monotonic() - saved > self.plan.save_every_s:
                self.save(folder)
                saved = time.monotonic()
        if sums[4]:
            report(self._line(sums))
        self.save(folder)

    def learn_round(self) -> Iterator[tuple[float, ...]]:
        """Learns from the batches of the next round; yields the losses of each step."""
        self.corpus.refresh()
        batches = self._draw_round()
        self.round += 1
        for batch in batches:
            losses = self._learn(batch)
            self.heard_s += batch.seconds
            yield losses
        if self.progress > 0.3 and self.round % 3 == 0:
            self._align_one()

    def _line(self, sums: Any) -> str:
        token, letter, phone, look = sums[:4] / sums[4]
        return (
            f"{self.progress:5.1%}  step {self.step}  {self.elapsed_s / 60:.1f} min  "
            f"heard {self.heard_s / 3600:.2f} h  token loss {token:.3f}  "
            f"letter loss {letter:.3f}  "
            f"phone loss {phone:.3f}  look loss {look:.3f}  "
            f"aligned {len(self.corpus.ends)}/{len(self.corpus.shards)}"
        )

    def _draw_round(self) -> list[Batch]:
        """The next batches. Short, clean windows in small batches teach spelling soonest."""
        progress = self.progress
        longest_s = 5.0 if progress < 0.15 else 8.0 if progress < 0.85 else 14.0
        batch_s = self.plan.batch_s * (0.4 if progress < 0.15 else 0.6)
        windows = draw_windows(
            self.corpus,
            self.plan.seed,
            self.round,
            seconds=batch_s * self.plan.round_batches,
            longest_s=longest_s,
            change=0.2 if progress < 0.85 else 0.4,
            labelled=progress < 0.12,
        )
        rng = np.random.default_rng((self.plan.seed, self.round, 1))
        padded_share = 0.05 if progress > 0.5 else 0.0
        return list(
            batch_windows(
                windows,
                self.tokenizer,
                rng,
                batch_s=batch_s,
                padded_share=padded_share,
            )
        )

    def _learn(self, batch: Batch) -> tuple[float, ...]:
        losses = loss_of(self.model, batch)
        losses.total.backward()  # type: ignore[no-untyped-call]
        warmth = min(1.0, (self.step + 1) / 100)
        cooling = min(1.0, 0.02 + (1.0 - self.progress) / 0.55)
        self.weights.step(self.plan.rate * warmth * cooling)
        return tuple(
            float(loss.detach())
            for loss in (losses.token, losses.letter, losses.phone, losses.look)
        )

    def _align_one(self) -> None:
        for name, shard in self.corpus.shards.items():
            if name not in self.corpus.ends:
                self.corpus.ends[name] = align_shard(self.model, shard)
                return

    def save(self, folder: Path) -> None:
        """Writes the checkpoint, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / "checkpoint.part"
        torch.save(
            {
                "sizes": asdict(self.plan.sizes),
                **self.weights.state(),
                "round": self.round,
                "elapsed_s": self.elapsed_s,
                "heard_s": self.heard_s,
                "ends": self.corpus.ends,
            },
            partial,
        )
        partial.rename(folder / "checkpoint.pt")

    def resume(self, folder: Path) -> bool:
        """Goes on from `folder/checkpoint.pt`, if there is one; says whether there was.

        Raises:
            ModelError: it is of a model of another size.
        """
        path = folder / "checkpoint.pt"
        if not path.exists():
            return False
        # Our own file; word ends are numpy arrays, which weights_only refuses.
        state = torch.load(path, map_location=self.plan.device, weights_only=False)
        if state["sizes"] != asdict(self.plan.sizes):
            raise ModelError(
                f"{path} holds a model of sizes {state['sizes']}, asked for "
                f"{asdict(self.plan.sizes)}; give the same sizes or another --work"
            )
        self.weights.restore(state)
        self.round = state["round"]
        self.elapsed_s, self.heard_s = state["elapsed_s"], state["heard_s"]
        self.corpus.ends = state["ends"]
        return True
