"""Source and translation as they grow, on a terminal or into a pipe.

On a terminal the open sentence is drawn in place, uncertain text dimmed, with a bar for a file
or the time for a microphone; a finished sentence scrolls up as ordinary lines. Elsewhere each
finished sentence is two plain lines. Emitted text is never taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from simulst.errors import OutputError
from simulst.types import SAMPLE_RATE, Emission, SentenceEnd, Update

__all__ = ["Sentence", "Terminal"]


@dataclass(slots=True)
class Sentence:
    """A sentence as far as it is final."""

    source: str = ""
    target: str = ""

    def write(self, unit: Emission) -> None:
        """Append a unit; the space before the first one belongs to the sentence break."""
        self.target += (unit.space if self.target else "") + unit.text


@dataclass(slots=True)
class _Transcript:
    """Sentences that are open, by their index; at most the one being heard and what is late."""

    current: int = 0
    space: str = " "
    open: dict[int, Sentence] = field(default_factory=dict)

    def at(self, index: int) -> Sentence:
        return self.open.setdefault(index, Sentence())

    def take(self, update: Update) -> list[Sentence]:
        """Take in an update; return the sentences that it finished, in order."""
        for item in update.committed:
            if isinstance(item, SentenceEnd):
                self.current += 1
            else:
                sentence = self.at(self.current)
                sentence.source += (" " if sentence.source else "") + item.text
        for unit in update.emissions:
            self.at(unit.sentence).write(unit)
            self.space = unit.space if unit.index else self.space
        done = [i for i in sorted(self.open) if i < self.current or update.ended]
        return [self.open.pop(i) for i in done]


class Terminal:
    """Sink that shows a session.

    Args:
        console: where; its width, colours and whether it is a terminal decide the form.
        source_language, target_language: labels of the lines.
        duration: of the source in samples, or None where it has no end.

    Raises:
        OutputError: the lines cannot be written, because the disk is full or the reader of the
            pipe has gone.
    """

    def __init__(
        self,
        console: Console,
        source_language: str,
        target_language: str,
        duration: int | None = None,
    ) -> None:
        self._console = console
        self._labels = source_language, target_language
        self._duration = duration
        self._transcript = _Transcript()
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(console=console, auto_refresh=False, transient=True)
            with _writing():
                self._live.start()
                # a process killed in the middle must not leave the terminal without a cursor
                console.show_cursor(True)

    def write(self, update: Update) -> None:
        """Show one update."""
        finished = self._transcript.take(update)
        with _writing():
            if self._live is None:
                self._print_plain(finished)
                return
            with self._console:  # in one write, or for a moment a sentence would be there twice
                if finished:
                    self._console.print(Group(*map(self._lines, finished)))
                self._live.update(self._open_sentence(update), refresh=True)

    def close(self) -> None:
        """Leave the open sentence as ordinary lines and take the bar away."""
        left, self._transcript = self._transcript, _Transcript()
        sentences = [left.open[index] for index in sorted(left.open)]
        with _writing():
            if self._live is None:
                self._print_plain(sentences)
                return
            with self._console:
                self._live.stop()
                if sentences:
                    self._console.print(Group(*map(self._lines, sentences)))

    def _print_plain(self, sentences: Sequence[Sentence]) -> None:
        for sentence in sentences:
            for label, text in zip(self._labels, (sentence.source, sentence.target), strict=True):
                if text:
                    self._console.print(
                        Text(f"{label}  {text}"), soft_wrap=True, highlight=False, markup=False
                    )

    def _lines(self, sentence: Sentence, source: str = "", target: str = "") -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="cyan")
        table.add_column(overflow="fold")
        rows = (
            _text(sentence.source, " ", source),
            _text(sentence.target, self._transcript.space, target),
        )
        for label, text in zip(self._labels, rows, strict=True):
            if text.plain:
                table.add_row(label, text)
        return table

    def _open_sentence(self, update: Update) -> RenderableType:
        sentence = self._transcript.open.get(self._transcript.current, Sentence())
        lines = self._lines(sentence, update.tentative_source, update.tentative_target)
        return Group(lines, self._bar(update.heard))

    def _bar(self, heard: int) -> RenderableType:
        if self._duration is None:
            return Text(_time(heard), style="dim")
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(
                total=max(1, self._duration), completed=min(heard, self._duration), width=40
            ),
            Text(f"{_time(heard)} / {_time(self._duration)}", style="dim"),
        )
        return bar


@contextmanager
def _writing() -> Iterator[None]:
    """Name what stopped the lines; rich leaves by SystemExit when a pipe breaks."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error
    except SystemExit as error:
        raise OutputError("standard output cannot be written: its reader has gone") from error


def _text(final: str, space: str, tentative: str) -> Text:
    text = Text(final)
    if tentative:
        text.append((space if final else "") + tentative, style="dim")
    return text


def _time(samples: int) -> str:
    minutes, seconds = divmod(samples // SAMPLE_RATE, 60)
    return f"{minutes}:{seconds:02}"
