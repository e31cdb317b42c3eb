"""The corpus: which shards are learned from, and where word ends are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simulst.train.listener.corpus import KINDS, Corpus
from simulst.train.listener.features import log_mel, write_shard
from tests.train.listener.conftest import TEXTS, tones


def add(folder: Path, name: str, text: str = TEXTS[0]) -> None:
    """A shard of one sentence more."""
    rows = [{"text": text, "talk": 0, "voice": "tones"}]
    write_shard(folder / f"{name}.npy", [log_mel(tones(TEXTS[0]))], rows)


def test_held_out_shards_and_sounds_are_not_learned_from(corpus_folder: Path) -> None:
    """Neither what the training is watched by nor what says nothing is drawn as speech."""
    for name in ("dev-ljspeech", "sounds-0000", "ljspeech-0000"):
        add(corpus_folder, name)
    corpus = Corpus(corpus_folder)
    corpus.refresh()
    assert set(corpus.shards) == {"speech-0000", "ljspeech-0000"}
    assert set(corpus.sounds) == {"sounds-0000"}
    rng = np.random.default_rng(1)
    drawn = [corpus.draw_shard(rng) for _ in range(400)]
    share = KINDS["ljspeech"] / (KINDS["ljspeech"] + KINDS["speech"])
    assert abs(drawn.count("ljspeech-0000") / 400 - share) < 0.06


def test_only_the_shards_of_an_order_are_read(corpus_folder: Path) -> None:
    """A shard that came later is left out of a round that was ordered before."""
    add(corpus_folder, "speech-0001")
    corpus = Corpus(corpus_folder)
    corpus.refresh(("speech-0001",))
    assert set(corpus.shards) == {"speech-0001"}
    corpus.refresh()
    rng = np.random.default_rng(1)
    assert {corpus.draw_shard(rng, names=("speech-0000",)) for _ in range(20)} == {"speech-0000"}


def test_word_ends_are_seen_by_others(corpus_folder: Path) -> None:
    """What one process found out, another reads; unknown sentences stay unknown."""
    ends = [np.array([30, 60, 90]), None, np.array([10])]
    Corpus(corpus_folder).note_word_ends("speech-0000", ends)
    other = Corpus(corpus_folder)
    found = [other.word_ends("speech-0000", row) for row in range(3)]
    assert found[1] is None
    assert [None if row is None else row.tolist() for row in found] == [[30, 60, 90], None, [10]]


def test_sounds_are_as_long_as_asked(corpus_folder: Path) -> None:
    """A sound is cut or repeated; without any there is none."""
    corpus = Corpus(corpus_folder)
    corpus.refresh()
    rng = np.random.default_rng(1)
    assert corpus.draw_sound(rng, 50) is None
    add(corpus_folder, "sounds-0000", "")
    corpus.refresh()
    for frames in (20, 5000):
        sound = corpus.draw_sound(rng, frames)
        assert sound is not None and sound.shape == (frames, 80)


def test_copies_of_recordings_count_once(corpus_folder: Path) -> None:
    """Hours are of what was recorded, not of its copies."""
    add(corpus_folder, "ljspeech-0000")
    add(corpus_folder, "ljspeech-0100")
    corpus = Corpus(corpus_folder)
    corpus.refresh()
    assert corpus.hours()["ljspeech"] == corpus.shards["ljspeech-0000"].seconds / 3600
