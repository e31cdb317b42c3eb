"""What a microphone's user sees on a terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pyte
import pytest
from rich.console import Console

from simulst.emit.panes import Panes
from simulst.emit.status import Status
from simulst.errors import OutputError
from simulst.types import Update, Word
from tests.emit.units import talk, unit


class Glass(io.StringIO):
    """A terminal that draws what is written to it."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__()
        self.screen = pyte.HistoryScreen(width, height, history=1_000)
        self._stream = pyte.Stream(self.screen)

    def write(self, text: str) -> int:
        """Draw; a line feed begins a line, as it does behind a terminal's driver."""
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def isatty(self) -> bool:
        """It is one."""
        return True

    @property
    def rows(self) -> list[str]:
        """What can be read."""
        return [line.rstrip() for line in self.screen.display if line.strip()]


@pytest.fixture
def status() -> Status:
    """All is well."""
    return Status("listening", level_db=-30.0, keys="p pause  q quit")


def panes(
    status: Status, width: int = 80, height: int = 24, **options: object
) -> tuple[Panes, Glass]:
    """A view, and where it is seen; it only refreshes when it is told to."""
    glass = Glass(width, height)
    console = Console(
        file=glass,
        width=width,
        height=height,
        force_terminal=True,
        **options,  # type: ignore[arg-type]
    )
    return Panes(console, "en", "de", lambda: status), glass


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread draws by itself."""
    monkeypatch.setattr("simulst.emit.panes.REFRESH_S", 60)


def words(text: str) -> Update:
    """Words that were heard and translated, in a sentence that goes on."""
    heard = tuple(Word(word, 0, 100) for word in text.split())
    return Update(32_000, heard, tuple(unit(n, word, 1.0) for n, word in enumerate(text.split())))


def test_words_stand_beside_their_translation(status: Status) -> None:
    """Heard on the left, written on the right, what may change dimmed, the status below."""
    view, glass = panes(status)
    for update in talk()[:2]:
        view.write(update)
    heads, sentence, line = glass.rows
    assert [part.strip() for part in heads.split("│")] == ["en", "de"]
    assert [part.strip() for part in sentence.split("│")] == ["Good morning", "Guten Morgen"]
    assert sentence.index("│") == heads.index("│") == 39
    assert line.startswith("█████░░░░░ -30 dB  listening  ")
    assert line.endswith("overflows 0  p pause  q quit")
    view.close()


def test_tentative_words_are_dimmed(status: Status) -> None:
    """What may still change looks different from what is final, in both panes."""
    screen = io.StringIO()
    console = Console(file=screen, width=80, force_terminal=True, no_color=True)
    view = Panes(console, "en", "de", lambda: status)
    view.write(talk()[0])
    view.write(talk()[1])
    output = screen.getvalue()
    view.close()
    assert re.search(r"Good(\x1b\[0m)?\x1b\[2m morning", output)
    assert re.search(r"Guten(\x1b\[0m)?\x1b\[2m Morgen", output)


def test_in_the_end_only_the_words_are_left(status: Status) -> None:
    """Finished sentences stay, the open one too; meter and status are gone, the cursor is back."""
    view, glass = panes(status)
    for update in talk():
        view.write(update)
    view.close()
    left = [" ".join(row.partition("│")[0].split()) for row in glass.rows]
    right = [" ".join(row.partition("│")[2].split()) for row in glass.rows]
    assert [part for part in left if part] == ["en", "Good morning.", "Thanks."]
    assert [part for part in right if part] == ["de", "Guten Morgen.", "Danke."]
    assert not glass.screen.cursor.hidden


@pytest.mark.parametrize("width", [60, 80, 81, 200])
def test_long_sentences_wrap_in_their_pane(status: Status, width: int) -> None:
    """Every word is there, whole, and no line is longer than the terminal."""
    text = " ".join(f"word{n}" for n in range(40))
    view, glass = panes(status, width)
    view.write(words(text))
    middle = (width - 3) // 2
    rows = [row for row in glass.rows[1:] if "│" in row]
    assert " ".join(row[:middle].strip() for row in rows).split() == text.split()
    assert " ".join(row[middle + 2 :].strip() for row in rows).split() == text.split()
    view.close()


def test_a_word_longer_than_its_pane_is_folded(status: Status) -> None:
    """Nothing is cut off at the line between the panes."""
    view, glass = panes(status)
    view.write(words("x" * 100))
    assert "".join(glass.rows).count("x") == 200
    view.close()


def test_a_sentence_higher_than_the_terminal_shows_its_end(status: Status) -> None:
    """The newest words are on the screen, and the status is below them."""
    text = " ".join(f"word{n}" for n in range(200))
    view, glass = panes(status, height=10)
    for _ in range(3):
        view.write(words(text))
    assert any("word199" in row for row in glass.rows)
    assert "listening" in glass.rows[-1]
    view.close()
    everything = [
        *("".join(line[x].data for x in range(80)) for line in glass.screen.history.top),
        *glass.screen.display,
    ]
    assert "".join(everything).count("word0 ") == 2 * 3


def test_a_narrow_terminal_has_one_pane(status: Status) -> None:
    """Below 60 columns the translation stands under the words, and less of the status is shown."""
    view, glass = panes(status, 40)
    for update in talk()[:2]:
        view.write(update)
    *lines, line = glass.rows
    assert lines == ["en  Good morning", "de  Guten Morgen"]
    assert line.startswith("█████░░░░░ -30 dB  listening")
    assert "quit" not in line
    view.close()


def test_the_status_is_alive_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Level and state change while nothing is said."""
    monkeypatch.setattr("simulst.emit.panes.REFRESH_S", 0.01)
    states = iter([*[Status("listening")] * 2, *[Status("gone", well=False)] * 10_000])
    glass = Glass(80, 24)
    view = Panes(Console(file=glass, width=80, force_terminal=True), "en", "de", states.__next__)
    for _ in range(500):
        if glass.rows and " gone " in glass.rows[-1]:
            break
        view._done.wait(0.01)
    assert " gone " in glass.rows[-1]
    view.close()


def test_a_terminal_that_breaks_is_an_error() -> None:
    """What cannot be shown is named."""
    full = io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)
    with pytest.raises(OutputError, match="standard output cannot be written: No space left"):
        Panes(Console(file=full, width=80, force_terminal=True), "en", "de", lambda: Status("gone"))


def test_the_lag_is_that_of_the_last_words(status: Status) -> None:
    """It is measured from the end of the last source word that was read."""
    view, glass = panes(status)
    assert "lag" not in glass.rows[-1]
    late = [replace(unit(n, "so", 1.0), elapsed=16_000 * (2 + n)) for n in (1, 2)]
    view.write(Update(64_000, (), tuple(late)))
    assert "lag 2.5 s" in glass.rows[-1]
    view.close()
