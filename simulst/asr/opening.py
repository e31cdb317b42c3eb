"""Which recogniser listens: the one that the configuration names."""

from __future__ import annotations

from simulst.asr.pocketsphinx import open_pocketsphinx
from simulst.asr.whisper import open_whisper
from simulst.config import Asr
from simulst.protocols import Transcriber

__all__ = ["open_transcriber", "package"]

_POCKETSPHINX = "pocketsphinx"
"""In place of the name of a pack; every other name means a Whisper model."""


def open_transcriber(config: Asr) -> Transcriber:
    """Load the recogniser that the configuration names.

    Raises:
        ModelError: it is not installed, damaged, or does not serve the language.
        ConfigError: settings that it does not have.
    """
    if config.model == _POCKETSPHINX:
        return open_pocketsphinx(config)
    return open_whisper(config)


def package(config: Asr) -> str:
    """The distribution that recognises, whose version a log must say."""
    return "pocketsphinx" if config.model == _POCKETSPHINX else "faster-whisper"
