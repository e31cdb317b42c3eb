"""The recogniser is the one that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst.asr.hotwords import HotwordTranscriber
from simulst.asr.opening import open_transcriber, package
from simulst.asr.pocketsphinx import PocketSphinxTranscriber
from simulst.asr.whisper import WhisperTranscriber
from simulst.config import Asr


def test_a_folder_is_a_whisper_model(tiny_whisper: Path) -> None:
    """Packs, folders and sizes are Whisper's."""
    config = Asr(model=str(tiny_whisper))
    assert isinstance(open_transcriber(config), WhisperTranscriber)
    assert package(config) == "faster-whisper"


def test_terms_bias_as_the_model_allows(tiny_whisper: Path) -> None:
    """Padded windows have a prompt; windows of any length are corrected."""
    names = [("New", "Delhi")]
    padded = open_transcriber(Asr(model=str(tiny_whisper), run="padded"), names)
    assert isinstance(padded, WhisperTranscriber) and padded._prompt == "New Delhi"
    windowed = open_transcriber(Asr(model=str(tiny_whisper), run="windowed"), names)
    assert isinstance(windowed, HotwordTranscriber)
    assert isinstance(windowed.transcriber, WhisperTranscriber)
    assert not windowed.transcriber._prompt


def test_pocketsphinx_is_asked_for_by_its_name() -> None:
    """One name is none of a pack."""
    pytest.importorskip("pocketsphinx", reason='needs pip install "simulst[pocketsphinx]"')
    config = Asr(model="pocketsphinx")
    assert isinstance(open_transcriber(config), PocketSphinxTranscriber)
    assert package(config) == "pocketsphinx"
