"""The command's options: defaults parse, wrong ones are named."""

from __future__ import annotations

import argparse

import pytest

from simulst.errors import ConfigError
from simulst.train.listener.command import add_arguments, run

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
        (["--hours", "0"], "--hours 0"),
        (["--width", "100"], "--width 100"),
        (["--pieces", "100"], "--pieces 100"),
    ],
)
def test_a_wrong_option_is_named(options: list[str], named: str) -> None:
    """An option out of range is refused before anything is made."""
    with pytest.raises(ConfigError, match=named):
        run(parse(*options))
