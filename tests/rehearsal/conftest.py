"""A talk of two sentences with a script in place of its sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst.accept import rules
from simulst.config import Config
from simulst.rehearsal.lines import Lines
from simulst.types import SAMPLE_RATE, Word
from tests.evaluate.fakes import ShoutingTranslator
from tests.fakes import ScriptedTranscriber

SAID = ("The house stands here.", "We all meet again tomorrow.")
MEANT = ("THE HOUSE STANDS HERE.", "WE ALL MEET AGAIN MORGEN.")
SECONDS = 7


def script() -> list[list[Word]]:
    """The words of the sentences: one every 0.5 s from 0.5 s on, a pause of a second between."""
    sentences, at = [], 0.5
    for sentence in SAID:
        words = []
        for text in sentence.split():
            start = round(at * SAMPLE_RATE)
            words.append(Word(text, start, start + 6400))
            at += 0.5
        sentences.append(words)
        at += 1
    return sentences


def write_talk(folder: Path) -> Path:
    """The folder of a talk, whose sound is noise."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0).normal(0, 0.1, SECONDS * SAMPLE_RATE)
    soundfile.write(folder / "audio.wav", noise, SAMPLE_RATE)
    (folder / "transcript.en.txt").write_text("\n".join(SAID), encoding="utf-8")
    (folder / "reference.de.txt").write_text("\n".join(MEANT), encoding="utf-8")
    return folder


def shouting_lines(config: Config, heard: list[Word]) -> Lines:
    """The real lines without a voice gate, over a scripted recogniser and a shouting translator."""
    config = replace(config, audio=replace(config.audio, vad=False))
    return Lines(
        config,
        ScriptedTranscriber(heard),
        ShoutingTranslator(),
        rules.build(config.accept),
        None,
        {"asr": "script", "translator": "shout"},
    )


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A recorded talk."""
    return write_talk(tmp_path / "talks" / "one")


@pytest.fixture
def misheard() -> list[Word]:
    """The script, of which one word is heard as another, and one is missed."""
    words = [word for sentence in script() for word in sentence]
    return [replace(word, text="mouse") if word.text == "house" else word for word in words[:-1]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, misheard: list[Word]) -> Callable[[list[Word]], None]:
    """Loading gives the scripted lines; they hear what the test says, else what is misheard."""

    def hear(words: list[Word]) -> None:
        monkeypatch.setattr(
            "simulst.rehearsal.lines.open_lines",
            lambda config, target: shouting_lines(config, words),
        )

    hear(misheard)
    return hear
