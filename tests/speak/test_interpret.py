"""`simulst interpret --speak` and `--speak-to`: options, whole sessions, and what is missing."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst import cli
from simulst.config import Config
from simulst.emit import jsonl
from simulst.pipeline import Interpreter
from simulst.speak.sound import RATE
from simulst.types import SAMPLE_RATE, Samples
from tests.speak.programs import playing
from tests.speak.test_loudspeaker import SoundSystem
from tests.test_interpret import engine, script

DEMO = Path(__file__).parents[2] / "demos" / "talk" / "audio.flac"
SOUND_S = 0.25  # of each group


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound file of five seconds, in which the beginning of a script is heard."""

    def build(config: Config, target: str) -> Interpreter:
        return engine(config, script())

    monkeypatch.setattr("simulst.pipeline.build", build)
    path = tmp_path / "talk.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * SAMPLE_RATE)
    soundfile.write(path, noise, SAMPLE_RATE)
    return path


def interpret(talk: Path, *options: object) -> int:
    """Run the command."""
    return cli.main(["interpret", str(talk), "--to", "de", *map(str, options)])


def test_a_talk_is_spoken_into_a_file(
    tmp_path: Path, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All groups are in the file at times that could be, and the closing lines tell the lag."""
    out, journal = tmp_path / "speech.flac", tmp_path / "talk.jsonl"
    command = f"speak.command={playing(tmp_path, SOUND_S)}"
    code = interpret(talk, "--speak-to", out, "--out", journal, "--set", command)
    error = capsys.readouterr().err
    assert code == 0
    (line,) = [line for line in error.splitlines() if line.startswith("spoken: ")]
    number = int(line.split()[1])
    samples, rate = soundfile.read(out)
    assert rate == RATE and number >= 2
    sounding = np.convolve(np.abs(samples) > 1e-3, np.ones(80), "same") > 0
    assert abs(sounding.sum() / RATE - number * SOUND_S) < 0.01 * number
    units = [unit for update in jsonl.read(journal) for unit in update.emissions]
    assert units[0].elapsed is not None
    assert np.argmax(sounding) / RATE > units[0].elapsed / SAMPLE_RATE
    assert "heard" in line and "not spoken" not in line


def test_a_synthesiser_that_is_missing(
    tmp_path: Path, talk: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """One line tells so at the start, and the translation is what it is without speech."""
    plain, out = tmp_path / "plain.txt", tmp_path / "talk.txt"
    assert interpret(talk, "--quiet", "--out", plain) == 0
    command = "speak.command=no-such-voice"
    code = interpret(talk, "--out", out, "--speak-to", tmp_path / "x.wav", "--set", command)
    assert code == 0
    (message,) = caplog.messages
    assert message == (
        "no-such-voice cannot be run: there is no such program; see to speak.command; speech "
        "ends, the text goes on"
    )
    assert out.read_text() == plain.read_text() != ""
    assert "spoken: 0 word groups; " in capsys.readouterr().err


def test_aloud(
    tmp_path: Path, talk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--speak opens the loudspeaker and feeds a file at the pace of its speaker."""
    system = SoundSystem()
    monkeypatch.setitem(sys.modules, "sounddevice", system)
    waits: list[int] = []
    monkeypatch.setattr("simulst.session.WallClock.wait", lambda _, end: waits.append(end))
    monkeypatch.setattr("simulst.session.WallClock.done", lambda _, end, compute_s: end)
    heard: list[float] = []

    def place(_: object, samples: Samples, earliest_s: float) -> float:
        heard.append(len(samples) / RATE)
        return earliest_s

    monkeypatch.setattr("simulst.speak.loudspeaker.Loudspeaker.place", place)
    command = f"speak.command={playing(tmp_path, SOUND_S)}"
    assert interpret(talk, "--speak", "--set", command, "--set", "speak.device=head") == 0
    assert len(heard) >= 2 and set(heard) == {SOUND_S}
    assert len(waits) >= 10  # once for each step, as only a live clock does


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--speak", "--pace", "fast"], "--pace live, or --speak-to FILE"),
        (["--speak-to", "speech.ogg"], "speech is written as WAV or FLAC"),
        (["--speak-to", "{talk}"], "is the source: name another file"),
        (["--speak-to", "x.wav", "--to", "de,fr"], "speech is of one language"),
        (["--speak", "--set", "speak.device=Gramophone"], "no loudspeaker 'Gramophone'"),
    ],
)
def test_what_cannot_be_spoken_is_refused(
    options: list[str],
    message: str,
    talk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In one line, before the models load, and with the source as it was."""
    monkeypatch.setitem(sys.modules, "sounddevice", SoundSystem())
    monkeypatch.setattr("simulst.pipeline.build", None)
    before = talk.read_bytes()
    assert interpret(talk, *[option.format(talk=talk) for option in options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert talk.read_bytes() == before


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_the_packs_that_ship_and_espeak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Seven seconds of the sample talk come back as German speech, later than it was written."""
    samples, rate = soundfile.read(DEMO, frames=7 * 16_000)
    soundfile.write(tmp_path / "talk.wav", samples, rate)
    out, journal = tmp_path / "speech.wav", tmp_path / "talk.jsonl"
    assert interpret(tmp_path / "talk.wav", "--speak-to", out, "--out", journal) == 0
    speech, rate = soundfile.read(out)
    units = [unit for update in jsonl.read(journal) for unit in update.emissions]
    first = units[0].elapsed
    assert first is not None and len(units) > 8
    loud = np.flatnonzero(np.abs(speech) > 0.02) / rate
    assert loud[0] > first / SAMPLE_RATE
    line = next(x for x in capsys.readouterr().err.splitlines() if x.startswith("spoken: "))
    spoken_s = float(line.split(", ")[1].split()[0])
    # at 175 to 280 words a minute a word takes 0.2 to 0.35 s; German ones are long
    assert 0.15 < spoken_s / len(units) < 0.7
    assert abs(spoken_s - (np.abs(speech) > 0).sum() / rate) < 0.3 * spoken_s
