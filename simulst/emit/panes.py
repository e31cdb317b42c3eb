"""A live session on a terminal: on the left what is heard, on the right its translation.

Finished sentences scroll up as ordinary lines; the one being heard is drawn in place, uncertain
text dimmed, above a line that says how the source is doing. That line is alive while no words
come. A terminal too narrow for two panes shows one above the other.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from simulst.emit.layout import Tail, labelled, side_by_side
from simulst.emit.status import Status, status_line
from simulst.emit.transcript import Sentence, Transcript, time_of, with_tentative, writing
from simulst.errors import OutputError
from simulst.types import SAMPLE_RATE, Update

__all__ = ["Panes"]

NARROW = 60  # columns; below there is one pane
REFRESH_S = 0.125
LAST = 8  # units whose lag is shown, on average


class Panes:
    """Sink that shows a live session.

    Args:
        console: a terminal that knows control codes.
        source_language, target_language: heads of the panes.
        status: of the source, asked for again and again, in another thread too.

    Raises:
        OutputError: the terminal cannot be written to.
    """

    def __init__(
        self,
        console: Console,
        source_language: str,
        target_language: str,
        status: Callable[[], Status],
    ) -> None:
        self._console = console
        self._labels = source_language, target_language
        self._status = status
        self._transcript = Transcript()
        self._last = Update(heard=0)
        self._lags: deque[int] = deque(maxlen=LAST)
        self._drawing = threading.Lock()
        self._done = threading.Event()
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stderr=sys.stderr.isatty(),  # a file keeps what it was to get
            get_renderable=self._picture,
        )
        with writing():
            if not self._narrow:
                heads = tuple(Text(label, style="cyan") for label in self._labels)
                console.print(side_by_side([(heads[0], heads[1])], console.width))
            self._live.start()
            # a process killed in the middle must not leave the terminal without a cursor
            console.show_cursor(True)
        self._thread = threading.Thread(target=self._refresh, daemon=True)
        self._thread.start()

    def write(self, update: Update) -> None:
        """Take in one update; show at once what it finished or added."""
        with self._drawing, writing():
            finished = self._transcript.take(update)
            self._last = update
            for unit in update.emissions:
                if unit.elapsed is not None:
                    self._lags.append(unit.elapsed - unit.spoken)
            if update.committed or update.emissions:
                with self._console:  # in one write, or a sentence would be there twice for a moment
                    self._print(finished)
                    self._live.refresh()

    def close(self) -> None:
        """Leave the open sentence as ordinary lines and take the rest away."""
        self._done.set()
        self._thread.join()
        left, self._transcript = self._transcript, Transcript()
        with self._drawing, writing(), self._console:
            self._live.stop()
            self._print([left.open[index] for index in sorted(left.open)])

    def _refresh(self) -> None:
        while not self._done.wait(REFRESH_S):
            try:
                with self._drawing, writing():
                    self._live.refresh()
            except OutputError:  # the next update meets it, too
                return

    @property
    def _narrow(self) -> bool:
        return self._console.width < NARROW

    def _print(self, sentences: Sequence[Sentence]) -> None:
        for sentence in sentences:
            texts = Text(sentence.source), Text(sentence.target)
            if self._narrow:
                self._console.print(labelled(self._labels, texts))
            else:
                rows = [texts, (Text(), Text())]
                self._console.print(side_by_side(rows, self._console.width))

    def _picture(self) -> RenderableType:
        width, height = self._console.size
        sentence = self._transcript.open.get(self._transcript.current, Sentence())
        texts = (
            with_tentative(sentence.source, " ", self._last.tentative_source),
            with_tentative(sentence.target, self._transcript.space, self._last.tentative_target),
        )
        status = status_line(
            self._status(),
            time_of(self._last.heard),
            sum(self._lags) / len(self._lags) / SAMPLE_RATE if self._lags else None,
            width,
            self._console.options.ascii_only,
        )
        if not any(text.plain for text in texts):
            return status
        words = labelled(self._labels, texts) if self._narrow else side_by_side([texts], width)
        return Group(Tail(words, max(1, height - 2)), status)
