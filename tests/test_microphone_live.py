"""The whole way: speech played to a loudspeaker, captured through PortAudio, interpreted.

One session, as a user would have it, gives what most of the tests look at.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst import cli, packs
from simulst.emit import jsonl
from simulst.types import Samples, Word
from tests.terminals import Window
from tests.virtual import NAME, VirtualMicrophone, missing

LACK = missing()
pytestmark = pytest.mark.skipif(bool(LACK), reason=f"no virtual microphone: {LACK}")

TALK = Path(__file__).parent.parent / "demos" / "talk" / "audio.flac"
CUTS_S = (0.0, 3.8, 7.6, 8.6)  # two sentences, and a second of the third
BLOCK = 800  # samples
HEADER = 100  # bytes; a FLAC file that is longer holds sound
INTERPRET = (sys.executable, "-m", "simulst", "interpret", f"mic:{NAME}", "--to", "de")


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMicrophone]:
    """A microphone that can be spoken into and pulled out."""
    try:
        running = VirtualMicrophone(tmp_path_factory.mktemp("mic"))
    except OSError as error:
        pytest.skip(f"no virtual microphone: {error}")
    yield running
    running.close()


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two of the sample talk and some words, each in a file."""
    paths = []
    for begin, end in pairwise(CUTS_S):
        samples, rate = soundfile.read(
            TALK, round((end - begin) * 16_000), round(begin * 16_000), dtype="int16"
        )
        path = tmp_path_factory.mktemp("sentence") / "sentence.wav"
        soundfile.write(path, samples, rate)
        paths.append(path)
    return paths


@dataclass
class Told:
    """What was left of a session.

    Attributes:
        code: it ended with.
        lines: on the terminal.
        restored: the terminal is as it was.
        heard: samples that were recorded.
        between_s: from the begin of the one sentence to that of the other.
        journal: beside them.
    """

    code: int
    lines: list[str]
    restored: bool
    heard: Samples
    between_s: float
    journal: Path


