"""What there is to learn from, read from stage files a record at a time and in a fixed order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path

from simulst.protocols import Lesson, TrainableSeq2Seq
from simulst.rsft.stages import read_records

__all__ = ["accepted_lessons", "batches", "endless", "reference_lessons"]

BUFFER = 4096  # lessons shuffled at a time, so that memory does not grow with the corpus


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
