"""The settings of speech."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst import config
from simulst.errors import ConfigError


def test_a_synthesiser_in_a_file(tmp_path: Path) -> None:
    """A command with its places stands in the file, and an override changes a number."""
    path = tmp_path / "simulst.toml"
    command = "piper --model 'my voice.onnx' --output-raw --length-scale {length}"
    path.write_text(f'[speak]\ncommand = "{command}"\nraw_rate = 22050\n')
    found = config.load(path, ["speak.rate=150", "speak.words_max=8"]).speak
    assert (found.command, found.raw_rate) == (command, 22_050)
    assert (found.rate, found.rate_max, found.words_max) == (150, 280, 8)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["speak.comand=say"], "there is no setting 'speak.comand'.*speak.command"),
        (["speak.command=say 'x"], r"speak.command is \"say 'x\": No closing quotation"),
        (["speak.command= "], "speak.command is blank"),
        (["speak.command=say {words}"], "in speak.command is 'words': use one of text, voice"),
        (["speak.raw_rate=22050"], "espeak-ng writes WAV"),
        (["speak.command=say", "speak.raw_rate=100"], "between 4000 and 192000"),
        (["speak.timeout_s=0"], "speak.timeout_s is 0.0: it must be above 0"),
        (["speak.rate=20"], "speak.rate is 20: it must be at least 80"),
        (["speak.rate_max=100"], "speak.rate_max is 100: it must be at least 175"),
        (["speak.behind_s=-1"], "speak.behind_s is -1.0"),
        (["speak.words_min=0"], "speak.words_min is 0"),
        (["speak.words_max=2"], "speak.words_max is 2: it must be at least 3"),
        (["speak.wait_ms=0"], "speak.wait_ms is 0: it must be at least 100"),
    ],
)
def test_refusals_name_the_value(overrides: list[str], message: str) -> None:
    """What cannot be is refused with the setting, its value and the way out."""
    with pytest.raises(ConfigError, match=message):
        config.load(None, overrides)


def test_braces_that_are_no_place_are_left_alone() -> None:
    """Only a bare word in braces is a place: a command may hold JSON."""
    assert config.load(None, ['speak.command=say {"rate": 1} {text}']).speak.command
