"""`simulst devices`, with a sound system that is made up."""

from __future__ import annotations

import sys

import pytest

from simulst import cli
from tests.audio.fakes import DEVICES, SoundSystem


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> SoundSystem:
    """A sound system in place of the machine's."""
    made_up = SoundSystem()
    monkeypatch.setitem(sys.modules, "sounddevice", made_up)
    return made_up


def test_inputs_are_listed(system: SoundSystem, capsys: pytest.CaptureFixture[str]) -> None:
    """Number, name, channels, rate and sound system; the preferred one starred, no outputs."""
    assert cli.main(["devices"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "*  1  Webcam (hw:1,0)  1 channel, 44100 Hz, ALSA",
        "   2  Headset          2 channels, 48000 Hz, ALSA",
    ]


def test_a_machine_without_inputs(system: SoundSystem, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said in words."""
    system.plugged = [DEVICES[0]]
    system._initialize()
    assert cli.main(["devices"]) == 0
    assert capsys.readouterr().out == "this machine has no input device\n"


def test_portaudio_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The way out is one line."""
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert cli.main(["devices"]) == 2
    assert "apt install libportaudio2" in capsys.readouterr().err
