"""Talks without text are listened to, once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst import packs
from simulst.errors import DataError
from simulst.finetune.hearing import sentences_of

TALK = Path(__file__).parents[2] / "demos" / "talk" / "audio.flac"
LANGUAGES = ("en", "de")


def test_a_recording_is_heard_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the shipped listener recognises becomes sentences, and is kept for the next run."""
    packs.find("listen-en", "asr")
    (tmp_path / "talks").mkdir()
    shutil.copy(TALK, tmp_path / "talks")
    runs = [
        list(sentences_of([tmp_path / "talks"], LANGUAGES, heard=tmp_path / "heard"))
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert 5 <= len(runs[0]) <= 10
    assert runs[0][0].source.lower().startswith("good morning")
    assert capsys.readouterr().err.count("listening to") == 1


def test_a_silent_recording_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recording without speech is named; with no other talk there is nothing to learn from."""
    soundfile.write(tmp_path / "silence.wav", np.zeros(16_000), 16_000)
    with pytest.raises(DataError, match="holds no talk"):
        list(sentences_of([tmp_path], LANGUAGES, heard=tmp_path / "heard"))
    assert "silence.wav: no speech was recognised; it is left out" in capsys.readouterr().err
