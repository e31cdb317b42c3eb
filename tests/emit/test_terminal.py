"""What a viewer sees, on a terminal and through a pipe."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from simulst.emit.terminal import Terminal
from simulst.errors import OutputError
from simulst.types import SAMPLE_RATE, SentenceEnd, Update, Word
from tests.emit.units import talk, unit

PLAIN = "en  Good morning.\nde  Guten Morgen.\nen  Thanks.\nde  Danke.\n"
CONTROL = re.compile(r"\x1b\[[?\d;]*[A-Za-z]")


def shown(updates: list[Update], *, duration: int | None = None, **options: object) -> list[str]:
    """What each update, and in the end closing, put out."""
    screen = io.StringIO()
    console = Console(file=screen, width=80, **options)  # type: ignore[arg-type]
    sink = Terminal(console, "en", "de", duration)
    parts, seen = [], 0
    for update in updates:
        sink.write(update)
        parts.append(screen.getvalue()[seen:])
        seen = len(screen.getvalue())
    sink.close()
    return [*parts, screen.getvalue()[seen:]]


def test_a_pipe_gets_plain_lines() -> None:
    """Without a terminal there is one line for a sentence and one for its translation."""
    assert "".join(shown(talk())) == PLAIN


def test_a_pipe_gets_a_sentence_when_it_is_finished() -> None:
    """Lines come while the talk goes on, not in the end."""
    assert shown(talk())[2] == "en  Good morning.\nde  Guten Morgen.\n"


def test_a_pipe_gets_long_sentences_in_one_line() -> None:
    """Whoever reads the pipe need not undo a wrapping at 80 columns."""
    words = tuple(Word("interpretation", i * 100, i * 100 + 100) for i in range(12))
    update = Update(heard=32000, committed=(*words, SentenceEnd(1200)))
    assert shown([update])[0] == "en  " + " ".join(["interpretation"] * 12) + "\n"


def test_tentative_characters_follow_without_a_space() -> None:
    """Behind the very first unit too, which does not say what stands before the next."""
    first = Update(16000, emissions=(unit(0, "早", 1.0, space=""),), tentative_target="安")
    assert "zh  早安" in CONTROL.sub("", shown([first], force_terminal=True)[0]).replace("de", "zh")


def test_text_is_not_markup() -> None:
    """Square brackets in a translation are shown as they are."""
    update = Update(heard=16000, emissions=(unit(0, "[red]", 1.0),), ended=True)
    assert "".join(shown([update])) == "de  [red]\n"


def test_a_terminal_keeps_finished_sentences_and_takes_the_bar_away() -> None:
    """In the end only ordinary lines are left, the same as through a pipe."""
    parts = shown(talk(), duration=3 * SAMPLE_RATE, force_terminal=True, no_color=True)
    last = screen_after("".join(parts))
    assert [line.rstrip() for line in last if line.strip()] == PLAIN.splitlines()


class Screen(io.StringIO):
    """Keeps what a viewer saw after each write."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[list[str]] = []

    def write(self, text: str) -> int:
        """Write, and look."""
        count = super().write(text)
        self.pictures.append(screen_after(self.getvalue()))
        return count


def test_a_terminal_never_takes_emitted_text_back() -> None:
    """No picture, however short, lacks a unit of the one before or shows one twice."""
    screen = Screen()
    sink = Terminal(
        Console(file=screen, width=80, force_terminal=True), "en", "de", 3 * SAMPLE_RATE
    )
    before = ""
    for update in [replace(each, tentative_target="") for each in talk()]:
        sink.write(update)
    sink.close()
    for picture in screen.pictures:
        target = " ".join(line[4:].strip() for line in picture if line.startswith("de"))
        assert target.startswith(before)
        before = target
    assert before == "Guten Morgen. Danke."


def test_tentative_text_is_dimmed_and_committed_is_not() -> None:
    """What may still change looks different from what is final, also without colours."""
    for options in ({}, {"no_color": True}):
        picture = shown(talk()[:2], force_terminal=True, **options)[1]
        assert re.search(r"Good\x1b\[2m morning\x1b\[0m|Good\x1b\[0m\x1b\[2m morning", picture)
        assert re.search(r"Guten(\x1b\[0m)?\x1b\[2m Morgen", picture)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR no colour code is sent."""
    monkeypatch.setenv("NO_COLOR", "1")
    output = "".join(shown(talk(), duration=SAMPLE_RATE, force_terminal=True))
    assert not re.search(r"\x1b\[(\d+;)*(3|4|9)\d(;\d+)*m", output)


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that knows no control codes is sent none."""
    monkeypatch.setenv("TERM", "dumb")
    assert "".join(shown(talk(), force_terminal=True)) == PLAIN


def test_the_bar_tells_how_far_the_file_is() -> None:
    """A file shows time passed and length; a microphone only the time."""
    update = Update(heard=75 * SAMPLE_RATE)
    file = shown([update], duration=150 * SAMPLE_RATE, force_terminal=True)[0]
    microphone = shown([update], force_terminal=True)[0]
    assert "1:15 / 2:30" in CONTROL.sub("", file)
    assert "1:15" in CONTROL.sub("", microphone)
    assert "/" not in CONTROL.sub("", microphone)


def test_an_open_sentence_survives_a_break() -> None:
    """Closing in the middle of a sentence prints what there is of it."""
    assert shown(talk()[:2])[-1] == "en  Good\nde  Guten\n"


def test_late_translation_is_shown() -> None:
    """Units that come after their sentence was printed get a line of their own."""
    late = Update(heard=64000, emissions=(unit(3, "(spät)", 4.0, sentence=0),))
    assert shown([*talk()[:3], late])[3] == "de  (spät)\n"


def test_a_full_disk_behind_the_pipe_is_an_error() -> None:
    """Output that cannot be written is named, not lost."""
    full = io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)
    sink = Terminal(Console(file=full), "en", "de")
    with pytest.raises(OutputError, match="standard output cannot be written: No space left"):
        for update in talk():
            sink.write(update)


def screen_after(output: str, width: int = 80) -> list[str]:
    """The lines a terminal shows after the control codes that rich uses."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", output):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
            column = 0
        elif part == "\r":
            column = 0
        elif part[0] == "\x1b":
            count = int(re.sub(r"\D", "", part) or 1)
            if part[-1] == "A":
                row = max(0, row - count)
            elif part[-1] == "K":
                lines[row] = ""
        else:
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
    assert all(len(line) <= width for line in lines)
    return lines
