"""Learning: what was accepted becomes more likely, a killed run ends where a whole one does."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from simulst.config import Translate
from simulst.errors import ConfigError, DataError, ModelError
from simulst.protocols import TrainableSeq2Seq
from simulst.rsft.stages import StageFile
from simulst.rsft.training import (
    Learning,
    Progress,
    Schooling,
    accepted_lessons,
    reference_lessons,
)
from simulst.translate.sentences import WaitkSeq2Seq
from tests.fakes import SENTENCES, translator

LEARNING = Learning(steps=8, tokens=30, rate=3e-3, warmup=2, average=0.0, seed=4)


def policy() -> WaitkSeq2Seq:
    """A copy of the random translator that may be changed."""
    return WaitkSeq2Seq(copy.deepcopy(translator()), Translate())


def records(count: int = 3) -> list[dict[str, Any]]:
    """Sources with two accepted targets each, one with an inserted token."""
    model = policy()
    found = []
    for i in range(count):
        source, target = SENTENCES[2 * i % 6], SENTENCES[(2 * i + 1) % 6]
        tokens = model.tokens(target)
        learned = [1] * len(tokens)
        targets = [
            {"lag": 2, "tokens": tokens, "learned": learned, "text": target},
            {"lag": 5, "tokens": tokens, "learned": [0, *learned[1:]], "text": target},
        ]
        found.append(
            {"id": i, "talk": "t", "source": source, "reference": target, "accepted": targets}
        )
    return found


def stage(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A stage file of accepted text."""
    with StageFile(path, {"stage": "accepted"}) as file:
        for row in rows:
            file.append(row)
    return path


def likelihood(model: WaitkSeq2Seq) -> float:
    """log P of the accepted targets under lag 2."""
    rows = records()
    sources = [tuple(row["source"].split()) for row in rows]
    targets = [row["accepted"][0]["tokens"] for row in rows]
    return sum(sum(score) for score in model.score(sources, targets, [2] * len(rows)))


def test_lessons(tmp_path: Path) -> None:
    """Inserted tokens get their weight, targets of inserted tokens alone are left out."""
    rows = records(2)
    rows[1]["accepted"][1]["learned"] = [0] * len(rows[1]["accepted"][1]["learned"])
    path = stage(tmp_path / "a.jsonl", rows)
    pure = list(accepted_lessons(path, 0.0))
    assert [lesson.lag for lesson in pure] == [2, 5, 2]
    assert pure[1].weights[0] == 0.0
    assert [lesson.weights[0] for lesson in accepted_lessons(path, 0.3)] == [1.0, 0.3, 1.0, 0.3]
    model = policy()
    lessons = list(reference_lessons(path, model, (1, 3), seed=1))
    assert [model.text(lesson.tokens) for lesson in lessons] == [SENTENCES[1], SENTENCES[3]]
    assert {lesson.lag for lesson in lessons} <= {1, 3}


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_it_learns(tmp_path: Path, share: float) -> None:
    """From accepted text, from references, or from both, the targets become more likely."""
    path = stage(tmp_path / "a.jsonl", records())
    model, before = policy(), likelihood(policy())
    reports: list[Progress] = []
    learning = Learning(steps=8, tokens=30, rate=3e-3, warmup=2, accepted_share=share, pull=0.0)
    Schooling(model, None, path, learning, tmp_path).run(reports.append)
    assert likelihood(model) > before
    assert [report.step for report in reports] == list(range(1, 9))
    assert reports[-1].tokens >= 8 * 30


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    """A run killed after five steps and gone on with ends with the weights of one never killed."""
    path = stage(tmp_path / "a.jsonl", records())
    anchor = policy()
    whole = policy()
    (tmp_path / "whole").mkdir()
    Schooling(whole, anchor, path, LEARNING, tmp_path / "whole").run(lambda done: None)

    class KillError(Exception):
        pass

    def kill(done: Progress) -> None:
        if done.step == 6:  # a step is saved after it is reported
            raise KillError

    with pytest.raises(KillError):
        Schooling(policy(), anchor, path, LEARNING, tmp_path).run(kill, every=5)
    again = policy()
    schooling = Schooling(again, anchor, path, LEARNING, tmp_path)
    assert schooling.step == 5
    schooling.run(lambda done: None)
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_best_weights_are_taken(tmp_path: Path) -> None:
    """Of several judged states the best one is gone back to, also after a resume."""
    path = stage(tmp_path / "a.jsonl", records())
    model = policy()
    schooling = Schooling(model, policy(), path, LEARNING, tmp_path)
    states: list[list[torch.Tensor]] = []
    scores = iter([1.0, 3.0, 2.0, 0.5])

    def judge(done: Progress) -> None:
        if done.step % 2 == 0:
            schooling.judge(lambda _: next(scores))
            states.append([parameter.detach().clone() for parameter in model.parameters()])

    schooling.run(judge)
    assert schooling.best == (3.0, 4)
    resumed = policy()
    again = Schooling(resumed, policy(), path, LEARNING, tmp_path)
    assert again.best == (3.0, 4) and again.step == LEARNING.steps
    again.finish()
    for a, b in zip(resumed.parameters(), states[1], strict=True):
        assert torch.equal(a, b)


