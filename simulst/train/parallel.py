"""Parallel text for training: cutting it into subwords, making batches."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simulst.corpus import Pair
from simulst.translate.vocabulary import Vocabulary

__all__ = ["Batch", "Example", "batches", "collate", "cut", "encode", "join", "roughen", "visible"]

PUNCTUATION = str.maketrans("", "", string.punctuation.replace("'", "").replace("-", ""))

CLOSE = 0.12  # how far apart, as shares of their sentences, two commas stand at most


def roughen(pair: Pair) -> Pair:
    """The pair with its source as a plain recogniser writes it: no case, no punctuation."""
    source = " ".join(pair.source.translate(PUNCTUATION).lower().split())
    return Pair(source or pair.source, pair.target, pair.corpus)


def cut(pair: Pair, dice: random.Random) -> Pair:
    """The pair cut at a comma, as a recogniser ends a sentence at a pause; or the pair itself.

    Only where both sides have as many commas, at about the same places: then what stands before
    (or after) one of them translates what stands before (or after) the other.
    """
    source, target = pair.source.split(", "), pair.target.split(", ")
    if len(source) != len(target) or len(source) < 2:
        return pair
    place = dice.randrange(1, len(source))
    heads = ", ".join(source[:place]), ", ".join(target[:place])
    if abs(len(heads[0]) / len(pair.source) - len(heads[1]) / len(pair.target)) > CLOSE:
        return pair
    if dice.random() < 0.75:
        return Pair(f"{heads[0]},", f"{heads[1]},", pair.corpus)
    return Pair(", ".join(source[place:]), ", ".join(target[place:]), pair.corpus)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A pair in subwords.

    Attributes:
        source: (S,) ids, the last one eos.
        source_ends: (words + 1,) number of source tokens visible once so many words and, at
            the last index, the end of sentence were read; entry i belongs to i + 1 words.
        target: (T,) ids, the last one eos.
        target_unit: (T,) index of the unit that each target token belongs to.
    """

    source: np.ndarray
    source_ends: np.ndarray
    target: np.ndarray
    target_unit: np.ndarray


def encode(pair: Pair, vocabulary: Vocabulary, longest: int) -> Example | None:
    """Cut a pair into subwords; None if either side has none or more than `longest`."""
    words = vocabulary.encode_words(pair.source.split())
    units = vocabulary.encode_units(pair.target)
    source = [t for word in words for t in word]
    target = [t for unit in units for t in unit]
    if not 0 < len(source) < longest or not 0 < len(target) < longest:
        return None
    ends = np.cumsum([len(word) for word in words], dtype=np.int32)
    unit = np.repeat(np.arange(len(units), dtype=np.int32), [len(u) for u in units])
    return Example(
        np.array([*source, vocabulary.eos], dtype=np.int32),
        np.append(ends[:-1], [ends[-1], ends[-1] + 1]).astype(np.int32),
        np.array([*target, vocabulary.eos], dtype=np.int32),
        np.append(unit, len(units)).astype(np.int32),
    )


def join(parts: Sequence[Example]) -> Example:
    """One example out of several, as if they were a single long sentence."""
    source, ends, target, unit = [], [], [], []
    tokens = units = 0
    for part in parts:
        source.append(part.source[:-1])
        ends.append(part.source_ends[:-1] + tokens)
        target.append(part.target[:-1])
        unit.append(part.target_unit[:-1] + units)
        tokens += len(part.source) - 1
        units += int(part.target_unit[-1])
    last = parts[-1]
    return Example(
        np.concatenate([*source, last.source[-1:]]),
        np.concatenate([*ends, [tokens + 1]]).astype(np.int32),
        np.concatenate([*target, last.target[-1:]]),
        np.concatenate([*unit, [units]]).astype(np.int32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Padded rows for one training step.

    Attributes:
        source: (B, S) ids.
        inputs: (B, T) target ids shifted right behind bos.
        labels: (B, T) target ids.
        visible: (B, T) source tokens that each position may see.
        keep: (B, T) true where a label stands.
    """

    source: Tensor
    inputs: Tensor
    labels: Tensor
    visible: Tensor
    keep: Tensor

    @property
    def tokens(self) -> int:
        """Labels in the batch."""
        return int(self.keep.sum())

    def to(self, device: torch.device) -> Batch:
        """The same batch elsewhere."""
        return Batch(*(getattr(self, name).to(device) for name in self.__slots__))


def visible(example: Example, k: int) -> np.ndarray:
    """Source tokens seen by each target token under wait-k; the end of sentence sees all.

    Unit j (from 0) is written after min(k + j, words) words, Ma et al. 2019 (STACL). Once all
    words are read, so is the end of the source.
    """
    words = len(example.source_ends) - 1
    read = np.minimum(k + example.target_unit, words + 1)
    read = np.where(read >= words, words + 1, read)
    read[-1] = words + 1
    seen: np.ndarray = example.source_ends[read - 1]
    return seen


def collate(examples: Sequence[Example], ks: Sequence[int], vocabulary: Vocabulary) -> Batch:
    """Pad examples into a batch; `ks` gives each row its k."""
    rows = len(examples)
    width = max(len(e.source) for e in examples)
    height = max(len(e.target) for e in examples)
    source = np.full((rows, width), vocabulary.pad, dtype=np.int64)
    inputs = np.full((rows, height), vocabulary.pad, dtype=np.int64)
    labels = np.full((rows, height), vocabulary.pad, dtype=np.int64)
    seen = np.ones((rows, height), dtype=np.int64)
    keep = np.zeros((rows, height), dtype=bool)
    for i, (example, k) in enumerate(zip(examples, ks, strict=True)):
        length = len(example.target)
        source[i, : len(example.source)] = example.source
        inputs[i, 0] = vocabulary.bos
        inputs[i, 1:length] = example.target[:-1]
        labels[i, :length] = example.target
        seen[i, :length] = visible(example, k)
        keep[i, :length] = True
    return Batch(*(torch.from_numpy(a) for a in (source, inputs, labels, seen, keep)))


def batches(
    examples: Sequence[Example],
    tokens: int,
    *,
    seed: int,
    epoch: int,
    join_share: float = 0.0,
    longest: int = 200,
) -> Iterator[list[Example]]:
    """One epoch in batches of examples of similar length, in an order fixed by seed and epoch.

    Args:
        tokens: padded tokens of the longer side in a batch, at most.
        join_share: share of examples that are joined with one or two others.
        longest: joined examples stay under so many tokens.
    """
    dice = random.Random(f"{seed}/{epoch}")
    order = list(range(len(examples)))
    dice.shuffle(order)
    rows: list[Example] = []
    position = 0
    while position < len(order):
        count = 1 if dice.random() >= join_share else dice.choice((2, 2, 3))
        parts = [examples[i] for i in order[position : position + count]]
        position += count
        long = sum(len(p.source) for p in parts), sum(len(p.target) for p in parts)
        rows.extend([join(parts)] if len(parts) > 1 and max(long) < longest else parts)
    lengths = [max(len(e.source), len(e.target)) for e in rows]
    order = sorted(range(len(rows)), key=lambda i: lengths[i] + dice.random() * 2)
    groups: list[list[int]] = [[]]
    longest_here = 0
    for i in order:
        longest_here = max(longest_here, lengths[i])
        if groups[-1] and longest_here * (len(groups[-1]) + 1) > tokens:
            groups.append([])
            longest_here = lengths[i]
        groups[-1].append(i)
    dice.shuffle(groups)
    for group in groups:
        yield [rows[i] for i in group]
