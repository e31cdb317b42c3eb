"""Any Whisper-format model through faster-whisper, as a `Transcriber`.

Two ways to run. *Padded*: `WhisperModel.transcribe`, which fills every window up to 30 s, as
stock Whisper needs. *Windowed*: the same model's encoder, decoder and aligner called on the
window's own length, for models trained on windows of any length; it costs a tenth. Both force
the committed words as the decoder's prefix and take the likeliest token at every step.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.utils import available_models, download_model
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from simulst import packs
from simulst.asr.alignment import Piece, behind, join, time_pieces
from simulst.config import Asr
from simulst.errors import ConfigError, ModelError
from simulst.types import SAMPLE_RATE, Window, Word

__all__ = ["BEAM", "WhisperTranscriber", "open_whisper"]

_FILES = ("model.bin", "config.json", "tokenizer.json")
_UNSPACED = ("zh", "ja", "th", "lo", "my", "yue")
"""Written without spaces: each piece of whole characters counts as a word."""
_FRAME_SAMPLES = SAMPLE_RATE // 50
"""Of the encoder, on whose frames words are aligned."""
_LEAST_SAMPLES = SAMPLE_RATE // 10
"""No word is shorter than such a window."""
_TOKENS_A_SECOND = 12
"""Nobody speaks faster; it bounds what a repetition loop can cost."""
BEAM = 4
"""Of windowed packs, which are small: their likeliest token is too often the wrong one."""
_MOST_TOKENS = 440
"""Of text, prefix included; the decoder has 448 positions, some for special tokens."""
_MOST_PREFIX = 150
"""Tokens of committed words that are forced; where they are more, the first words are not."""
_MOST_PROMPT = 120
"""Tokens of names and terms; with the longest prefix they leave 170 for what is new."""


class WhisperTranscriber:
    """Recognises windows of at most 30 s, without chance: the same audio gives the same words.

    Rows are computed one after another: on one thread of a CPU a shared batch gains nothing, and
    alone a window cannot depend on its neighbours.

    Args:
        model: a loaded `faster_whisper.WhisperModel`.
        language: spoken language, one of the model's.
        padded: fill windows up to 30 s.
        no_speech: probability of silence above which a window gives no words, in (0, 1].
        beam: texts that are weighed against each other, >= 1. Windowed their probabilities are
            compared as they are: the mean of a token's would have the decoder go on behind the
            last word that it heard.
    """

    def __init__(
        self, model: WhisperModel, language: str, *, padded: bool, no_speech: float, beam: int
    ) -> None:
        self.model = model
        self.languages = tuple(model.supported_languages)
        if language not in self.languages:
            raise ModelError(
                f"this model does not recognise {language!r}; it serves "
                f"{', '.join(sorted(self.languages))}: set asr.language or asr.model"
            )
        self.padded = padded
        self.no_speech = no_speech
        self.beam = beam
        self._tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, "transcribe", language
        )
        self._spaced = language not in _UNSPACED
        self._prompt = ""
        self._start = list(self._tokenizer.sot_sequence)
        self._pools = ThreadpoolController()

    def expect(self, terms: Sequence[Sequence[str]]) -> None:
        """Put names and terms into the prompt of padded windows, as many as have room.

        Args:
            terms: the words of each, the most important first.
        """
        names: list[str] = []
        for term in terms:
            text = ", ".join([*names, " ".join(term)])
            if len(self._tokenizer.encode(f" {text}")) > _MOST_PROMPT:
                break
            names.append(" ".join(term))
        self._prompt = ", ".join(names)

    def transcribe(self, windows: Sequence[Window]) -> list[tuple[Word, ...]]:
        """Return the words that follow each window's prefix, with their times and probabilities.

        A window without speech gives none. A full stop that belongs to the last word of the
        prefix comes as a word of its own.
        """
        hear = self._hear_padded if self.padded else self._hear_windowed
        heard: list[tuple[Word, ...]] = []
        # numpy adds up a product otherwise on two threads than on one, and what is heard in the
        # features must not depend on how many processors there are
        with self._pools.limit(limits=1, user_api="blas"):
            for window in windows:
                pieces: list[Piece] = []
                if len(window.audio.samples) >= _LEAST_SAMPLES:
                    pieces = hear(window.audio.samples, self._prefix(window.prefix))
                heard.append(join(pieces, window, spaced=self._spaced))
        return heard

    def _prefix(self, words: Sequence[Word]) -> str:
        """The committed words as text, without the first ones where that is too long."""
        space = " " if self._spaced else ""
        text = ""
        for first in range(len(words)):
            text = space + space.join(word.text for word in words[first:])
            if len(self._tokenizer.encode(text)) <= _MOST_PREFIX:
                break
        return text

    def _hear_padded(self, samples: NDArray[np.float32], prefix: str) -> list[Piece]:
        segments, _ = self.model.transcribe(
            samples,
            language=self._tokenizer.language_code,
            beam_size=self.beam,
            temperature=0.0,  # others draw at random
            prefix=prefix or None,
            # not `hotwords`, which faster-whisper drops as soon as there is a prefix
            initial_prompt=self._prompt or None,
            condition_on_previous_text=False,
            without_timestamps=True,
            word_timestamps=True,
            suppress_blank=False,
            no_speech_threshold=self.no_speech,
            log_prob_threshold=None,
            compression_ratio_threshold=None,
        )
        # Recognition happens here, when the segment is drawn. Without timestamps the first is
        # the whole window; whoever draws another has the tail recognised a second time.
        segment = next(segments, None)
        if segment is None or segment.seek > 0:
            return []
        pieces = [
            Piece(
                word.word,
                round(word.start * SAMPLE_RATE),
                round(word.end * SAMPLE_RATE),
                word.probability,
            )
            for word in segment.words
        ]
        # faster-whisper puts a space before the prefix, also where the language has none
        return behind(pieces, f" {prefix.strip()}" if prefix else "")

    def _hear_windowed(self, samples: NDArray[np.float32], prefix: str) -> list[Piece]:
        features = self.model.feature_extractor(samples)  # (mel, 100 a second)
        frames = features.shape[1]
        features = np.ascontiguousarray(features[None], dtype=np.float32)  # (1, mel, frames)
        encoded = self.model.model.encode(StorageView.from_array(features))
        forced = self._tokenizer.encode(prefix)
        most = len(forced) + 8 + round(_TOKENS_A_SECOND * len(samples) / SAMPLE_RATE)
        result = self.model.model.generate(
            encoded,
            [[*self._start, self._tokenizer.no_timestamps, *forced]],
            beam_size=self.beam,
            length_penalty=0.0,
            max_length=2 * min(_MOST_TOKENS, most),  # CTranslate2 uses half of it for text
            # otherwise the decoder could not stop right behind the prefix
            suppress_blank=False,
            return_no_speech_prob=True,
        )[0]
        tokens = [token for token in result.sequences_ids[0] if token < self._tokenizer.eot]
        if tokens[: len(forced)] == forced:  # CTranslate2 returns what was forced as well
            tokens = tokens[len(forced) :]
        if not tokens or result.no_speech_prob > self.no_speech:
            return []
        aligned = self.model.model.align(encoded, self._start, [[*forced, *tokens]], frames)[0]
        texts, ids = self._tokenizer.split_tokens_on_unicode(tokens)
        return time_pieces(
            texts,
            [len(piece) for piece in ids],
            aligned.alignments,
            aligned.text_token_probs,
            skipped=len(forced),
            frame_samples=_FRAME_SAMPLES,
        )


def open_whisper(config: Asr) -> WhisperTranscriber:
    """Load the model that the configuration names.

    Raises:
        ModelError: there is no such model here, it is damaged, or it does not serve the
            language.
        ConfigError: windows of any length are asked of a pack that was not trained for them.
    """
    pack = _find_pack(config.model)
    folder = pack.path if pack else _find_folder(config.model)
    variable = pack is not None and pack.fields.get("window") == "variable"
    if pack and config.run == "windowed" and not variable:
        raise ConfigError(
            f"asr.run is 'windowed', but pack {pack.name} was trained on windows of 30 s: "
            "use 'padded' or 'auto'"
        )
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder} holds no CTranslate2 Whisper model, as {', '.join(missing)} is missing: "
            "convert one with ct2-transformers-converter --copy_files tokenizer.json "
            "preprocessor_config.json"
        )
    padded = config.run == "padded" or (config.run == "auto" and not variable)
    try:
        model = WhisperModel(
            str(folder), compute_type=config.compute_type, cpu_threads=config.threads
        )
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{folder} cannot be loaded as compute type {config.compute_type!r} ({error}): "
            "set asr.compute_type, or convert the model again"
        ) from error
    _check_device(model)
    beam = config.beam or (1 if padded else BEAM)
    return WhisperTranscriber(
        model, config.language, padded=padded, no_speech=config.no_speech, beam=beam
    )


def _check_device(model: WhisperModel) -> None:
    """Encode one second, since a GPU whose libraries are absent fails only at its first use."""
    if model.model.device == "cpu":
        return
    silence = np.zeros((1, model.model.n_mels, 100), np.float32)
    try:
        model.model.encode(StorageView.from_array(silence), to_cpu=True)
    except RuntimeError as error:
        raise ModelError(
            f"the {model.model.device} device was found but cannot compute ({error}): install the "
            "libraries it names, or set the environment variable CUDA_VISIBLE_DEVICES to nothing "
            "to use the CPU"
        ) from error


def _find_pack(name: str) -> packs.Pack | None:
    """The pack of this name or at this path; None for a plain folder or a size of Whisper."""
    if _is_path(name) and not packs.on_hub(name):
        is_pack = (Path(name) / packs.MANIFEST).is_file()
        return packs.open_pack(Path(name), "asr") if is_pack else None
    if not packs.has(name, "asr") and (name in available_models() or packs.on_hub(name)):
        return None
    return packs.find(name, "asr")


def _find_folder(name: str) -> Path:
    if _is_path(name) and not packs.on_hub(name):
        if not Path(name).is_dir():
            raise ModelError(f"{name} is no folder: give the folder of a Whisper model")
        return Path(name)
    try:
        return Path(download_model(name, local_files_only=True))
    except OSError as error:  # Hugging Face's "not in the cache" is a FileNotFoundError
        raise ModelError(
            f"Whisper {name} is not on this machine: fetch it once where there is a network with "
            f"`simulst models pull {name}`, or choose a pack that ships"
        ) from error


def _is_path(name: str) -> bool:
    return os.sep in name or name in (".", "..")