def test_the_last_weights_are_taken_if_asked_for(tmp_path: Path) -> None:
    """Then a better score on the way changes nothing, and what is kept is known by its step."""
    path = stage(tmp_path / "a.jsonl", records())
    model = policy()
    schooling = Schooling(model, None, path, replace(LEARNING, pull=0.0, last=True), tmp_path)
    scores = iter([3.0, 1.0])

    def judge(done: Progress) -> None:
        if done.step in (2, LEARNING.steps):
            schooling.judge(lambda _: next(scores))

    schooling.run(judge)
    end = [parameter.detach().clone() for parameter in model.parameters()]
    schooling.finish()
    assert schooling.best == (3.0, 2) and schooling.kept == (1.0, LEARNING.steps)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), end, strict=True))


def test_an_average_is_judged_and_kept(tmp_path: Path) -> None:
    """The average moves slower than the weights that learn, is what is judged, and survives."""
    path = stage(tmp_path / "a.jsonl", records())
    start = [parameter.detach().clone() for parameter in policy().parameters()]

    def far(model: TrainableSeq2Seq) -> float:
        """How far it is from the start."""
        pairs = zip(model.parameters(), start, strict=True)
        return sum(float((a.detach() - b).square().sum()) for a, b in pairs)

    learning = replace(LEARNING, average=0.9, pull=0.0)
    model = policy()
    schooling = Schooling(model, None, path, learning, tmp_path)
    seen: list[tuple[float, float]] = []

    def judge(done: Progress) -> None:
        seen.append((schooling.judge(far), far(model)))

    schooling.run(judge)
    assert all(0 < averaged < live for averaged, live in seen[2:])
    again = Schooling(policy(), None, path, learning, tmp_path)
    again.run(judge)
    assert again.judge(far) == schooling.judge(far)
    best = max(averaged for averaged, _ in seen)
    schooling.finish()
    assert far(model) == best
    (tmp_path / "unjudged").mkdir()
    last = policy()
    unjudged = Schooling(last, None, path, learning, tmp_path / "unjudged")
    unjudged.run(lambda done: None)
    unjudged.finish()
    assert far(last) == seen[-1][0]


def test_what_cannot_be_learnt(tmp_path: Path) -> None:
    """Nothing accepted, other settings in the same folder and a diverging loss are named."""
    empty = [{**row, "accepted": []} for row in records()]
    nothing = stage(tmp_path / "none.jsonl", empty)
    with pytest.raises(DataError, match="nothing was accepted"):
        Schooling(policy(), None, nothing, LEARNING, tmp_path)
    path = stage(tmp_path / "a.jsonl", records())
    Schooling(policy(), None, path, LEARNING, tmp_path).save()
    with pytest.raises(ModelError, match="other settings"):
        Schooling(policy(), None, path, Learning(steps=9), tmp_path)
    model = policy()
    with torch.no_grad():
        next(iter(model.parameters())).fill_(float("nan"))
    (tmp_path / "nan").mkdir()
    with pytest.raises(ModelError, match="the loss became nan at step 1: lower the learning rate"):
        Schooling(model, None, path, LEARNING, tmp_path / "nan").run(lambda done: None)
    with pytest.raises(ConfigError, match="accepted_share is 2"):
        Learning(accepted_share=2.0)
    with pytest.raises(ConfigError, match="smoothing is 1"):
        Learning(smoothing=1.0)
    with pytest.raises(ConfigError, match="pull is -1"):
        Learning(pull=-1.0)
