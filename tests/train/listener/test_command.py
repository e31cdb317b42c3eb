"""The command's options: defaults parse, wrong ones are named."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from simulst.errors import ConfigError
from simulst.train.listener.command import add_arguments, run
from simulst.train.listener.model import Dimensions, Listener
from simulst.train.listener.stages import _start, plan_of
from simulst.train.listener.storage import take_over, write_average
from simulst.train.listener.teacher import TEACHER_WIDTH

PATHS = ["--data", "no-data", "--work", "no-work", "--out", "no-pack"]


def parse(*options: str) -> argparse.Namespace:
    """Arguments as the command line would give them."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([*PATHS, *options])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--voices", "slt", "hal"], "hal"),
        (["--voices", "kal16"], "held out"),
        (["--teacher-share", "2"], "--teacher-share 2"),
        (["--start-share", "-1"], "--start-share -1"),
        (["--stages", "blend"], "blend goes back towards --start"),
        (["--stages", "heads"], "--teacher"),
        (["--stages", "blocks", "--teacher", "t.npz"], "--width 384 --encoder-layers 4, not 256"),
        (["--blocks-hours", "0"], "--blocks-hours 0"),
        (["--hours", "0"], "--hours 0"),
        (["--width", "100"], "--width 100"),
        (["--pieces", "100"], "--pieces 100"),
        (["--text-tokens", "-1"], "--text-tokens -1"),
        (["--fixed-encoder"], "give --start"),
    ],
)
def test_a_wrong_option_is_named(options: list[str], named: str) -> None:
    """An option out of range is refused before anything is made."""
    with pytest.raises(ConfigError, match=named):
        run(parse(*options))


def test_a_teacher_decides_on_the_sizes() -> None:
    """Its features are learned in the share asked for; the heads hear with it alone."""
    taught = plan_of(parse("--teacher", "t.npz", "--teacher-share", "0.5"), 300)
    assert taught.sizes.taught == TEACHER_WIDTH and taught.taught == 0.5
    alone = plan_of(parse(), 300)
    assert alone.sizes.taught == 0 and alone.taught == 0.0
    options = ("--teacher", "t.npz", "--width", "384", "--heads-hours", "0.1")
    heads = plan_of(parse(*options), 300, "heads")
    assert (heads.sizes.width, heads.sizes.encoder_layers) == (TEACHER_WIDTH, 0)
    assert heads.taught == 0.0 and heads.hours == 0.1 and not heads.blockwise
    assert plan_of(parse(*options), 300, "blocks").blockwise


def test_training_starts_from_the_parts(tmp_path: Path) -> None:
    """The encoder of the stage blocks and the decoder of the stage heads, where both are there."""
    args = parse("--teacher", "t.npz", "--width", "384", "--encoder-layers", "4")
    args.work = tmp_path
    assert _start(args, "train") is None
    for number, (stage, sizes) in enumerate(
        (("blocks", Dimensions(300, 384, 4, 1)), ("heads", Dimensions(300, 384, 0, 1))), start=1
    ):
        model = Listener(sizes, encoder=torch.nn.Identity() if stage == "heads" else None)
        named = {name: torch.full_like(w, number) for name, w in model.named_parameters()}
        write_average(tmp_path / stage / "average.pt", sizes, named, {})
    found = _start(args, "train")
    assert found is not None
    take_over(Listener(Dimensions(300, 384, 4, 1)), found)
    values = {(name.split(".")[0], int(weight.max())) for name, weight in found.items()}
    assert values == {("encoder", 1), ("decoder", 2), ("ctc", 2)}
    assert _start(args, "blocks") is None
