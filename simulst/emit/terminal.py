"""Source and translation as they grow, on a terminal or into a pipe.

On a terminal the open sentence is drawn in place, uncertain text dimmed, with a bar for a file
or the time for a microphone; a finished sentence scrolls up as ordinary lines. Elsewhere each
finished sentence is two plain lines. Emitted text is never taken back.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from simulst.emit.layout import labelled
from simulst.emit.transcript import Sentence, Transcript, time_of, with_tentative, writing
from simulst.types import Update

__all__ = ["Terminal"]


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
        self._transcript = Transcript()
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(console=console, auto_refresh=False, transient=True)
            with writing():
                self._live.start()
                # a process killed in the middle must not leave the terminal without a cursor
                console.show_cursor(True)

    def write(self, update: Update) -> None:
        """Show one update."""
        finished = self._transcript.take(update)
        with writing():
            if self._live is None:
                self._print_plain(finished)
                return
            with self._console:  # in one write, or for a moment a sentence would be there twice
                if finished:
                    self._console.print(Group(*map(self._lines, finished)))
                self._live.update(self._open_sentence(update), refresh=True)

    def close(self) -> None:
        """Leave the open sentence as ordinary lines and take the bar away."""
        left, self._transcript = self._transcript, Transcript()
        sentences = [left.open[index] for index in sorted(left.open)]
        with writing():
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
        rows = (
            with_tentative(sentence.source, " ", source),
            with_tentative(sentence.target, self._transcript.space, target),
        )
        return labelled(self._labels, rows)

    def _open_sentence(self, update: Update) -> RenderableType:
        sentence = self._transcript.open.get(self._transcript.current, Sentence())
        lines = self._lines(sentence, update.tentative_source, update.tentative_target)
        return Group(lines, self._bar(update.heard))

    def _bar(self, heard: int) -> RenderableType:
        if self._duration is None:
            return Text(time_of(heard), style="dim")
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(
                total=max(1, self._duration), completed=min(heard, self._duration), width=40
            ),
            Text(f"{time_of(heard)} / {time_of(self._duration)}", style="dim"),
        )
        return bar
