"""The command line: what it offers, and one clear line for whatever the user can mend."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import IO

import numpy as np
import pytest
import soundfile

from simulst import __version__, config, packs
from simulst.accept import rules
from simulst.cli import main
from simulst.config import Config
from simulst.pipeline import Interpreter
from simulst.types import SAMPLE_RATE
from tests.fakes import ScriptedTranscriber, translator
from tests.test_interpret import script


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must fail by one line and code 2; return the line."""
    assert main([str(word) for word in words]) == 2
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert len(lines) == 1, shown.err
    assert lines[0].startswith("simulst: error: ")
    assert "Traceback" not in shown.out
    return lines[0]


def run_alone(*words: str, stdout: int | IO[str] = PIPE) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "simulst", *words]
    return subprocess.run(command, text=True, stdout=stdout, stderr=PIPE, timeout=120)


def sound(path: Path, seconds: float, loudness: float = 0.1) -> Path:
    """A file of noise."""
    noise = np.random.default_rng(0).normal(0, 1, round(seconds * SAMPLE_RATE))
    soundfile.write(path, loudness * noise, SAMPLE_RATE)
    return path


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the packs: the real gate, a scripted recogniser, a random translator."""

    def build(config: Config, target: str) -> Interpreter:
        return Interpreter(
            config, ScriptedTranscriber(script()), translator(), rules.build(config.accept)
        )

    monkeypatch.setattr("simulst.pipeline.build", build)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """--help lists the commands."""
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("interpret", "evaluate", "train", "packs"))


@pytest.mark.parametrize(
    "words",
    [
        ["interpret"],
        ["evaluate"],
        ["packs"],
        ["models", "list"],
        ["models", "pull"],
        ["models", "show"],
        ["train", "translator"],
        ["train", "listener"],
        ["train", "evidence"],
        ["evidence"],
        ["finetune"],
        ["sample"],
        ["accept"],
        ["train", "policy"],
        ["train", "distillation"],
        ["train", "mishearing"],
    ],
)
def test_each_command_has_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """--help of a command describes it and its options."""
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: simulst {' '.join(words)}")


def test_help_loads_no_model_library() -> None:
    """Asking for help, also of `interpret`, does not wait for PyTorch."""
    code = (
        "import sys\n"
        "from simulst.cli import main\n"
        "for words in (['--help'], ['interpret', '--help'], ['packs']):\n"
        "    try: main(words)\n"
        "    except SystemExit: pass\n"
        "print([m for m in ('torch', 'ctranslate2', 'sounddevice') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], text=True, capture_output=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_python_m_simulst_is_the_command_line() -> None:
    """`python -m simulst --version` prints the version."""
    done = run_alone("--version")
    assert (done.returncode, done.stdout) == (0, f"simulst {__version__}\n")


@pytest.mark.parametrize("words", [[], ["translate"], ["train"], ["interpret"]])
def test_an_incomplete_command_shows_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing or unknown command exits with 2 and the usage."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "usage: simulst" in capsys.readouterr().err


def test_packs_are_listed_with_pair_and_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each pack found takes one line: name, kind, languages, first line of its card."""
    for name, kind, fields, card in (
        ("listen-xx", "asr", {"language": "xx"}, "# Hears xx\n\nmore\n"),
        ("xx-yy", "translator", {"source": "xx", "target": "yy"}, "\n## Short\n"),
        ("bare", "translator", {"source": "a", "target": "b"}, None),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "weights").write_text("1")
        packs.write_manifest(folder, kind, fields)
        if card is not None:
            (folder / "CARD.md").write_text(card)
    monkeypatch.setattr(packs, "folders", lambda: [tmp_path])
    assert main(["packs"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "bare  translator  a to b",
        "listen-xx  listener  xx  Hears xx",
        "xx-yy  translator  xx to yy  Short",
    ]


# -- bad input -----------------------------------------------------------------------------


def test_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is named."""
    assert "gone.wav" in refused(capsys, "interpret", "gone.wav", "--to", "de")


def test_empty_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of no bytes is named."""
    path = tmp_path / "empty.wav"
    path.touch()
    assert "empty.wav" in refused(capsys, "interpret", path, "--to", "de")


def test_a_file_that_is_no_audio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A text with a sound file's name is named."""
    path = tmp_path / "letter.mp3"
    path.write_text("Dear audience,\n" * 50)
    assert "letter.mp3" in refused(capsys, "interpret", path, "--to", "de")


@pytest.mark.usefixtures("scripted")
def test_five_milliseconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file too short for a word is an error that tells its length."""
    path = sound(tmp_path / "blip.wav", 0.005)
    message = refused(capsys, "interpret", path, "--to", "de")
    assert "no speech was recognised in 0.005 s" in message


@pytest.mark.usefixtures("scripted")
def test_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A silent file gives no invented words but an error."""
    path = sound(tmp_path / "silent.wav", 4, loudness=0)
    out = tmp_path / "silent.srt"
    message = refused(capsys, "interpret", path, "--to", "de", "--out", out)
    assert "no speech was recognised in 4 s" in message
    assert out.read_text() == ""


def test_unknown_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown pack is named, with those there are."""
    path = sound(tmp_path / "talk.wav", 1)
    message = refused(capsys, "interpret", path, "--to", "de", "--pack", "en-xx")
    assert "no translator pack 'en-xx'; available:" in message


def test_pair_not_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A language pair without a pack is refused, with the pairs there are."""
    path = sound(tmp_path / "talk.wav", 1)
    message = refused(capsys, "interpret", path, "--to", "tlh")
    assert "no pack translates en to tlh; available:" in message


@pytest.mark.parametrize("place", ["set", "file"])
def test_unknown_setting(tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown key is refused wherever it stands, with the valid ones."""
    file = tmp_path / "some.toml"
    file.write_text("[accept]\nkmin = 3\n")
    flags = ["--set", "accept.kmin=3"] if place == "set" else ["--config", file]
    message = refused(capsys, "interpret", "x.wav", "--to", "de", *flags)
    assert "there is no setting 'accept.kmin'" in message
    assert all(key in message for key in config._valid_keys())


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--k", "0"], "accept.k_min is 0: it must be at least 1"),
        (["--k", "-3", "--rule", "wait-k"], "accept.k_min is -3"),
        (["--accept-m", "inf"], "accept.m is inf: M must be above 0"),
        (["--accept-m", "-1"], "accept.m is -1.0"),
        (["--accept-m", "nan"], "accept.m is nan"),
        (["--set", "accept.k_min=9"], "k_min must not exceed k_max"),
        (["--set", "accept.k_min"], "has no '='"),
        (["--set", "accept.k_min=two"], "takes a value of type int"),
        (["--rule", "guess"], "accept.rule is 'guess': use one of auto, ratio, learned, wait-k"),
        (["--rule", "la-2", "--set", "accept.lookback=0"], "accept.lookback is 0"),
        (["--config", "gone.toml"], "gone.toml"),
        (["--out", "talk.doc"], "suffix '.doc' stands for no format; use one of .srt"),
        (["--out", "talk"], "suffix '' stands for no format"),
        (["--out", "nowhere/talk.srt"], "there is no folder nowhere"),
        (["--rate", "8000"], "--rate describes raw samples"),
    ],
)
def test_bad_options(flags: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An option out of range names its value, the limit and the way out."""
    assert part in refused(capsys, "interpret", "x.wav", "--to", "de", *flags)


@pytest.mark.usefixtures("scripted")
def test_full_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A disk that fills up while captions are written is one line that names the file."""
    path = sound(tmp_path / "talk.wav", 9)
    (tmp_path / "full.txt").symlink_to("/dev/full")
    flags = ["--quiet", "--out", tmp_path / "full.txt", "--set", "audio.vad=false"]
    message = refused(capsys, "interpret", path, "--to", "de", *flags)
    assert "full.txt cannot be written: No space left on device" in message


def test_absent_device(capsys: pytest.CaptureFixture[str]) -> None:
    """A microphone that does not exist, or cannot be used at all, is one line."""
    message = refused(capsys, "interpret", "mic:no-such-device", "--to", "de")
    assert "microphone" in message


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_standard_output_on_a_full_disk(unbuffered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that cannot be stored is an error, whether Python notices at once or in the end."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with Path("/dev/full").open("w") as full:
        done = run_alone("packs", stdout=full)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("simulst: error: ")
    assert line.endswith("output cannot be written: No space left on device")
