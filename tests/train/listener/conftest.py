"""What the tests of the listener recipe share: two words made of tones, and a corpus of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tokenizers import Tokenizer

from simulst.train.listener.features import SAMPLE_RATE, log_mel, write_shard
from simulst.train.listener.tokenizer import train_tokenizer

PITCHES = {"Low": 300.0, "high": 1200.0, "sweet": 2500.0, "dark": 600.0}
TEXTS = ["Low high dark.", "Low sweet high.", "Low dark."]


def tones(text: str) -> npt.NDArray[np.float32]:
    """A quarter of a second of tone for each word, and silence between them: (samples,)."""
    times = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    quiet = np.zeros(SAMPLE_RATE // 10)
    parts = [quiet]
    for word in text.strip(".").split():
        parts += [0.3 * np.sin(2 * np.pi * PITCHES[word] * times), quiet]
    return np.concatenate(parts).astype(np.float32)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """Single bytes and a few pieces."""
    return train_tokenizer(TEXTS, 270)


@pytest.fixture
def corpus_folder(tmp_path: Path) -> Path:
    """One shard: a talk of three sentences."""
    folder = tmp_path / "corpus"
    rows = [{"text": text, "talk": 0, "voice": "tones"} for text in TEXTS]
    write_shard(folder / "speech-0000.npy", [log_mel(tones(text)) for text in TEXTS], rows)
    return folder
