"""Talks with sound, transcript and reference."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst.corpus import Pair
from simulst.errors import AudioError, ConfigError, DataError
from simulst.rehearsal.talks import check_voice, read_recorded, speak_talks
from simulst.types import SAMPLE_RATE
from tests.rehearsal.conftest import MEANT, SAID, SECONDS, write_talk

needs_flite = pytest.mark.skipif(
    not shutil.which("flite"), reason="flite is not installed: apt-get install flite"
)


def test_a_folder_is_a_talk_or_holds_talks(talk: Path) -> None:
    """Both give the same; other folders are passed over, and the limit counts talks."""
    write_talk(talk.parent / "two")
    (talk.parent / "notes").mkdir()
    found = read_recorded(talk.parent, "en", "de")
    assert [each.name for each in found] == ["one", "two"]
    assert [each.name for each in read_recorded(talk.parent, "en", "de", 1)] == ["one"]
    (alone,) = read_recorded(talk, "en", "de")
    assert alone.sentences == found[0].sentences
    assert alone.sentences == tuple(map(Pair, SAID, MEANT))
    assert len(alone.load()) == SECONDS * SAMPLE_RATE


def test_logs_inside_a_talk_are_no_talks(talk: Path) -> None:
    """What an evaluation wrote into the folder of its talk does not become one."""
    write_talk(talk / "copy")
    assert [each.name for each in read_recorded(talk, "en", "de")] == ["one"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("audio.wav", None, "one has no recording: put one into it"),
        ("other.flac", "", "several recordings .audio.wav, other.flac."),
        ("transcript.en.txt", None, "transcript.en.txt is missing: write what is said"),
        ("reference.de.txt", None, "reference.de.txt is missing: translate transcript.en.txt"),
        ("reference.de.txt", "", "transcript.en.txt has 2 lines and reference.de.txt 0"),
        ("reference.de.txt", "EINS", "has 2 lines and reference.de.txt 1: line n of one must"),
        ("reference.de.txt", "EINS\n\n", "reference.de.txt, line 2 is empty: translate it"),
        ("transcript.en.txt", "- -\nSo.", "'- -' holds no word: leave the line out"),
    ],
)
def test_a_talk_that_lacks_something_is_named(
    talk: Path, name: str, content: str | None, message: str
) -> None:
    """The error names the file and the way out."""
    if content is None:
        (talk / name).unlink()
    else:
        (talk / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_recorded(talk.parent, "en", "de")


def test_text_alone_or_nothing_is_told(talk: Path) -> None:
    """An empty transcript with an empty reference, and a folder without talks."""
    for name in ("transcript.en.txt", "reference.de.txt"):
        (talk / name).write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="transcript.en.txt and reference.de.txt are empty"):
        read_recorded(talk, "en", "de")
    for path in talk.iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"holds no talk: put a recording .* reference.de.txt"):
        read_recorded(talk.parent, "en", "de")


@pytest.mark.parametrize("samples", [0, None])
def test_unreadable_sound_is_told_at_once(talk: Path, samples: int | None) -> None:
    """A damaged recording and an empty one are errors before anything is interpreted."""
    if samples is None:
        (talk / "audio.wav").write_bytes(b"no sound")
    else:
        soundfile.write(talk / "audio.wav", np.zeros(samples), SAMPLE_RATE)
    with pytest.raises(AudioError, match=r"audio\.wav"):
        read_recorded(talk, "en", "de")


@needs_flite
def test_a_sentence_is_spoken_between_quiet() -> None:
    """The margins are silent, the speech between them is not, and it is the same every time."""
    pairs = [Pair("Good morning.", "Guten Morgen.")]
    (talk,) = speak_talks(pairs, "kal", 0, Path("dev.tsv"))
    assert talk.margins is not None and talk.sentences == tuple(pairs)
    before, after = talk.margins
    samples = talk.load()
    assert not samples[:before].any() and not samples[-after:].any()
    assert np.abs(samples[before:-after]).max() > 0.01
    assert len(samples) - before - after > 0.4 * SAMPLE_RATE
    assert np.array_equal(samples, talk.load())


def test_a_voice_that_cannot_speak_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown voice is told with those there are, a missing synthesiser with what to install."""
    with pytest.raises(ConfigError, match="no voice 'hal'; there are slt, .*kal"):
        check_voice("hal")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ConfigError, match="flite, which speaks slt, is not installed: apt-get"):
        check_voice("slt")
    with pytest.raises(DataError, match=r"dev.tsv: '\.\.\.' holds no word"):
        list(speak_talks([Pair("...", "…")], "slt", 0, Path("dev.tsv")))
