"""The training loop: batches, optimisers, checkpoints, a budget of hours.

Little compute goes far by being told more than the transcript: phones, where the synthesiser
knows them, where a token is heard, by CTC's best path, for some of the decoder's heads, and what
a teacher makes of the same audio. What ships is a running average of the weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from simulst.errors import ModelError
from simulst.train.listener.alignment import align_shard
from simulst.train.listener.batches import Batch, batch_windows
from simulst.train.listener.blocks import BlockTeacher, begin_small
from simulst.train.listener.corpus import Corpus
from simulst.train.listener.losses import NAMES, loss_of, reading_loss
from simulst.train.listener.model import Dimensions, Encoder, Listener
from simulst.train.listener.monitor import read_gauges
from simulst.train.listener.reading import Texts
from simulst.train.listener.rounds import Order, RoundSource
from simulst.train.listener.storage import load_state, save_state, take_over, write_average
from simulst.train.listener.teacher import Teacher
from simulst.train.listener.windows import Drawing, draw_windows
from simulst.train.weights import PRECISIONS, MasterWeights, pick_precision

__all__ = ["Plan", "Trainer"]

JOINED = 0.5
"""Share of the blockwise budget after which the parts hear each other and no longer the teacher."""
READING = 0.5
"""Weight of the loss on text that is read."""
REPORTED = (*NAMES, "reading")
MOST_ALIGNED = 48
"""Shards whose word ends are looked for on a CPU, where each takes seconds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train and for how long.

    Attributes:
        sizes: of the model; no encoder layers for a control that hears with the teacher.
        hours: wall-clock budget, all runs of this checkpoint together.
        steps: a budget of steps beside it; 0 for none.
        batch_s: seconds of audio a step, padding included.
        rate: peak learning rate.
        seed: of weights and windows.
        device: of torch.
        taught: share of batches from which the teacher's features are learned.
        blockwise: only the encoder learns, part by part, what the teacher's parts do.
        fixed: only the decoder learns; the encoder and the heads for training stay as they are.
        begun: share of the way from short, clean windows to long, changed ones that weights to
            start from have behind them.
        processes: that draw rounds ahead; 0 draws them in between.
        save_every_s: seconds between checkpoints.
        gauge_every_s: seconds between measurements on held-out speech.
        round_batches: batches drawn at once and sorted by length.
    """

    sizes: Dimensions
    hours: float
    steps: int = 0
    batch_s: float = 60.0
    rate: float = 1.5e-3
    seed: int = 1
    device: str = "cpu"
    taught: float = 0.0
    blockwise: bool = False
    fixed: bool = False
    begun: float = 0.0
    processes: int = 0
    save_every_s: float = 120.0
    gauge_every_s: float = 600.0
    round_batches: int = 8


class Trainer:
    """A model in training: its weights, their masters and average, and how far it has come.

    Args:
        plan: of the training.
        corpus: to learn from.
        tokenizer: of the model.
        teacher: whose features are learned, or to hear with where the model has no encoder.
        start: weights to start from, by their names; others start at random.
        texts: that the decoder reads a batch of at every step; None for none.
        facts: plain values kept beside the averaged weights, for the card.
    """

    def __init__(
        self,
        plan: Plan,
        corpus: Corpus,
        tokenizer: Tokenizer,
        teacher: Teacher | None = None,
        start: Mapping[str, Tensor] | None = None,
        texts: Texts | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.plan = plan
        self.corpus = corpus
        self.tokenizer = tokenizer
        self.teacher = teacher
        self.texts = texts
        self.facts = dict(facts or {})
        torch.manual_seed(plan.seed)
        self.model = Listener(plan.sizes, encoder=None if plan.sizes.encoder_layers else teacher)
        if plan.blockwise:
            self.model.encoder = Encoder(plan.sizes, dropout=0.0)  # without a start of its own
            begin_small(self.model.encoder)
        if start is not None:
            take_over(self.model, start)
        if plan.fixed:
            self.model.requires_grad_(False)
            self.model.decoder.requires_grad_()
        self.model.to(plan.device)
        precision = pick_precision("auto", plan.device)
        if teacher is not None:
            teacher.to(plan.device, PRECISIONS[precision])
        self.weights = MasterWeights(self.model, lambda name: ".layers." in name, precision)
        self.rounds = RoundSource(
            corpus.folder,
            tokenizer,
            self._order,
            processes=plan.processes,
            pinned=plan.device.startswith("cuda"),
        )
        self.round = 0
        self.elapsed_s = 0.0
        self.heard_s = 0.0
        self._measured = False
        self._blocks: BlockTeacher | None = None

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.weights.steps

    @property
    def _ready(self) -> bool:
        """Whether the teacher's features are known as well as the plan needs."""
        return self._measured and (self._blocks is not None or not self.plan.blockwise)

    @property
    def progress(self) -> float:
        """The share of the budget that is used, 0 to 1."""
        shares = [self.elapsed_s / (self.plan.hours * 3600)]
        if self.plan.steps:
            shares.append(self.step / self.plan.steps)
        return min(1.0, max(shares))

    def train(self, folder: Path, report: Callable[[str], None]) -> None:
        """Trains until the budget is used, saving to `folder`.

        Args:
            folder: of `checkpoint.pt` and `average.pt`.
            report: takes a line of progress now and then.
        """
        begun = time.monotonic() - self.elapsed_s
        saved = reported = gauged = time.monotonic()
        sums = torch.zeros(len(REPORTED) + 1, device=self.plan.device)
        heard_s = self.heard_s
        while self.progress < 1.0:
            for losses in self.learn_round():
                self.elapsed_s = time.monotonic() - begun
                sums += torch.cat([losses, losses.new_ones(1)])
                now = time.monotonic()
                if now - reported > 30 or self.progress >= 1.0:
                    report(self._line(sums, (self.heard_s - heard_s) / (now - reported)))
                    reported, heard_s = now, self.heard_s
                    sums.zero_()
                if self.progress >= 1.0:
                    break
            if time.monotonic() - saved > self.plan.save_every_s:
                self.save(folder)
                saved = time.monotonic()
            if time.monotonic() - gauged > self.plan.gauge_every_s:
                self.gauge(report)
                gauged = reported = time.monotonic()
                heard_s = self.heard_s
        self.rounds.close()
        self.save(folder)
        self.gauge(report)

    def learn_round(self) -> Iterator[Tensor]:
        """Learns from the batches of the next round; yields the losses of each step (6,)."""
        if self.teacher is not None and not self._ready:
            self._measure(self.teacher)
        order, batches = self.rounds.next_round()
        for batch in batches:
            losses = self._learn(batch)
            self.heard_s += batch.seconds
            yield losses
        on_cpu = self.plan.device == "cpu"
        due = self.progress > 0.15 and (order.number % 3 == 0 or not on_cpu)
        if due and not self.plan.blockwise:
            self._align_one(MOST_ALIGNED if on_cpu else len(self.corpus.shards))

    def gauge(self, report: Callable[[str], None]) -> None:
        """Reports what the averaged weights make of the corpus's held-out shards."""
        with self.weights.averaged():
            for reading in read_gauges(
                self.corpus.folder, self.model, self.tokenizer, self.teacher
            ):
                report(f"    {reading}")

    def _line(self, sums: Tensor, speed: float) -> str:
        *losses, count = sums.tolist()
        named = zip(REPORTED, losses, strict=True)
        means = "  ".join(f"{name} {loss / max(count, 1):.3f}" for name, loss in named)
        return (
            f"{self.progress:5.1%}  step {self.step}  {self.elapsed_s / 60:.1f} min  "
            f"heard {self.heard_s / 3600:.2f} h  {speed:.0f} s/s  {means}  "
            f"aligned {len(self.corpus.aligned)}/{len(self.corpus.shards)}"
        )

    def _order(self) -> Order:
        """The next round. Short, clean windows in small batches teach spelling soonest."""
        self.corpus.refresh()
        self.round += 1
        progress = self.plan.begun + (1.0 - self.plan.begun) * self.progress
        return Order(
            seed=self.plan.seed,
            number=self.round,
            batches=self.plan.round_batches,
            batch_s=self.plan.batch_s * (0.67 if progress < 0.12 else 1.0),
            longest_s=5.0 if progress < 0.12 else 8.0 if progress < 0.6 else 15.0,
            change=0.25 if progress < 0.5 else 0.5,
            # without a teacher only known phones get the encoder off the ground
            labelled=progress < 0.12 and self.plan.taught == 0,
            padded_share=0.03 if progress > 0.5 else 0.0,
            taught_share=self.plan.taught,
            shards=tuple(sorted(self.corpus.shards)),
            aligned=tuple(sorted(self.corpus.aligned)),
        )

    def _learn(self, batch: Batch) -> Tensor:
        if self._blocks is None:
            losses = loss_of(self.model, batch, self.teacher)
            total, numbers = losses.total, losses.numbers()
        else:
            assert isinstance(self.model.encoder, Encoder)
            parts = self._learn_blocks(self._blocks, self.model.encoder, batch)
            total, numbers = parts.sum(), F.pad(parts.mean().detach()[None], (len(NAMES) - 1, 0))
        torch.autograd.backward(total)
        numbers = torch.cat([numbers, self._read()])
        warmth = min(1.0, (self.step + 1) / 100)
        cooling = min(1.0, 0.02 + (1.0 - self.progress) / 0.55)
        self.weights.step(self.plan.rate * warmth * cooling)
        return numbers

    def _read(self) -> Tensor:
        """Learns from text, where there is any; returns the loss (1,), 0 where there is none."""
        if self.texts is None:
            return torch.zeros(1, device=self.plan.device)
        loss = reading_loss(self.model, self.texts.batch(self.step))
        torch.autograd.backward(READING * loss)
        return loss.detach().float()[None]

    def _learn_blocks(self, blocks: BlockTeacher, encoder: Encoder, batch: Batch) -> Tensor:
        """The losses of the parts, alone at first and then joined."""
        batch = batch.to(self.plan.device)
        if self.progress < JOINED:
            return blocks.losses(encoder, batch.mel, batch.lengths)
        mel = batch.mel.to(encoder.conv1.weight.dtype)
        clean = batch.clean if len(batch.clean) else batch.mel
        return blocks.joint_losses(encoder, mel, clean, batch.lengths)

    def _align_one(self, most: int) -> None:
        """Finds the word ends of a shard more, the first parts of each kind before the others."""
        absent = self.corpus.shards.keys() - self.corpus.aligned
        if not absent or len(self.corpus.aligned) >= most:
            return
        name = min(absent, key=lambda name: name.split("-")[::-1])
        frames = 12_000 if self.plan.device == "cpu" else 100_000
        shard = self.corpus.shards[name]
        self.corpus.note_word_ends(name, align_shard(self.model, shard, batch_frames=frames))

    def _measure(self, teacher: Teacher) -> None:
        """Tells the teacher what its features are like on some of the corpus."""
        self.corpus.refresh()
        windows = draw_windows(
            self.corpus, self.plan.seed, 0, seconds=300.0, drawing=Drawing(12.0, change=0.0)
        )
        rng = np.random.default_rng(self.plan.seed)
        batches = batch_windows(
            windows, self.tokenizer, rng, batch_s=60.0, padded_share=0.0, taught_share=1.0
        )
        mels = [batch.clean.to(self.plan.device) for batch in batches]
        if not self._measured:
            teacher.measure(mels)
            self._measured = True
        if self.plan.blockwise:
            self._blocks = BlockTeacher(teacher, mels)

    def save(self, folder: Path) -> None:
        """Writes `checkpoint.pt` and `average.pt`, each whole or not at all."""
        facts = {"step": self.step, "elapsed_s": self.elapsed_s, "heard_s": self.heard_s}
        told = self.facts | facts | {"hours_of_speech": self.corpus.hours()}
        write_average(folder / "average.pt", self.plan.sizes, self.weights.average, told)
        measured = self.teacher if self._measured else None
        save_state(
            folder / "checkpoint.pt",
            {
                "sizes": asdict(self.plan.sizes),
                **self.weights.state(),
                **facts,
                "round": self.round,
                "orders": [asdict(order) for order in self.rounds.unused],
                "aligned": sorted(self.corpus.aligned),
                "teacher": None if measured is None else (measured.mean, measured.spread),
            },
        )

    def resume(self, folder: Path) -> bool:
        """Goes on from `folder/checkpoint.pt`, if there is one; says whether there was.

        Raises:
            ModelError: it is of a model of another size.
        """
        path = folder / "checkpoint.pt"
        if not path.exists():
            return False
        state = load_state(path, self.plan.device)
        if state["sizes"] != asdict(self.plan.sizes):
            raise ModelError(
                f"{path} holds a model of sizes {state['sizes']}, asked for "
                f"{asdict(self.plan.sizes)}; give the same sizes or another --work"
            )
        self.weights.restore(state)
        self.elapsed_s, self.heard_s = state["elapsed_s"], state["heard_s"]
        self.round = state["round"]
        self.rounds.give_again([Order(**order) for order in state["orders"]])
        self.corpus.aligned = set(state["aligned"])
        if self.teacher is not None and state["teacher"] is not None:
            self.teacher.mean.copy_(state["teacher"][0])
            self.teacher.spread.copy_(state["teacher"][1])
            self._measured = True
        return True
