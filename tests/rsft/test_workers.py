"""Workers: many processes give what one gives, also when one of them is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simulst.errors import DataError
from simulst.rsft.drawing import Drawing, chunks, draw
from simulst.rsft.talks import Sentence
from simulst.rsft.workers import WorkersError, ordered
from tests.fakes import ToySeq2Seq

DRAWING = Drawing(drafts=3, lags=(1, 2), temperatures=(1.0,), seed=2)


@dataclass(frozen=True)
class Draw:
    """Drawing with the toy; a worker kills itself at one chunk, so many times."""

    folder: Path
    kill_at: int = -1
    times: int = 0

    def open(self) -> Callable[[tuple[int, list[Sentence]]], list[dict[str, Any]]]:
        policy = ToySeq2Seq("policy")

        def work(item: tuple[int, list[Sentence]]) -> list[dict[str, Any]]:
            first, sentences = item
            if first == self.kill_at:
                marks = len(list(self.folder.glob("killed*")))
                if marks < self.times:
                    (self.folder / f"killed{marks}").touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            if any(sentence.source == "bad" for sentence in sentences):
                raise DataError("a bad sentence")
            return draw(policy, first, sentences, DRAWING)

        return work


def items(count: int = 300) -> list[tuple[int, list[Sentence]]]:
    """Chunks of made-up sentences."""
    return list(chunks((Sentence("t", f"w {i}") for i in range(count)), 0))


def test_sharded_equals_single(tmp_path: Path) -> None:
    """Two processes give the records of one, sample for sample, in order."""
    alone = list(ordered(Draw(tmp_path), items()))
    assert len(alone) == 10
    assert list(ordered(Draw(tmp_path), items(), workers=2)) == alone


def test_a_killed_worker_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """SIGKILL in the middle: the chunk is done by another, and the outcome is the same."""
    alone = list(ordered(Draw(tmp_path), items()))
    found = list(ordered(Draw(tmp_path, kill_at=96, times=1), items(), workers=2))
    assert (tmp_path / "killed0").exists()
    assert found == alone


def test_workers_that_always_die(tmp_path: Path) -> None:
    """What came before is given, then a clear error instead of an endless loop."""
    done = []
    with pytest.raises(WorkersError, match="died 3 times at the same place"):
        for result in ordered(Draw(tmp_path, kill_at=64, times=99), items(), workers=2):
            done.append(result)
    assert done == list(ordered(Draw(tmp_path), items()))[: len(done)]
    assert len(done) <= 2


def test_errors_come_through(tmp_path: Path) -> None:
    """What the work itself refuses arrives as it was raised."""
    bad = [*items(64), (64, [Sentence("t", "bad")])]
    with pytest.raises(DataError, match="a bad sentence"):
        list(ordered(Draw(tmp_path), bad, workers=2))