@pytest.fixture(scope="module")
def told(
    microphone: VirtualMicrophone,
    sentences: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Told:
    """A sentence, some words in a pause, the plug pulled and put in again, a sentence, and q."""
    packs.find("listen-en", "asr")
    folder = tmp_path_factory.mktemp("session")
    words = [*INTERPRET, "--record", str(folder)]
    with Window(words, 80, microphone.environment) as window:
        window.until(lambda: " listening " in window.text, 60)
        begun_s = time.monotonic()
        microphone.play(sentences[0])
        window.press("p")
        window.until(lambda: " paused " in window.text)
        microphone.play(sentences[2])
        window.press(" ")
        window.until(lambda: " listening " in window.text)
        microphone.unplug()
        window.until(lambda: " gone " in window.lines_below("has gone"))
        microphone.plug()
        window.until(lambda: " listening " in window.lines_below("is back after"))
        between_s = time.monotonic() - begun_s
        microphone.play(sentences[1])
        window.press("q")
        code = window.ended()
        (session,) = folder.iterdir()
        heard, _ = soundfile.read(session / "audio.flac", dtype="float32")
        restored = window.settings_now == window.settings and not window.cursor_hidden
        return Told(code, window.lines, restored, heard, between_s, session / "session.jsonl")


def find(whole: Samples, path: Path) -> tuple[int, float]:
    """Where in the whole a sound begins, and which share of its blocks is there bit for bit."""
    played, _ = soundfile.read(path, dtype="float32")
    begins = range(0, len(played) - BLOCK, BLOCK)
    blocks = {at: played[at : at + BLOCK] for at in begins if played[at : at + BLOCK].any()}
    places = {at: whole.tobytes().find(block.tobytes()) for at, block in blocks.items()}
    offsets = sorted(place // 4 - at for at, place in places.items() if place >= 0)
    return (offsets[len(offsets) // 2], len(offsets) / len(blocks)) if offsets else (-1, 0.0)


def test_the_session_ends_in_order(told: Told) -> None:
    """After q the exit code is 0, the terminal as it was, and the figures stand below the words."""
    assert told.code == 0
    assert told.restored
    assert "real-time factor" in "".join(told.lines)
    assert not any("Traceback" in line or "Expression" in line for line in told.lines)


def test_what_was_played_is_what_was_heard(told: Told, sentences: list[Path]) -> None:
    """Bit for bit, on both sides of the gap; the pause and the gap are silence.

    The sound server itself may lose a little of it where the machine is overloaded.
    """
    (_, first), (_, second), (_, paused) = (find(told.heard, path) for path in sentences)
    assert min(first, second) > 0.9
    assert paused < 0.1
    played = [soundfile.read(path, dtype="float32")[0] for path in sentences[:2]]
    loud = sum(map(np.count_nonzero, played))
    assert np.count_nonzero(told.heard) == pytest.approx(loud, rel=0.1)


def test_the_words_are_those_of_the_file(told: Told, tmp_path: Path) -> None:
    """Words, times, emissions and their delays are those of the same sound from a file."""
    soundfile.write(tmp_path / "talk.wav", told.heard, 16_000, subtype="PCM_16")
    out = tmp_path / "talk.jsonl"
    words = ["interpret", str(tmp_path / "talk.wav"), "--to", "de", "--quiet", "--out", str(out)]
    assert cli.main(words) == 0
    live, file = list(jsonl.read(told.journal)), list(jsonl.read(out))
    committed = [item for update in live for item in update.committed]
    assert committed == [item for update in file for item in update.committed]
    written = [(unit.text, unit.delay, unit.spoken) for u in live for unit in u.emissions]
    assert written == [(unit.text, unit.delay, unit.spoken) for u in file for unit in u.emissions]
    assert sum(isinstance(item, Word) for item in committed) > 15
    assert len(written) > 15


def test_words_and_translation_stand_side_by_side(told: Told) -> None:
    """The panes hold the journal's words, within 80 columns, and end with the last of them."""
    updates = list(jsonl.read(told.journal))
    panes = [line.partition("│") for line in told.lines if "│" in line]
    heard = " ".join(" ".join(left.split()) for left, _, _ in panes).split()
    shown = " ".join(" ".join(right.split()) for _, _, right in panes).split()
    words = [item.text for u in updates for item in u.committed if isinstance(item, Word)]
    assert heard == ["en", *words]
    assert shown == ["de", *(unit.text for u in updates for unit in u.emissions)]
    assert all(left.rstrip() == left[:38].rstrip() for left, _, _ in panes)


def test_the_clock_went_on_through_the_gaps(told: Told, sentences: list[Path]) -> None:
    """The second sentence stands in the recording where it was spoken, seconds later."""
    first, second = (find(told.heard, path)[0] / 16_000 for path in sentences[:2])
    assert second - first == pytest.approx(told.between_s, abs=1.5)
    assert told.between_s > 6


def test_the_user_is_told_of_the_plug(told: Told) -> None:
    """It went, and it came back: a line each."""
    lines = [line for line in told.lines if line.startswith(f"microphone '{NAME}'")]
    assert [line.split("' ")[1].split(" after")[0] for line in lines] == [
        "has gone: it is waited for",
        "is back",
    ]


def test_a_pipe_gets_lines_and_a_signal_ends_it(
    microphone: VirtualMicrophone, sentences: list[Path], tmp_path: Path
) -> None:
    """Without a terminal the words come as lines, and Ctrl-C's signal brings the last ones."""
    packs.find("listen-en", "asr")
    with subprocess.Popen(
        [*INTERPRET, "--record", str(tmp_path)],
        env=microphone.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            end_s = time.monotonic() + 60
            while not any(path.stat().st_size > HEADER for path in tmp_path.glob("*/audio.flac")):
                assert process.poll() is None and time.monotonic() < end_s
                time.sleep(0.1)
            microphone.play(sentences[0])
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    (journal,) = tmp_path.glob("*/session.jsonl")
    updates = list(jsonl.read(journal))
    words = [item.text for u in updates for item in u.committed if isinstance(item, Word)]
    lines = out.splitlines()
    assert [line[:4] for line in lines] == ["en  ", "de  "] * (len(lines) // 2)
    assert " ".join(line[4:] for line in lines[::2]).split() == words
    assert len(words) > 3  # of eight
    assert "real-time factor" in err
    assert "Expression" not in err


def test_devices_are_listed(microphone: VirtualMicrophone) -> None:
    """`simulst devices` shows the names that `mic:DEVICE` takes."""
    done = subprocess.run(
        [sys.executable, "-m", "simulst", "devices"],
        env=microphone.environment,
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert any(line.split()[1] == NAME for line in done.stdout.splitlines() if line[0] == " ")
    assert sum(line.startswith("*") for line in done.stdout.splitlines()) == 1


def test_a_microphone_that_is_not_there_is_named(microphone: VirtualMicrophone) -> None:
    """An unknown one costs one line, which lists those that are there."""
    done = subprocess.run(
        [*INTERPRET[:4], "mic:gramophone", "--to", "de"],
        env=microphone.environment,
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "there is no microphone 'gramophone'" in line
    assert NAME in line
