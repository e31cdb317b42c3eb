"""Memory stays where it is when the corpus grows."""

from __future__ import annotations

import gc
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulst.accept.sequences import effective_sample_size, estimate_log_m
from simulst.errors import ConfigError
from simulst.protocols import Proposal
from simulst.rsft import jobs, weighing
from simulst.rsft.acceptance import Selection
from simulst.rsft.drawing import Drawing
from simulst.rsft.lessons import accepted_lessons, batches, endless, reference_lessons
from simulst.rsft.stages import StageFile
from simulst.rsft.talks import Sentence
from simulst.rsft.weighing import Weighing
from tests.fakes import ToySeq2Seq

FEW, MANY = 300, 3_000
RECORD = 150  # bytes by which a further one may raise the peak; to keep one takes a thousand


class QuickSeq2Seq(ToySeq2Seq):
    """The toy with one table for everything."""

    def _row(self, proposal: Proposal, prefix: tuple[int, ...]) -> NDArray[np.float64]:
        return TABLES[self.name]


TABLES = {"policy": np.array([0.2, 0.5, 0.3]), "teacher": np.array([0.3, 0.5, 0.2])}


def quiet(done: int, record: dict[str, Any]) -> None:
    """A report that nobody reads."""


def peak(work: Callable[[], object]) -> int:
    """Bytes held at most while working, beyond what was held before."""
    before = gc.get_threshold()
    gc.set_threshold(1000, 2, 2)  # else it depends on when cycles are looked for
    tracemalloc.start(1)
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*before)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pack is a toy of that name."""
    monkeypatch.setattr(jobs, "open_model", lambda name, *more, **settings: QuickSeq2Seq(name))
    monkeypatch.setattr(jobs, "weights_of", str)


@pytest.mark.usefixtures("toys")
def test_stages_hold_no_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Talks are drawn for, weighed and accepted in memory that does not grow with them."""
    monkeypatch.setattr(weighing, "KEPT", FEW)
    drawing = Drawing(drafts=1, lags=(1, 2), temperatures=(1.0,))
    selection = Selection("sequence", gates=None)

    def run(count: int) -> int:
        folder = tmp_path / str(count)
        talks, samples = folder / "talks.jsonl", folder / "samples.jsonl"

        def stages() -> None:
            sentences = (Sentence("t", f"source {i}", "1 2") for i in range(count))
            assert jobs.talk_stage(sentences, talks, {}) == count
            jobs.sample_stage(talks, samples, "policy", drawing, quiet)
            figures = jobs.accept_stage(
                samples, folder / "accepted.jsonl", "teacher", selection, quiet, quantile=0.9
            )
            assert figures["samples_weighed"] == figures["drawn"] == count
            assert 0 < figures["kept"] < count

        return peak(stages)

    run(FEW // 10)  # what is loaded once counts for none of them
    assert run(MANY) - run(FEW) < RECORD * (MANY - FEW)


def test_lessons_hold_no_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a whole epoch are read in the memory of the buffer that shuffles them."""
    monkeypatch.setattr("simulst.rsft.lessons.BUFFER", FEW // 4)
    policy = ToySeq2Seq("policy")

    def run(count: int) -> int:
        path = tmp_path / f"{count}.jsonl"
        target = {"lag": 1, "tokens": [1, 2, 0], "learned": [1, 0, 1], "text": "1 2"}
        with StageFile(path, {"stage": "accepted"}) as file:
            for i in range(count):
                source = {"id": i, "talk": "t", "source": f"source {i}", "reference": "2 1"}
                file.append({**source, "accepted": [target, target]})

        def read() -> None:
            for lessons, per_source in (
                (lambda: accepted_lessons(path, 0.3), 2),
                (lambda: reference_lessons(path, policy, (1, 2), 0), 1),  # type: ignore[arg-type]
            ):
                stream = batches(endless(lessons, "seed"), 30)
                found: set[int] = set()
                for _ in range(count * per_source * 3 // 30):
                    found.update(int(lesson.source[1]) % 16 for lesson in next(stream))
                assert len(found) == 16

        return peak(read)

    run(FEW // 10)
    assert run(MANY) - run(FEW) < RECORD * (MANY - FEW)


def test_weights_are_added_up_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks give what all weights at once give; beyond what is kept a quantile is estimated."""
    rng = random.Random(1)
    weights = [rng.gauss(-5, 3) for _ in range(5_000)] + [-np.inf, -np.inf]
    for kept, tolerance in ((len(weights), 1e-12), (1_000, 0.3)):
        monkeypatch.setattr(weighing, "KEPT", kept)
        found = Weighing()
        for begin in range(0, len(weights), 64):
            found.add(weights[begin : begin + 64])
        found.add([])
        assert found.count == len(weights)
        assert len(found._kept) == kept
        assert found.log_m(1.0) == estimate_log_m(weights)
        assert found.log_m(0.5) == pytest.approx(estimate_log_m(weights, 0.5), abs=tolerance)
        assert found.effective_sample_size == pytest.approx(effective_sample_size(weights))
    nothing = Weighing()
    nothing.add([-np.inf] * 3)
    assert nothing.effective_sample_size == 0
    for quantile in (1.0, 0.5):
        with pytest.raises(ConfigError, match="probability 0 to every draft"):
            nothing.log_m(quantile)
