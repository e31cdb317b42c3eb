"""Texts to speak: what is kept, how it is written, what is held out."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from simulst.errors import DataError
from simulst.train.listener.texts import (
    TrueCaser,
    clean,
    is_held_out,
    read_sentences,
    spoken_form,
    tidy,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_marks_become_plain() -> None:
    """Typographic quotes and dashes become plain marks, spaces before marks go."""
    assert clean("It’s late – “very” late !") == "It's late, very late!"


@pytest.mark.parametrize("sentence", ["He is 12.", "Word.", "Größe zählt.", "a @ b c"])
def test_unspeakable_sentences_are_left_out(sentence: str) -> None:
    """Digits, symbols, foreign letters and lone words are not learned from."""
    assert clean(sentence) is None


def test_fragments_keep_their_end() -> None:
    """A transcript that ends in a comma or in nothing gets no full stop."""
    assert tidy("in being (comparatively) modern,") == "in being comparatively modern,"


def test_spoken_form_has_no_case_and_no_marks() -> None:
    """What is scored is lower-case words."""
    assert spoken_form("Well-known, isn't it?") == "well known isn't it"


def test_true_caser_restores_names() -> None:
    """Words take the case they mostly have inside sentences."""
    case = TrueCaser(["We saw Tom in Boston.", "Then I met Tom again."])
    assert case("I MET TOM IN BOSTON") == "I met Tom in Boston."


def test_held_out_depends_on_letters_only() -> None:
    """A sentence cannot return to training by another mark or case."""
    sentences = [f"{a}{b} is not {b}{c}." for a in LETTERS for b in LETTERS for c in "mnopqrst"]
    held_out = [text for text in sentences if is_held_out(text)]
    assert held_out and len(held_out) < len(sentences) / 20
    assert all(is_held_out(text.upper().rstrip(".") + "!") for text in held_out)


def test_only_shippable_sources_are_read(tmp_path: Path) -> None:
    """Other sources are skipped, as their licences ask; a sentence translated twice is one."""
    path = tmp_path / "train.tsv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("tatoeba\tCC-BY\tI see you.\tIch sehe dich.\n")
        file.write("tatoeba\tCC-BY\tI see you.\tIch seh dich.\n")
        file.write("librivoxdeen\tCC-BY-NC\tI hear you.\tIch höre dich.\n")
    sentences = read_sentences(path)
    assert [text for texts in sentences.values() for text in texts] == ["I see you."]


def test_an_absent_text_is_named(tmp_path: Path) -> None:
    """The error names the missing file and the option."""
    with pytest.raises(DataError, match=r"train\.tsv\.gz.*--data"):
        read_sentences(tmp_path / "train.tsv.gz")
