"""Training: it learns, it resumes, it makes a pack."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from simulst import config, packs
from simulst.accept import rules
from simulst.errors import ConfigError, ModelError
from simulst.train import command
from simulst.train.parallel import collate
from simulst.train.recipe import Recipe
from simulst.train.translator import Step, TranslatorTraining, pick_device
from simulst.translate.model import Dimensions
from simulst.translate.policy import Policy
from simulst.translate.storage import load_translator, save_translator
from tests.fakes import vocabulary
from tests.train.test_parallel import EXAMPLES, PAIRS

DIM = Dimensions(vocabulary().size, 32, 2, 64, 1, 1)
CPU = torch.device("cpu")


def train(work: Path, steps: int, **recipe: object) -> tuple[TranslatorTraining, list[Step]]:
    """Train a tiny model on three sentences up to a step."""
    settings = Recipe(hours=0, steps=steps, tokens=64, **recipe)  # type: ignore[arg-type]
    training = TranslatorTraining(DIM, vocabulary(), settings, work, CPU)
    reports: list[Step] = []
    training.run(EXAMPLES * 4, EXAMPLES, reports.append, every=10)
    return training, reports


def test_it_learns_to_translate(tmp_path: Path) -> None:
    """After some hundred steps the tiny model translates its three sentences word for word."""
    training, reports = train(
        tmp_path, 260, rate=1e-2, warmup=20, precision="fp32", join_share=0.0, smoothing=0.0
    )
    assert reports[-1].dev is not None
    assert reports[-1].dev < 0.2
    save_translator(tmp_path / "pack", training.finished(), vocabulary(), "en", "de")
    translator = load_translator(packs.open_pack(tmp_path / "pack", "translator"))
    accept = config.Accept(rule="wait-k", k_min=3)
    policy = Policy(translator, rules.build(accept), accept, config.Translate())
    for pair in PAIRS:
        state, words = policy.open(), pair.source.split()
        for i, word in enumerate(words):
            [(state, _)] = policy.step([state], [word], [i == len(words) - 1])
        assert " ".join(state.units) == pair.target


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    """A run stopped after 12 steps and resumed ends with the weights of one never stopped."""
    recipe = {"precision": "fp32", "dropout": 0.1, "rate": 1e-3}
    whole, _ = train(tmp_path / "whole", 20, **recipe)
    settings = Recipe(hours=0, steps=20, tokens=64, **recipe)  # type: ignore[arg-type]
    first = TranslatorTraining(DIM, vocabulary(), settings, tmp_path / "parts", CPU)

    class StopError(Exception):
        pass

    def stop(done: Step) -> None:
        if done.step == 12:
            first.save()
            raise StopError

    with pytest.raises(StopError):
        first.run(EXAMPLES * 4, EXAMPLES, stop, every=10)
    second = TranslatorTraining(DIM, vocabulary(), settings, tmp_path / "parts", CPU)
    assert second.step == 12
    second.run(EXAMPLES * 4, EXAMPLES, lambda done: None, every=10)
    for name, tensor in whole.weights.masters.items():
        assert torch.equal(tensor, second.weights.masters[name]), name
        assert torch.equal(whole.weights.average[name], second.weights.average[name]), name


def test_another_run_is_not_resumed(tmp_path: Path) -> None:
    """A work folder of a run with other settings is refused, not overwritten."""
    train(tmp_path, 2)
    with pytest.raises(ModelError, match="other recipe"):
        train(tmp_path, 4, seed=2)


def test_time_budget_ends_a_run(tmp_path: Path) -> None:
    """A run with a budget of hours ends by itself when it is spent."""
    settings = Recipe(hours=0.5 / 3600, tokens=64)
    training = TranslatorTraining(DIM, vocabulary(), settings, tmp_path, CPU)
    training.run(EXAMPLES, EXAMPLES, lambda done: None)
    assert training.spent_s >= 0.5
    assert (tmp_path / "checkpoint.pt").exists()


def test_bad_settings() -> None:
    """A run without an end, an unknown precision and an unknown device are refused."""
    with pytest.raises(ConfigError, match="time budget"):
        Recipe(hours=0)
    with pytest.raises(ConfigError, match="bf16 or fp32"):
        Recipe(precision="int4")
    with pytest.raises(ConfigError, match="auto, cpu or cuda"):
        pick_device("tpu")
    with pytest.raises(ModelError, match="multiple of 2 x heads"):
        Dimensions(100, width=30, heads=4)


def test_the_command_makes_a_pack(tmp_path: Path) -> None:
    """`simulst train translator` turns a TSV into a pack that loads, and resumes."""
    data = tmp_path / "data.tsv"
    data.write_text("".join(f"{p.source}\t{p.target}\n" for p in PAIRS * 20), encoding="utf-8")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    line = (
        f"--data {data} --dev {data} --work {tmp_path}/work --out {tmp_path}/en-de --hours 0 "
        "--steps 6 --pieces 340 --width 32 --heads 2 --feedforward 64 --encoder-layers 1 "
        "--decoder-layers 1 --tokens 200"
    )
    assert command.run(parser.parse_args(line.split())) == 0
    pack = packs.open_pack(tmp_path / "en-de", "translator")
    assert pack.fields["training"]["steps"] == 6
    assert load_translator(pack).target_language == "de"
    assert command.run(parser.parse_args(line.split())) == 0
    teach = f"--work {tmp_path}/work2 --out {tmp_path}/teacher --start {tmp_path}/en-de"
    args = parser.parse_args([*line.split(), *teach.split(), "--bidirectional"])
    assert command.run(args) == 0
    student, teacher = (
        load_translator(packs.open_pack(tmp_path / name, "translator"))
        for name in ("en-de", "teacher")
    )
    assert teacher.model.dim.bidirectional
    assert teacher.vocabulary_id == student.vocabulary_id
    bad = parser.parse_args([*line.split(), "--rough", "2"])
    with pytest.raises(ConfigError, match="--rough is 2"):
        command.run(bad)


def test_a_teacher_opens_gently(tmp_path: Path) -> None:
    """A shut encoder computes what the causal one it starts from does; half way it is open."""
    causal, _ = train(tmp_path / "causal", 30, precision="fp32")
    start = causal.finished()
    both = replace(DIM, bidirectional=True)
    settings = Recipe(hours=0, steps=8, tokens=64, precision="fp32", opening=0.5)
    training = TranslatorTraining(
        both, vocabulary(), settings, tmp_path / "teacher", CPU, start.state_dict()
    )
    batch = collate(EXAMPLES, [100] * len(EXAMPLES), vocabulary())
    wanted = start(batch.source, batch.inputs, batch.visible, batch.keep)
    found = []
    for ahead in (-30.0, 0.0):
        training.model.ahead = ahead
        found.append(training.model(batch.source, batch.inputs, batch.visible, batch.keep))
    torch.testing.assert_close(found[0], wanted)
    assert not torch.allclose(found[1], wanted, atol=1e-3)
    shut: list[float] = []
    training.run(EXAMPLES * 4, [], lambda done: shut.append(training.model.ahead))
    assert shut == [-6.0, -4.5, -3.0, -1.5, 0.0, 0.0, 0.0, 0.0]


def test_consistency_brings_the_passes_together(tmp_path: Path) -> None:
    """With R-Drop, two passes under dropout differ less after as many steps, and it learns."""
    apart = []
    for weight in (0.0, 20.0):
        training, reports = train(
            tmp_path / str(weight), 60, rate=3e-3, dropout=0.3, consistency=weight, warmup=5
        )
        training.model.train()
        batch = collate(EXAMPLES, [3] * len(EXAMPLES), vocabulary())
        torch.manual_seed(1)
        passes = [
            torch.log_softmax(
                training.model(batch.source, batch.inputs, batch.visible, batch.keep).float(), -1
            )
            for _ in range(20)
        ]
        mass = torch.stack(passes).detach().exp()
        apart.append(float((mass - mass.mean(0)).abs().sum()))
        assert reports[-1].loss < reports[0].loss
    assert apart[1] < apart[0]
    with pytest.raises(ConfigError, match="dropout is 0"):
        Recipe(consistency=1.0)
