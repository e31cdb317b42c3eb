"""What the tests of the listener recipe share: two words made of tones, and a corpus of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="session")
def teacher_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the form of Whisper tiny.en's encoder, under OpenAI's names."""
    rng = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "conv1.weight": (384, 80, 3),
        "conv1.bias": (384,),
        "conv2.weight": (384, 384, 3),
        "conv2.bias": (384,),
        "positional_embedding": (1500, 384),
        "ln_post.weight": (384,),
        "ln_post.bias": (384,),
    }
    for block in range(4):
        for part in ("query", "key", "value", "out"):
            shapes[f"blocks.{block}.attn.{part}.weight"] = (384, 384)
            if part != "key":
                shapes[f"blocks.{block}.attn.{part}.bias"] = (384,)
        for part in ("attn_ln", "mlp_ln"):
            shapes |= {f"blocks.{block}.{part}.{kind}": (384,) for kind in ("weight", "bias")}
        shapes[f"blocks.{block}.mlp.0.weight"] = (1536, 384)
        shapes[f"blocks.{block}.mlp.0.bias"] = (1536,)
        shapes[f"blocks.{block}.mlp.2.weight"] = (384, 1536)
        shapes[f"blocks.{block}.mlp.2.bias"] = (384,)
    tensors: dict[str, Any] = {
        f"encoder.{name}": (rng.normal(0, 0.05, shape) + ("ln" in name)).astype(np.float16)
        for name, shape in shapes.items()
    }
    path = tmp_path_factory.mktemp("teacher") / "teacher.npz"
    np.savez(path, **tensors)
    return path
