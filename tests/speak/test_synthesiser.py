"""Programs that speak, and those that do not."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst.config import Speak
from simulst.errors import SpeechError
from simulst.speak.sound import RATE
from simulst.speak.synthesiser import Synthesiser, espeak_voice
from tests.speak.programs import gone, playing, python, tone

TELLS = "import sys; open(sys.argv[1], 'w').write(repr([sys.argv[2:], sys.stdin.read()]));"
SOUNDS = "sys.stdout.buffer.write(b'\\0\\x40' * 2205)"
needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"
)


def fails(settings: Speak, message: str) -> SpeechError:
    """The error of a program on an ordinary text."""
    with pytest.raises(SpeechError, match=message) as caught:
        Synthesiser(settings, "de").speak("Guten Tag", 175)
    return caught.value


# -- programs that speak ---------------------------------------------------------------------


@needs_espeak
def test_espeak_speaks_german() -> None:
    """espeak-ng gives speech of a likely length, faster at a higher rate, and in no other voice."""
    text = "Guten Morgen, meine Damen und Herren, wir beginnen."
    german = Synthesiser(Speak(), "de")
    usual, fast = german.speak(text, 175), german.speak(text, 260)
    assert 2.0 < len(usual) / RATE < 4.5  # eight words at 175 a minute are 2.7 s
    assert 0.55 < len(fast) / len(usual) < 0.8
    assert np.abs(usual).max() > 0.1
    speech = np.abs(usual) > 0.01
    assert speech[: RATE // 10].any() and speech[-RATE // 10 :].any()  # no pauses at its ends
    english = Synthesiser(Speak(), "en").speak(text, 175)
    named = Synthesiser(Speak(voice="de"), "en").speak(text, 175)
    assert len(english) != len(usual)
    np.testing.assert_array_equal(named, usual)


@needs_espeak
def test_espeak_knows_the_languages_by_their_codes() -> None:
    """Codes of ISO 639-1 and regions are taken; one that has no voice is an error that says so."""
    for language in ("zh", "no", "nn", "pt-BR", "iw"):
        assert len(Synthesiser(Speak(), language).speak("1 2 3", 300))
    assert espeak_voice("de_AT") == "de-at"
    with pytest.raises(SpeechError, match=r"voice does not exist.*speak\.voice"):
        Synthesiser(Speak(), "qx").speak("hm", 175)


def test_a_command_gets_text_on_its_standard_input(tmp_path: Path) -> None:
    """A line of UTF-8; raw samples come back at the rate that the settings name."""
    told = tmp_path / "told"
    command = python(TELLS + SOUNDS, str(told), "{voice}", "-r{rate}", "{speed}", "{length}")
    settings = Speak(command=command, voice="thorsten", raw_rate=22_050, rate=160)
    sound = Synthesiser(settings, "de").speak(" Schöne\n Grüße,  {rate} ", 200)
    arguments, given = eval(told.read_text())
    assert arguments == ["thorsten", "-r200", "1.250", "0.800"]
    assert given == "Schöne Grüße, {rate}\n"
    assert len(sound) == RATE // 10
    np.testing.assert_allclose(sound[200:-200], 0.5, atol=0.01)


def test_a_command_gets_text_as_an_argument(tmp_path: Path) -> None:
    """Text is one argument, whatever is in it: no shell reads it, and it is no option."""
    told = tmp_path / "told"
    settings = Speak(
        command=python(TELLS + SOUNDS, str(told), "--say={text}", "{language}"), raw_rate=22_050
    )
    voice = Synthesiser(settings, "de")
    for text in ("$(touch x); 'a' \"b\" | c", "-v en", "{voice}"):
        voice.speak(text, 175)
        (argument, language), given = eval(told.read_text())
        assert language == "de"
        assert argument.removeprefix("--say=").strip() == text
        assert not argument.removeprefix("--say=").startswith("-")
        assert given == ""
    voice.speak("null\0byte \ud800", 175)
    assert eval(told.read_text())[0] == ["--say=null byte ?", "de"]


def test_sound_files_of_any_kind_are_read(tmp_path: Path) -> None:
    """Stereo FLAC at another rate is mixed and resampled."""
    both = np.stack([tone(0.4, 44_100), np.zeros(17_640, np.float32)], axis=1)
    soundfile.write(tmp_path / "x.flac", both, 44_100)
    sound = Synthesiser(Speak(command=f"cat {tmp_path / 'x.flac'}"), "de").speak("ja", 175)
    assert len(sound) == round(0.4 * RATE)
    np.testing.assert_allclose(sound[500:-500], tone(0.4, RATE)[500:-500] / 2, atol=0.01)


def test_several_threads_may_speak(tmp_path: Path) -> None:
    """One synthesiser serves them all, each with its own process."""
    voice = Synthesiser(Speak(command=playing(tmp_path)), "de")
    lengths: list[int] = []
    threads = [
        threading.Thread(target=lambda: lengths.append(len(voice.speak("ja", 175))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert lengths == [RATE // 2] * 4


# -- programs that do not --------------------------------------------------------------------


def test_a_program_that_is_missing() -> None:
    """The error says what to install, or which setting names it; trying again is of no use."""
    assert fails(
        Speak(command="no-such-voice --fast"), "no-such-voice cannot be run.*command"
    ).lasting
    voice = Synthesiser(Speak(command="no-such-voice"), "de")
    with pytest.raises(SpeechError, match="no-such-voice cannot be run"):
        voice.check()


def test_espeak_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any configuration the way out is to install espeak-ng."""
    monkeypatch.setenv("PATH", "/nowhere")
    fails(Speak(), "espeak-ng cannot be run.*apt install espeak-ng.*speak.command")
    with pytest.raises(SpeechError, match="apt install espeak-ng"):
        Synthesiser(Speak(), "de").check()


