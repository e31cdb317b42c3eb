"""The recogniser is the one that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst.asr.opening import open_transcriber, package
from simulst.asr.pocketsphinx import PocketSphinxTranscriber
from simulst.asr.whisper import WhisperTranscriber
from simulst.config import Asr


def test_a_folder_is_a_whisper_model(tiny_whisper: Path) -> None:
    """Packs, folders and sizes are Whisper's."""
    config = Asr(model=str(tiny_whisper))
    assert isinstance(open_transcriber(config), WhisperTranscriber)
    assert package(config) == "faster-whisper"


def test_pocketsphinx_is_asked_for_by_its_name() -> None:
    """One name is none of a pack."""
    pytest.importorskip("pocketsphinx", reason='needs pip install "simulst[pocketsphinx]"')
    config = Asr(model="pocketsphinx")
    assert isinstance(open_transcriber(config), PocketSphinxTranscriber)
    assert package(config) == "pocketsphinx"
