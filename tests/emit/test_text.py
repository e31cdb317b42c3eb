"""The translation as plain text."""

from __future__ import annotations

from pathlib import Path

from simulst.emit.text import Text
from simulst.types import Update
from tests.emit.units import talk, unit


def test_a_sentence_a_line_a_word_at_a_time(tmp_path: Path) -> None:
    """Words are on disk when they were written, and a new sentence begins a line."""
    path = tmp_path / "talk.txt"
    sink = Text(path)
    seen = []
    for update in talk():
        sink.write(update)
        seen.append(path.read_text())
    sink.close()
    assert seen == ["", "Guten", "Guten Morgen.", "Guten Morgen.", "Guten Morgen.\nDanke."]
    assert path.read_text() == "Guten Morgen.\nDanke.\n"


def test_nothing_said_nothing_written(tmp_path: Path) -> None:
    """A session without a word leaves an empty file."""
    sink = Text(tmp_path / "none.txt")
    sink.write(Update(heard=16000, ended=True))
    sink.close()
    assert (tmp_path / "none.txt").read_bytes() == b""


def test_characters_stand_together(tmp_path: Path) -> None:
    """A script without spaces gets none."""
    sink = Text(tmp_path / "zh.txt")
    units = [unit(i, each, 1.0, space="") for i, each in enumerate("你好")]
    sink.write(Update(heard=16000, emissions=tuple(units)))
    sink.close()
    assert (tmp_path / "zh.txt").read_text(encoding="utf-8") == "你好\n"
