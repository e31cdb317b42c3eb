"""What a viewer sees of several languages, on a terminal and through a pipe."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile

import pytest
from rich.cells import cell_len
from rich.console import Console

from simulst.emit.multilingual import Multilingual
from simulst.errors import OutputError
from simulst.types import SAMPLE_RATE, SentenceEnd, Update, Word
from tests.emit.units import talk, unit

CONTROL = re.compile(r"\x1b\[[?\d;]*[A-Za-z]")
CHINESE = {"Guten": "早", "Morgen.": "安。", "Danke.": "谢谢。"}


def steps() -> list[dict[str, Update]]:
    """A talk in German and, piece for piece, in Chinese."""
    found = []
    for update in talk():
        emissions = tuple(
            replace(each, text=CHINESE[each.text], space="") for each in update.emissions
        )
        tentative = "安" if update.tentative_target else ""
        chinese = replace(update, emissions=emissions, tentative_target=tentative)
        found.append({"de": update, "zh": chinese})
    return found


PLAIN = "en  Good morning.\nde  Guten Morgen.\nzh  早安。\nen  Thanks.\nde  Danke.\nzh  谢谢。\n"


def shown(
    updates: list[dict[str, Update]], spaces: Mapping[str, str], **options: bool
) -> list[str]:
    """What each step, and in the end closing, put out."""
    screen = io.StringIO()
    console = Console(file=screen, width=80, no_color=True, **options)  # type: ignore[arg-type]
    sink = Multilingual(console, "en", spaces, 3 * SAMPLE_RATE)
    parts, seen = [], 0
    for update in updates:
        sink.write(update)
        parts.append(screen.getvalue()[seen:])
        seen = len(screen.getvalue())
    sink.close()
    return [*parts, screen.getvalue()[seen:]]


BOTH = {"de": " ", "zh": ""}


def test_a_pipe_gets_a_line_for_each_language() -> None:
    """A finished sentence is its source and each translation, labelled, when it is finished."""
    parts = shown(steps(), BOTH)
    assert "".join(parts) == PLAIN
    assert parts[2] == "".join(PLAIN.splitlines(keepends=True)[:3])


def test_the_order_is_that_of_the_languages_asked_for() -> None:
    """The lines stand as the languages were named."""
    lines = "".join(shown(steps(), {"zh": "", "de": " "})).splitlines()
    assert [line[:2] for line in lines] == ["en", "zh", "de"] * 2


def test_a_terminal_draws_the_open_sentence_of_each_language() -> None:
    """What is tentative stands behind what is written, each with its own space."""
    parts = shown(steps(), BOTH, force_terminal=True)
    rows = [row.rstrip() for row in CONTROL.sub("", parts[1]).replace("\r", "").splitlines()]
    assert rows == ["en  Good morning", "de  Guten Morgen", "zh  早安", "0:01 / 0:03"]


def test_a_terminal_is_left_with_the_same_lines() -> None:
    """In the end only finished sentences stand there, with no line wider than the terminal."""
    screen: list[str] = []
    for part in shown(steps(), BOTH, force_terminal=True):
        rows = CONTROL.sub("", part).replace("\r", "").splitlines()
        screen += takewhile(lambda row: "/" not in row, rows)
        assert all(cell_len(row) <= 80 for row in rows)
    finished = [row.rstrip() for row in screen]
    assert [row for row in PLAIN.splitlines() if row not in finished] == []


def test_what_was_open_is_left_at_the_end() -> None:
    """A session that breaks off leaves its last sentence, in every language."""
    assert "".join(shown(steps()[:2], BOTH)) == "en  Good\nde  Guten\nzh  早\n"


def test_a_language_without_words_has_no_line() -> None:
    """A sentence that one language left untranslated is shown in the others."""
    heard = (Word("Hm.", 0, 100), SentenceEnd(100))
    german = Update(heard=200, committed=heard, emissions=(unit(0, "Hm.", 1.0),), ended=True)
    chinese = replace(german, emissions=())
    assert shown([{"de": german, "zh": chinese}], BOTH)[0] == "en  Hm.\nde  Hm.\n"


def test_a_full_disk_behind_the_pipe_is_an_error() -> None:
    """Output that cannot be written is named, not lost."""
    full = io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)
    sink = Multilingual(Console(file=full), "en", BOTH)
    with pytest.raises(OutputError, match="standard output cannot be written: No space left"):
        for update in steps():
            sink.write(update)
