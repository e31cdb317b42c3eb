"""Windows: boundaries, cuts, silence, determinism."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from simulst.errors import DataError
from simulst.train.listener.augmentation import FLOOR, stretch, to_features, to_log_power
from simulst.train.listener.batches import IGNORED, batch_windows, label_spans, make_batch
from simulst.train.listener.corpus import Corpus
from simulst.train.listener.features import MELS, Shard, log_mel, phone_labels
from simulst.train.listener.tokenizer import special_id
from simulst.train.listener.windows import Drawing, Window, draw_windows, heard, join
from tests.train.listener.conftest import TEXTS, tones


def read(folder: Path) -> Corpus:
    """The corpus of a folder."""
    corpus = Corpus(folder)
    corpus.refresh()
    return corpus


def draw(corpus: Corpus, seed: int, number: int = 0) -> list[Window]:
    """A minute of windows of up to five seconds."""
    return draw_windows(corpus, seed, number, seconds=60.0, drawing=Drawing(5.0, change=0.5))


def test_a_shard_comes_back(corpus_folder: Path) -> None:
    """Features, texts and offsets are read as they were written, half precision apart."""
    shard = Shard.read(corpus_folder / "speech-0000.npy")
    assert shard.texts == TEXTS
    mel = log_mel(tones(TEXTS[1]))
    stored = shard.features[shard.offsets[1] : shard.offsets[2]]
    np.testing.assert_allclose(stored, mel.T, atol=1e-3)
    assert not shard.labelled


def test_joined_windows_keep_boundaries() -> None:
    """Each sentence lies unchanged where `join` says it ends."""
    rng = np.random.default_rng(1)
    parts = [rng.normal(0, 1, (n, MELS)).astype(np.float32) for n in (30, 50)]
    joined, ends = join(parts, [5, 10, 7], rng)
    assert len(joined) == 102 and ends == [35, 95]
    for part, end in zip(parts, ends, strict=True):
        np.testing.assert_array_equal(joined[end - len(part) : end], part)
    assert joined[:5].max() < max(part.max() for part in parts) - 2.0


def test_a_cut_sentence_keeps_the_words_heard_whole() -> None:
    """Words that end behind the cut are dropped, and so are the marks at the edge."""
    ends = np.array([20, 50, 90])
    assert heard("One, two, three.", ends, 60) == "One, two"
    assert heard("One, two, three.", ends, 70) == "One, two,"
    assert heard("One, two, three.", ends, 10) == ""
    assert heard("One, two, three.", ends, 94) == "One, two, three"


def test_a_round_follows_from_its_seed(corpus_folder: Path) -> None:
    """The same seed and round draw the same windows, another round others."""
    corpus = read(corpus_folder)
    first, again, other = draw(corpus, 1), draw(corpus, 1), draw(corpus, 1, 1)
    assert [w.text for w in first] == [w.text for w in again]
    np.testing.assert_array_equal(first[3].features, again[3].features)
    assert [len(w.features) for w in first] != [len(w.features) for w in other]


def test_labels_stay_with_their_frames(corpus_folder: Path) -> None:
    """There is a phone label for every frame, whatever was stretched, joined or cut."""
    assert all(len(w.phones) == len(w.features) for w in draw(read(corpus_folder), 2))
    labels = phone_labels([("pau", 3), ("aa", 7)], 10)
    assert labels.tolist() == [0] * 3 + [1] * 4 + [0] * 3


def test_tempo_changes_length_only() -> None:
    """A stretched window is longer and ends on the same sounds."""
    mel = np.linspace(0, 1, 100, dtype=np.float32)[:, None] * np.ones(MELS, np.float32)
    slow = stretch(mel, 1.2)
    assert len(slow) == 120
    np.testing.assert_allclose(slow[[0, -1]], mel[[0, -1]])


def test_features_and_power_are_inverse() -> None:
    """Log power comes back as the features it was made from."""
    mel = log_mel(tones(TEXTS[0])).T
    np.testing.assert_allclose(to_features(to_log_power(mel)), mel, atol=1e-5)
    assert to_log_power(mel).min() + 8 > FLOOR


def test_silence_expects_no_speech(tokenizer: Tokenizer) -> None:
    """A window without text teaches `<|nospeech|>` and then the end; speech forces no times."""
    zeros, ones = np.zeros((40, MELS), np.float32), np.ones((38, MELS), np.float32)
    quiet = Window(zeros, zeros, np.full(40, -1, np.int8), "")
    said = Window(ones, ones, np.full(38, 2, np.int8), "Low dark.")
    batch = make_batch([quiet, said], tokenizer, 50, zeros=True)
    start, bare, end, silent = (
        special_id(tokenizer, f"<|{name}|>")
        for name in ("startoftranscript", "notimestamps", "endoftext", "nospeech")
    )
    assert batch.mel.shape == (2, MELS, 50)
    assert batch.tokens[:, :2].tolist() == [[start, bare], [start, bare]]
    assert batch.targets[0].tolist()[:3] == [silent, end, IGNORED]
    assert batch.targets[1, 0] == bare and batch.targets[1, -1] == end
    assert batch.letter_counts.tolist() == [0, len("low dark")]
    assert batch.lengths.tolist() == [20, 19] and batch.clean.numel() == 0
    assert batch.phones[0].tolist() == [IGNORED] * 25
    assert batch.phones[1].tolist() == [2] * 19 + [IGNORED] * 6


def test_some_batches_are_padded_to_thirty_seconds(
    corpus_folder: Path, tokenizer: Tokenizer
) -> None:
    """With a padded share of one, every batch has Whisper's 3,000 frames."""
    windows = draw(read(corpus_folder), 3)
    rng = np.random.default_rng(1)
    for share, frames in ((1.0, {3000}), (0.0, set(range(20, 900, 2)))):
        batches = batch_windows(windows, tokenizer, rng, batch_s=30.0, padded_share=share)
        assert {batch.mel.shape[2] for batch in batches} <= frames


def test_pieces_know_their_letters() -> None:
    """Each piece of a text leads to the CTC labels that spell it; a mark leads to none."""
    text = "Well-known, isn't it?"
    offsets = [(0, 5), (5, 6), (6, 11), (11, 12), (12, 18), (18, 21), (21, 22)]
    spans = label_spans(text, offsets)
    none = (-1, -1)
    assert spans == [(0, 3), none, (5, 9), none, (11, 15), (17, 18), none]


def test_an_empty_corpus_is_named(tmp_path: Path) -> None:
    """Training before synthesis says that the corpus is missing."""
    with pytest.raises(DataError, match="no shards"):
        read(tmp_path)
