"""Which recogniser listens: the one that the configuration names."""

from __future__ import annotations

from collections.abc import Sequence

from simulst.asr.hotwords import HotwordTranscriber
from simulst.asr.pocketsphinx import open_pocketsphinx
from simulst.asr.whisper import open_whisper
from simulst.config import Asr
from simulst.protocols import Transcriber

__all__ = ["open_transcriber", "package"]

_POCKETSPHINX = "pocketsphinx"
"""In place of the name of a pack; every other name means a Whisper model."""


def open_transcriber(config: Asr, terms: Sequence[Sequence[str]] = ()) -> Transcriber:
    """Load the recogniser that the configuration names.

    Args:
        config: of listening.
        terms: words of each name or term that is likely to be said.

    Raises:
        ModelError: it is not installed, damaged, or does not serve the language.
        ConfigError: settings that it does not have.
    """
    if config.model == _POCKETSPHINX:
        return open_pocketsphinx(config)  # its words are all of its dictionary, and look certain
    whisper = open_whisper(config)
    if not terms:
        return whisper
    if whisper.padded:  # packs of our own have never seen a prompt
        whisper.expect(terms)
        return whisper
    return HotwordTranscriber(whisper, terms)


def package(config: Asr) -> str:
    """The distribution that recognises, whose version a log must say."""
    return "pocketsphinx" if config.model == _POCKETSPHINX else "faster-whisper"