def test_a_program_that_may_not_be_run(tmp_path: Path) -> None:
    """A file that is no program is named."""
    (tmp_path / "voice").write_text("hello")
    fails(Speak(command=str(tmp_path / "voice")), "voice cannot be run: Permission denied")


def test_a_program_that_fails() -> None:
    """Exit code and last complaint are told, however much it complained."""
    loud = "import sys; sys.stderr.write('x' * 300000 + '\\nno model\\n\\n'); sys.exit(3)"
    error = fails(Speak(command=python(loud)), "failed with exit code 3: no model; see to")
    assert not error.lasting and len(str(error)) < 300


def test_a_program_that_crashes() -> None:
    """What ends by a signal is told by its number, though it had written something."""
    crash = "import os; os.write(1, b'RIFF'); os.kill(os.getpid(), 11)"
    fails(Speak(command=python(crash)), "was killed by signal 11")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print('usage: voice')", r"13 bytes that are no WAV.*speak\.raw_rate"),
        ("pass", "0 bytes that are no WAV"),
        ("import os; os.write(1, b'RIFF\\0\\0\\0\\0WAVEfmt ')", "no WAV"),
    ],
)
def test_a_program_that_writes_garbage(code: str, message: str) -> None:
    """What is no sound is not played as if it were."""
    fails(Speak(command=python(code)), message)


def test_a_program_that_writes_no_samples() -> None:
    """Silence without any length is an error, for raw samples too."""
    fails(Speak(command=python("pass"), raw_rate=16_000), "wrote no sound")
    fails(Speak(command=python("print(end='x')"), raw_rate=16_000), "wrote no sound")


def test_a_program_that_writes_without_end() -> None:
    """It is killed before it fills the memory."""
    fails(Speak(command="cat /dev/zero", raw_rate=16_000), "wrote more than 16777216 bytes")


@pytest.mark.parametrize("how", ["silent", "closed", "writing"])
def test_a_program_that_hangs(tmp_path: Path, how: str) -> None:
    """It is killed when its time is over, with all that it has started."""
    noted = tmp_path / "processes"
    does = {
        "silent": "",
        "closed": "os.close(1); os.close(2);",
        "writing": "os.write(1, b'RIFF');",
    }[how]
    hang = (
        "import os, sys, time; both = os.getpid(), os.fork();"
        f"both[1] and open(sys.argv[1], 'w').write('%d %d' % both); {does} time.sleep(60)"
    )
    settings = Speak(command=python(hang, str(noted)), timeout_s=1.0)
    error = fails(settings, r"took more than 1 s and was killed.*speak\.timeout_s")
    assert not error.lasting
    assert all(gone(int(process)) for process in noted.read_text().split())


def test_a_program_that_is_not_wanted_any_more() -> None:
    """It is killed soon after that is said, by another thread."""
    unwanted = threading.Event()
    threading.Timer(0.2, unwanted.set).start()
    voice = Synthesiser(Speak(command="sleep 60", timeout_s=60), "de")
    begun_s = time.monotonic()
    with pytest.raises(SpeechError, match="not wanted any more"):
        voice.speak("ja", 175, unwanted)
    assert time.monotonic() - begun_s < 30  # a tenth of a second, where nothing else runs


def open_files() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_file_stays_open(tmp_path: Path) -> None:
    """Neither success nor failure leaves a pipe."""
    good = Synthesiser(Speak(command=playing(tmp_path)), "de")
    good.speak("ja", 175)
    before = open_files()
    good.speak("ja", 175)
    fails(Speak(command="false"), "exit code 1")
    fails(Speak(command="sleep 60", timeout_s=0.2), "killed")
    fails(Speak(command="no-such-voice"), "cannot be run")
    assert open_files() == before
