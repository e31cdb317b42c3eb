"""A byte-level BPE tokenizer in Whisper's token order, as faster-whisper reads it.

English only: the forced start is `<|startoftranscript|><|notimestamps|>`. Timestamp tokens are
never trained; the converter appends them behind the last token here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

__all__ = ["SPECIALS", "TIMESTAMPS", "load_tokenizer", "special_id", "train_tokenizer"]

SPECIALS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
TIMESTAMPS = 1501


def train_tokenizer(texts: Iterable[str], pieces: int) -> Tokenizer:
    """A tokenizer of `pieces` byte-level pieces and Whisper's special tokens behind them.

    Args:
        texts: sentences; each is learned as it is written on a transcript, after a space.
        pieces: at least 257.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((f" {text}" for text in texts), trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in SPECIALS]
    )
    return tokenizer


def special_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of one of `SPECIALS`."""
    number = tokenizer.token_to_id(token)
    assert number is not None, token
    return int(number)


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer at `path` (`tokenizer.json`)."""
    return Tokenizer.from_file(str(path))
