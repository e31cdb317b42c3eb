"""PocketSphinx as a listener: English, on one thread, with the models that its wheel brings.

It writes lower-case words without marks, so that sentences end by pauses and length. Of a window
only what is open is recognised, and the last committed words once more before it, so that the
first open word has neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulst.asr.sentences import ends_sentence
from simulst.config import Asr
from simulst.errors import ConfigError, ModelError
from simulst.types import SAMPLE_RATE, Window, Word

__all__ = ["PocketSphinxTranscriber", "open_pocketsphinx"]

_FRAME_SAMPLES = SAMPLE_RATE // 100
_LEAST_SAMPLES = SAMPLE_RATE // 10
"""No word is shorter than such a window."""
_CONTEXT_SAMPLES = 3 * SAMPLE_RATE
"""Committed speech that is recognised again, at most."""
_SEARCH = {"fwdflat": False, "maxhmmpf": 3000, "bestpathlw": 12.0}
_FILLERS = ("<", "[", "+")
"""How silence, noise and breath begin in the dictionary."""
_WHISPER_ONLY = ("run", "no_speech", "beam", "threads", "compute_type")


class PocketSphinxTranscriber:
    """Recognises windows one after another; nothing of one is kept for the next.

    Args:
        decoder: a `pocketsphinx.Decoder` with a language model.
    """

    languages: tuple[str, ...] = ("en",)

    def __init__(self, decoder: Any) -> None:
        self.decoder = decoder

    def transcribe(self, windows: Sequence[Window]) -> list[tuple[Word, ...]]:
        """Return the words that follow each window's prefix, with times and posteriors."""
        return [self._hear(window) for window in windows]

    def _hear(self, window: Window) -> tuple[Word, ...]:
        audio = window.audio
        heard = window.prefix[-1].end if window.prefix else audio.start
        begin = max(audio.start, _context(window.prefix, heard))
        samples = audio.samples[begin - audio.start :]
        if len(samples) < _LEAST_SAMPLES:
            return ()
        words: list[Word] = []
        earliest = heard
        for segment in self._decode(samples):
            start = begin + segment.start_frame * _FRAME_SAMPLES
            end = begin + (segment.end_frame + 1) * _FRAME_SAMPLES
            if segment.word.startswith(_FILLERS) or start + end < 2 * heard:
                continue  # with its middle before the end of the prefix, it is committed
            start = min(max(start, earliest), audio.end)
            end = min(max(end, start), audio.end)
            words.append(Word(_written(segment.word), start, end, min(1.0, segment.prob)))
            earliest = end
        return tuple(words)

    def _decode(self, samples: NDArray[np.float32]) -> list[Any]:
        """Segments of (n,) samples; the decoder has forgotten what it heard before."""
        # its estimates of noise and of the mean cepstrum would go on to the next window
        self.decoder.reinit_feat()
        pcm = (np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)
        self.decoder.start_utt()
        # as a whole utterance, the mean is taken over all of it
        self.decoder.process_raw(pcm.tobytes(), full_utt=True)
        self.decoder.end_utt()
        return list(self.decoder.seg() or ())


def open_pocketsphinx(config: Asr) -> PocketSphinxTranscriber:
    """Load the English models that come with PocketSphinx.

    Raises:
        ModelError: PocketSphinx is not installed, its models are damaged, or they do not serve
            the language.
        ConfigError: a setting is given that only Whisper models have.
    """
    if config.language not in PocketSphinxTranscriber.languages:
        raise ModelError(
            f"pocketsphinx does not recognise {config.language!r}; it serves "
            f"{', '.join(PocketSphinxTranscriber.languages)}: set asr.language or asr.model"
        )
    for name in _WHISPER_ONLY:
        value = getattr(config, name)
        if value != getattr(Asr(), name):
            raise ConfigError(
                f"asr.{name} is {value!r}, which only Whisper models know, and asr.model is "
                "'pocketsphinx': leave it out"
            )
    try:
        import pocketsphinx
    except ImportError as error:
        raise ModelError(
            'PocketSphinx is not installed: pip install "simulst[pocketsphinx]"'
        ) from error
    try:
        decoder = pocketsphinx.Decoder(loglevel="FATAL", **_SEARCH)
    except RuntimeError as error:
        raise ModelError(
            f"the models in {pocketsphinx.get_model_path()} cannot be loaded ({error}): install "
            "pocketsphinx again, and leave the environment variable POCKETSPHINX_PATH unset"
        ) from error
    return PocketSphinxTranscriber(decoder)


def _context(prefix: Sequence[Word], heard: int) -> int:
    """Sample at which the first word begins that is recognised again."""
    begin = heard
    for word in reversed(prefix):
        if heard - word.start > _CONTEXT_SAMPLES:
            break
        begin = word.start
    return begin


def _written(entry: str) -> str:
    """A word of the dictionary as it is written in a text."""
    text = entry.partition("(")[0]  # "(2)" is its second pronunciation
    if ends_sentence(text):  # "b." is the letter, "inc." is short: no full stop was heard
        text = text.rstrip(".")
        text = text.upper() if len(text) == 1 else text
    return f"I{text[1:]}" if text == "i" or text.startswith("i'") else text
