"""Words to subwords and back.

Pieces carry the word boundary at their *end* ("wor" "ld▁"), so that the last piece of a word
says by itself that the word is complete: a WRITE of one word needs no look at the piece after
it. Pieces never cross white space, so a sentence that arrives word by word is cut exactly as
it would be cut whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import sentencepiece

from simulst.errors import ConfigError, ModelError

__all__ = ["BOUNDARY", "Vocabulary"]

BOUNDARY = "▁"
"""SentencePiece's mark for the white space after a word."""


class Vocabulary:
    """A SentencePiece model with the ids that translation needs.

    Args:
        model: the serialised SentencePiece model.
        unit: "word", or "character" for target scripts without spaces.

    Raises:
        ModelError: the bytes are no SentencePiece model, or `unit` is neither.
    """

    pad, unknown, bos, eos = 0, 1, 2, 3

    def __init__(self, model: bytes, unit: str = "word") -> None:
        if unit not in ("word", "character"):
            raise ModelError(f"target unit {unit!r} is unknown: use 'word' or 'character'")
        self.model = model
        self.unit = unit
        try:
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
        except (RuntimeError, TypeError) as error:
            raise ModelError(f"the subword model cannot be read: {error}") from error
        self.size = int(self._pieces.get_piece_size())
        self.id = hashlib.sha256(model).hexdigest()[:16]
        pieces = [self._pieces.id_to_piece(i) for i in range(self.size)]
        byte = [self._pieces.is_byte(i) for i in range(self.size)]
        control = [self._pieces.is_control(i) or i == self.unknown for i in range(self.size)]
        if unit == "word":
            self.ends = [p.endswith(BOUNDARY) for p in pieces]
        else:
            self.ends = [not byte[i] and not control[i] for i in range(self.size)]
        self.never = [i for i in range(self.size) if control[i] and i != self.eos]
        # a unit must have text: the bare boundary may close a word but never open one
        self.never_first = [i for i, p in enumerate(pieces) if p == BOUNDARY]
        self._word = lru_cache(maxsize=65536)(self._encode_word)

    @classmethod
    def load(cls, path: Path, unit: str = "word") -> Vocabulary:
        """Read a model file.

        Raises:
            ModelError: the file is missing or is no SentencePiece model.
        """
        try:
            return cls(path.read_bytes(), unit)
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror}; fetch or rebuild the pack") from error

    @classmethod
    def train(
        cls, sentences: Iterable[str], size: int, unit: str = "word", *, threads: int = 1
    ) -> Vocabulary:
        """Learn pieces (unigram model, Kudo 2018, with byte fallback) from raw sentences.

        Raises:
            ConfigError: too few pieces for the bytes and letters alone.
        """
        import io

        out = io.BytesIO()
        options: dict[str, Any] = {
            "sentence_iterator": iter(sentences),
            "model_writer": out,
            "vocab_size": size,
            "model_type": "unigram",
            "character_coverage": 0.9998,
            "byte_fallback": True,
            "treat_whitespace_as_suffix": True,
            # the usual one makes Latin marks of full-width ones, which scripts without spaces use
            "normalization_rule_name": "nmt_nfkc" if unit == "word" else "identity",
            "pad_id": cls.pad,
            "unk_id": cls.unknown,
            "bos_id": cls.bos,
            "eos_id": cls.eos,
            "hard_vocab_limit": False,
            "input_sentence_size": 400_000,
            "shuffle_input_sentence": True,
            "num_threads": threads,
            "minloglevel": 2,
        }
        try:
            sentencepiece.SentencePieceTrainer.train(**options)
        except RuntimeError as error:
            if needed := re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error)):
                raise ConfigError(
                    f"{size} pieces are too few for the bytes and letters of this text, which are "
                    f"{needed[1]}: give more"
                ) from error
            raise
        return cls(out.getvalue(), unit)

    def _encode_word(self, word: str) -> tuple[int, ...]:
        return tuple(self._pieces.encode(word))

    def encode_words(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """Pieces of each word."""
        return [self._word(word) for word in words]

    def encode_units(self, text: str) -> list[tuple[int, ...]]:
        """Pieces of each target unit of a whole sentence."""
        if self.unit == "word":
            return self.encode_words(text.split())
        units: list[tuple[int, ...]] = []
        open_unit: tuple[int, ...] = ()
        for piece in self._pieces.encode("".join(text.split())):
            open_unit += (piece,)
            if self.ends[piece] and piece not in self.never_first:
                units.append(open_unit)
                open_unit = ()
        return units

    def text(self, tokens: Sequence[int]) -> str:
        """The text of one unit, or of many with the spaces between them, if units have any."""
        text = str(self._pieces.decode(list(tokens)))
        return text.strip() if self.unit == "word" else "".join(text.split())

    def piece(self, token: int) -> str:
        """One piece as the vocabulary writes it."""
        return str(self._pieces.id_to_piece(token))
