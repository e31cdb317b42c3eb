"""Forced alignment: when the words of the sample talk were spoken."""

from __future__ import annotations

import importlib.util
import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst.asr.forced import Aligner, open_aligner, spread
from simulst.errors import DataError, ModelError
from simulst.types import SAMPLE_RATE, Samples, Word

TALK = Path(__file__).parents[2] / "demos" / "talk"

needs_pocketsphinx = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None,
    reason='needs pip install "simulst[pocketsphinx]"',
)


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    """With the models that PocketSphinx brings."""
    return open_aligner("en")


@pytest.fixture(scope="module")
def samples() -> Samples:
    """The sound of the sample talk."""
    found: Samples = soundfile.read(TALK / "audio.flac", dtype="float32")[0]
    return found


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What is said in it."""
    return (TALK / "transcript.en.txt").read_text(encoding="utf-8").splitlines()


@needs_pocketsphinx
def test_sentences_are_found_where_they_are(
    aligner: Aligner, samples: Samples, lines: list[str]
) -> None:
    """They begin and end within 100 ms of their known times; every word has a place of its own."""
    found = aligner.align(lines, samples)
    assert [" ".join(word.text for word in words) for words in found] == lines
    flat = [word for words in found for word in words]
    assert all(a.start < a.end <= b.start for a, b in pairwise(flat))
    assert flat[-1].end <= len(samples)
    known = json.loads((TALK / "segments.json").read_text(encoding="utf-8"))
    for words, times in zip(found, known, strict=True):
        assert words[0].start / SAMPLE_RATE == pytest.approx(times["offset"], abs=0.1)
        end_s = times["offset"] + times["duration"]
        assert words[-1].end / SAMPLE_RATE == pytest.approx(end_s, abs=0.1)


@needs_pocketsphinx
def test_strange_words_and_marks_do_not_hinder(
    aligner: Aligner, samples: Samples, lines: list[str]
) -> None:
    """Words of other scripts share a neighbour's time, lone marks go, all others keep theirs."""
    end = 4 * SAMPLE_RATE
    plain = aligner.align(lines[:1], samples[:end])[0]
    first, *rest = lines[0].split()
    strange = aligner.align([f"{first} – 北京 {' '.join(rest)} !"], samples[:end])[0]
    assert [word.text for word in strange] == [first, "北京", *rest[:-1], rest[-1] + "!"]
    assert strange[0] == plain[0]
    assert (strange[1].start, strange[2].end) == (plain[1].start, plain[1].end)
    assert [(w.start, w.end) for w in strange[3:]] == [(w.start, w.end) for w in plain[2:]]


@needs_pocketsphinx
@pytest.mark.parametrize("text", ["", "all of it backwards"])
def test_other_text_is_refused(
    aligner: Aligner, samples: Samples, lines: list[str], text: str
) -> None:
    """A transcript that is not of the sound has no times, nor one without any letter known."""
    said = " ".join(" ".join(lines).split()[::-1]) if text else "北京"
    with pytest.raises(DataError, match="is this what is said in it"):
        aligner.align([said], samples[: 5 * SAMPLE_RATE])


def test_without_pocketsphinx_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install, or which languages there are."""
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(ModelError, match=r"pip install \"simulst\[pocketsphinx\]\""):
        open_aligner("en")
    with pytest.raises(ModelError, match="serves en, not de"):
        open_aligner("de")


def test_words_are_spread_by_their_letters() -> None:
    """The longer word gets the more time, and together they fill all of it."""
    assert spread("Oh – behold", 100, 900) == (Word("Oh", 100, 300), Word("behold", 300, 900))


class Segment:
    """A piece of a path through the sound."""

    def __init__(self, word: str, start: int, end: int) -> None:
        self.word, self.start_frame, self.end_frame = word, start, end


class HastyDecoder:
    """Finds every word three frames after the one before."""

    def lookup_word(self, word: str) -> str:
        return "B IY T"

    def set_align_text(self, text: str) -> None:
        self.words = text.split()

    def seg(self) -> list[Segment]:
        return [Segment(word, 3 * i, 3 * i + 2) for i, word in enumerate(self.words)]

    def __getattr__(self, name: str) -> object:
        return lambda *args, **kwargs: None


def test_a_path_that_nobody_can_speak_is_refused() -> None:
    """Words as short as their phones allow were forced into the sound."""
    with pytest.raises(DataError, match="4 of 4 words would have to be spoken faster"):
        Aligner(iter([HastyDecoder()])).align(["one two three four"], np.zeros(16000, np.float32))
