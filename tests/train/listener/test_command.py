"""The command's options: defaults parse, wrong ones are named."""

from __future__ import annotations

import argparse

import pytest

from simulst.errors import ConfigError
from simulst.train.listener.command import add_arguments, run
from simulst.train.listener.stages import plan_of
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
        (["--control", "frozen-teacher", "--stages", "train"], "--teacher"),
        (["--control", "frozen-teacher", "--teacher", "t.npz"], "makes no pack"),
        (["--hours", "0"], "--hours 0"),
        (["--width", "100"], "--width 100"),
        (["--pieces", "100"], "--pieces 100"),
    ],
)
def test_a_wrong_option_is_named(options: list[str], named: str) -> None:
    """An option out of range is refused before anything is made."""
    with pytest.raises(ConfigError, match=named):
        run(parse(*options))


def test_a_teacher_decides_on_the_sizes() -> None:
    """Its features are learned in the share asked for; a control hears with it alone."""
    taught = plan_of(parse("--teacher", "t.npz", "--teacher-share", "0.5"), 300)
    assert taught.sizes.taught == TEACHER_WIDTH and taught.taught == 0.5
    alone = plan_of(parse(), 300)
    assert alone.sizes.taught == 0 and alone.taught == 0.0
    control = plan_of(parse("--teacher", "t.npz", "--control", "frozen-teacher"), 300)
    assert (control.sizes.width, control.sizes.encoder_layers) == (TEACHER_WIDTH, 0)
    assert control.taught == 0.0
