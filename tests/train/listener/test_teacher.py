"""The teacher: it computes what Whisper's encoder computes, and nothing of it can ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from simulst.audio.torchaudio_shim import load_torchaudio
from simulst.errors import DataError
from simulst.train.listener.features import log_mel
from simulst.train.listener.recordings import read_transcripts
from simulst.train.listener.teacher import TEACHER_WIDTH, Teacher
from simulst.train.listener.waveforms import read_audio

SHARED = Path(__file__).parents[4] / "shared" / "data"
WEIGHTS = SHARED / "teacher" / "whisper_tiny_en_encoder.npz"


def test_it_hears_as_whisper_does(teacher_file: Path) -> None:
    """On a full window it gives what transformers' Whisper encoder gives with the same weights."""
    load_torchaudio()  # transformers imports it, and it may not load by itself
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    teacher = Teacher.read(teacher_file)
    config = transformers.WhisperConfig(
        d_model=384, encoder_layers=4, encoder_attention_heads=6, encoder_ffn_dim=1536
    )
    theirs = transformers.models.whisper.modeling_whisper.WhisperEncoder(config).eval()
    theirs.load_state_dict(dict(teacher.encoder.named_buffers()))
    mel = torch.randn(1, 80, 3000, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs(mel).last_hidden_state
    torch.testing.assert_close(teacher(mel)[0], expected, atol=2e-3, rtol=1e-3)


def test_nothing_of_it_is_kept(teacher_file: Path) -> None:
    """It has no parameters, and its state is empty, so no checkpoint can hold its tensors."""
    teacher = Teacher.read(teacher_file)
    assert not list(teacher.parameters()) and not teacher.state_dict()


def test_standardised_features_are_even(teacher_file: Path) -> None:
    """After measuring, each dimension has about mean 0 and variance 1."""
    teacher = Teacher.read(teacher_file)
    mel = torch.randn(4, 80, 200, generator=torch.Generator().manual_seed(2))
    teacher.measure([mel])
    features = teacher(mel)[0].flatten(0, 1)
    assert features.shape == (400, TEACHER_WIDTH)
    torch.testing.assert_close(features.mean(0), torch.zeros(TEACHER_WIDTH), atol=1e-3, rtol=0)
    torch.testing.assert_close(features.std(0), torch.ones(TEACHER_WIDTH), atol=1e-2, rtol=0)


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A file that is no encoder is named, with the option."""
    path = tmp_path / "other.npz"
    np.savez(path, weights=np.zeros(3))
    with pytest.raises(DataError, match=r"other\.npz.*--teacher"):
        Teacher.read(path)
    with pytest.raises(DataError, match="absent"):
        Teacher.read(tmp_path / "absent.npz")


@pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"no {WEIGHTS}: the data is not on this machine")
def test_windows_need_not_be_padded() -> None:
    """A short window gives nearly the features that it has in 30 s with silence behind it."""
    teacher = Teacher.read(WEIGHTS)
    folder = SHARED / "speech" / "ljspeech" / "dev"
    audios = [read_audio(file) for file, _, _ in read_transcripts(folder)[:2]]
    mels = [torch.from_numpy(log_mel(audio))[None] for audio in audios]
    mels = [mel[..., : mel.shape[2] // 2 * 2] for mel in mels]
    teacher.measure(mels)
    short = teacher(mels[0])[0][0]
    padded = log_mel(np.pad(audios[0], (0, 480_000 - len(audios[0]))))[:, :3000]
    long = teacher(torch.from_numpy(padded)[None])[0][0][: len(short)]
    assert F.cosine_similarity(short, long, dim=-1).mean() > 0.9
    assert F.cosine_similarity(short, long.roll(50, 0), dim=-1).mean() < 0.5
