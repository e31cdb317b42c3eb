"""Sounds without words: babble and music, and that windows of them teach nothing said."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from simulst.train.listener.corpus import Corpus
from simulst.train.listener.features import SAMPLE_RATE, Shard
from simulst.train.listener.sounds import babble, make_sounds, music
from simulst.train.listener.windows import Drawing, draw_window
from tests.train.listener.conftest import tones


def test_babble_is_many_voices() -> None:
    """It has the length asked for, no gaps, and follows from its seed."""
    voices = [tones("Low high dark."), tones("sweet sweet"), tones("dark high")]
    one, two = (babble(voices, 3.0, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert len(one) == 3 * SAMPLE_RATE
    loud = np.sqrt((one.reshape(30, -1) ** 2).mean(1))
    assert loud.min() > 0.1 * loud.max() and np.abs(one).max() < 1.5


def test_music_is_heard() -> None:
    """Its level is that of speech, and it is not the same twice."""
    rng = np.random.default_rng(1)
    one, two = music(2.0, rng), music(2.0, rng)
    assert len(one) == 2 * SAMPLE_RATE and 0.29 < np.abs(one).max() < 0.31
    assert not np.allclose(one, two)


def test_windows_of_sounds_say_nothing(corpus_folder: Path) -> None:
    """Windows without speech have no text and hold sounds, noise and silence."""
    if not shutil.which("flite"):
        pytest.skip("flite is not installed: apt-get install flite espeak-ng")
    path = corpus_folder / "sounds-0000.npy"
    make_sounds(path, ["We see the sea.", "She reads."], ["slt"], seed=1, seconds=80)
    shard = Shard.read(path)
    assert set(shard.texts) == {""} and set(shard.voices) == {"babble", "music"}
    corpus = Corpus(corpus_folder)
    corpus.refresh()
    rng = np.random.default_rng(2)
    windows = [draw_window(corpus, rng, Drawing(4.0)) for _ in range(400)]
    empty = [window for window in windows if not window.text]
    assert 5 <= len(empty) <= 60
    assert len({round(float(np.std(window.features)), 3) for window in empty}) > 4
