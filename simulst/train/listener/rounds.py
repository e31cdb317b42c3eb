"""Rounds of batches, drawn by this process or ahead of it by others.

What is in a round follows from its `Order`: the same shards, seed and number draw the same
batches wherever and whenever that is done. Orders are given in turn, so a run that was stopped
goes on exactly by giving those again that were given and not used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from torch.utils.data import DataLoader, Dataset

from simulst.train.listener.batches import Batch, batch_windows
from simulst.train.listener.corpus import Corpus
from simulst.train.listener.windows import Drawing, draw_windows

__all__ = ["Order", "RoundSource", "draw_round"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a round is to be.

    Attributes:
        seed: of the training.
        number: of the round.
        batches: about how many.
        batch_s: seconds of audio in each, padding included.
        longest_s: of a window.
        change: probability that a window is augmented.
        labelled: take only shards with known phones.
        padded_share: of batches padded to 30 s.
        taught_share: of batches from which a teacher's features are learned.
        shards: to draw from.
        aligned: those whose word ends are known.
    """

    seed: int
    number: int
    batches: int
    batch_s: float
    longest_s: float
    change: float
    labelled: bool
    padded_share: float
    taught_share: float
    shards: tuple[str, ...]
    aligned: tuple[str, ...]


def draw_round(order: Order, corpus: Corpus, tokenizer: Tokenizer) -> list[Batch]:
    """The batches of an order."""
    if not set(order.shards) <= corpus.shards.keys():
        corpus.refresh(order.shards)
    windows = draw_windows(
        corpus,
        order.seed,
        order.number,
        seconds=order.batches * order.batch_s,
        drawing=Drawing(
            order.longest_s,
            order.change,
            order.labelled,
            frozenset(order.shards),
            frozenset(order.aligned),
        ),
    )
    return list(
        batch_windows(
            windows,
            tokenizer,
            np.random.default_rng((order.seed, order.number, 1)),
            batch_s=order.batch_s,
            padded_share=order.padded_share,
            taught_share=order.taught_share,
        )
    )


class _Rounds(Dataset[list[Batch]]):
    """Rounds by their orders; each process opens the corpus for itself."""

    def __init__(self, folder: Path, tokenizer: Tokenizer) -> None:
        self._folder = folder
        self._tokenizer = tokenizer.to_str()
        self._open: tuple[Corpus, Tokenizer] | None = None

    def __getitem__(self, order: Order) -> list[Batch]:
        if self._open is None:
            self._open = Corpus(self._folder), Tokenizer.from_str(self._tokenizer)
        return draw_round(order, *self._open)


class RoundSource:
    """Gives rounds in the order of their numbers.

    Args:
        folder: of the corpus.
        tokenizer: of the model.
        give: makes the order of the next round.
        processes: that draw ahead of the training; 0 draws when a round is asked for.
        pinned: put batches where a GPU can fetch them by itself.
    """

    def __init__(
        self,
        folder: Path,
        tokenizer: Tokenizer,
        give: Callable[[], Order],
        *,
        processes: int = 0,
        pinned: bool = False,
    ) -> None:
        self.unused: deque[Order] = deque()
        self._given_again: deque[Order] = deque()
        self._give = give
        options: dict[str, Any] = {}
        if processes:
            # spawned, because a fork of a process that uses a GPU or threads may hang
            options = {"multiprocessing_context": "spawn", "prefetch_factor": 2}
        self._loader: DataLoader[list[Batch]] = DataLoader(
            _Rounds(folder, tokenizer),
            sampler=_Endless(self._next_order),
            batch_size=None,
            num_workers=processes,
            collate_fn=_as_it_is,
            pin_memory=pinned,
            **options,
        )
        self._rounds: Iterator[list[Batch]] | None = None

    def give_again(self, orders: list[Order]) -> None:
        """Before the first round: orders that an earlier run gave and did not use."""
        assert self._rounds is None
        self._given_again.extend(orders)

    def next_round(self) -> tuple[Order, list[Batch]]:
        """The next round and its order, which counts as used from now on."""
        if self._rounds is None:
            self._rounds = iter(self._loader)
        batches = next(self._rounds)
        return self.unused.popleft(), batches

    def close(self) -> None:
        """Ends the processes."""
        self._rounds = None

    def _next_order(self) -> Order:
        order = self._given_again.popleft() if self._given_again else self._give()
        self.unused.append(order)
        return order


class _Endless:
    """An iterable of whatever `draw` gives."""

    def __init__(self, draw: Callable[[], Order]) -> None:
        self._draw = draw

    def __iter__(self) -> Iterator[Order]:
        while True:
            yield self._draw()


def _as_it_is(batches: list[Batch]) -> list[Batch]:
    return batches
