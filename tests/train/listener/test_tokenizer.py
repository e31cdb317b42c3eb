"""The tokenizer's order and its round trip."""

from __future__ import annotations

from tokenizers import Tokenizer

from simulst.train.listener.tokenizer import SPECIALS, special_id


def test_specials_follow_the_pieces_in_whispers_order(tokenizer: Tokenizer) -> None:
    """All special tokens stand behind the pieces, `<|notimestamps|>` last."""
    size = tokenizer.get_vocab_size()
    ids = [special_id(tokenizer, token) for token in SPECIALS]
    assert ids == list(range(size - len(SPECIALS), size))
    assert SPECIALS[0] == "<|endoftext|>" and SPECIALS[-1] == "<|notimestamps|>"


def test_any_text_comes_back(tokenizer: Tokenizer) -> None:
    """Bytes that were never seen are spelled out and come back."""
    text = " Zoë said: 42% – no!"
    assert tokenizer.decode(tokenizer.encode(text).ids) == text
