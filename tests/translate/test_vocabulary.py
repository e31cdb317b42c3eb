"""Words to subwords and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.errors import ConfigError, ModelError
from simulst.translate.vocabulary import Vocabulary
from tests.fakes import SENTENCES, vocabulary


@pytest.mark.parametrize("sentence", SENTENCES)
def test_word_by_word_equals_whole(sentence: str) -> None:
    """A sentence cut word by word gives the pieces of the sentence cut whole."""
    pieces = vocabulary()
    apart = [token for word in pieces.encode_words(sentence.split()) for token in word]
    assert apart == list(pieces._pieces.encode(sentence))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("abcdefgäöüß,.XYZ日本", min_size=1, max_size=12), min_size=1, max_size=6))
def test_last_piece_ends_the_word(words: list[str]) -> None:
    """Only the last piece of a word says that the word has ended, and the text comes back."""
    pieces = vocabulary()
    for word, tokens in zip(words, pieces.encode_words(words), strict=True):
        assert [pieces.ends[t] for t in tokens] == [False] * (len(tokens) - 1) + [True]
        assert pieces.text(tokens) == word


def test_characters_are_units_without_spaces() -> None:
    """In character mode a Chinese sentence is cut into units that join to itself."""
    pieces = vocabulary("character")
    text = "好朋友在路的尽头。"
    units = pieces.encode_units(text)
    assert "".join(pieces.text(unit) for unit in units) == text
    assert len(units) >= 4


def test_characters_keep_their_width() -> None:
    """Full-width marks are not made Latin ones, as they are where words have spaces."""
    text = "好（朋友），比钱重要！"
    pieces = Vocabulary.train([text, *SENTENCES] * 20, 330, "character")
    assert "".join(pieces.text(unit) for unit in pieces.encode_units(text)) == text


def test_a_whole_text_of_characters_has_no_spaces() -> None:
    """What many units spell is what they spell one by one, whatever pieces they are of."""
    pieces = vocabulary("character")
    units = pieces.encode_words(["The", "old", "house", "老房子"])
    tokens = [token for unit in units for token in unit]
    assert pieces.text(tokens) == "Theoldhouse老房子" == "".join(map(pieces.text, units))


def test_too_few_pieces_for_the_letters() -> None:
    """Are refused with the number that is needed."""
    with pytest.raises(ConfigError, match=r"90 pieces are too few .* which are \d+: give more"):
        Vocabulary.train(["one two three", "eins zwei drei"], 90)


def test_damaged_model_is_named(tmp_path: Path) -> None:
    """A file that is no subword model is refused with a way out."""
    with pytest.raises(ModelError, match="subword model"):
        Vocabulary(b"not a model")
    with pytest.raises(ModelError, match="rebuild the pack"):
        Vocabulary.load(tmp_path / "absent.model")
    with pytest.raises(ModelError, match="'word' or 'character'"):
        Vocabulary(vocabulary().model, "syllable")
