"""Source and several translations as they grow, on a terminal or into a pipe.

A sentence is a line for each language, labelled with it: on a terminal the open one is drawn in
place, uncertain text dimmed, and scrolls up when it is finished; elsewhere only finished ones are
written. `simulst.emit.terminal` does it for one target language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from simulst.emit.layout import Tail, labelled
from simulst.emit.transcript import Sentence, Transcript, time_of, with_tentative, writing
from simulst.types import Update

__all__ = ["Multilingual"]

Sentences = Sequence[Sentence]
"""One and the same sentence, with its translation into each target language."""


class Multilingual:
    """Shows a session in several languages.

    Args:
        console: where; its width, colours and whether it is a terminal decide the form.
        source_language: label of the first line.
        spaces: the target languages in the order of their lines, and what stands between two
            units of each.
        duration: of the source in samples, or None where it has no end.

    Raises:
        OutputError: the lines cannot be written, because the disk is full or the reader of the
            pipe has gone.
    """

    def __init__(
        self,
        console: Console,
        source_language: str,
        spaces: Mapping[str, str],
        duration: int | None = None,
    ) -> None:
        self._console = console
        self._labels = (source_language, *spaces)
        self._transcripts = {name: Transcript(space=space) for name, space in spaces.items()}
        self._duration = duration
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(console=console, auto_refresh=False, transient=True)
            with writing():
                self._live.start()
                # a process killed in the middle must not leave the terminal without a cursor
                console.show_cursor(True)

    def write(self, updates: Mapping[str, Update]) -> None:
        """Show one step: what it gave for every target language."""
        # all have heard the same, so that they finish the same sentences
        taken = [each.take(updates[name]) for name, each in self._transcripts.items()]
        finished = list(zip(*taken, strict=True))
        with writing():
            if self._live is None:
                self._print_plain(finished)
                return
            with self._console:  # in one write, or for a moment a sentence would be there twice
                self._print(finished)
                self._live.update(self._open_sentence(updates), refresh=True)

    def close(self) -> None:
        """Leave the open sentence as ordinary lines."""
        opened = [[each.open.pop(i) for i in sorted(each.open)] for each in self._all()]
        left = list(zip(*opened, strict=True))
        with writing():
            if self._live is None:
                self._print_plain(left)
                return
            with self._console:
                self._live.stop()
                self._print(left)

    def _all(self) -> list[Transcript]:
        return list(self._transcripts.values())

    def _print_plain(self, finished: Iterable[Sentences]) -> None:
        for sentences in finished:
            texts = (sentences[0].source, *(sentence.target for sentence in sentences))
            for label, text in zip(self._labels, texts, strict=True):
                if text:
                    self._console.print(
                        Text(f"{label}  {text}"), soft_wrap=True, highlight=False, markup=False
                    )

    def _print(self, finished: Sequence[Sentences]) -> None:
        tables = [
            labelled(self._labels, [Text(s[0].source), *(Text(each.target) for each in s)])
            for s in finished
        ]
        if tables:
            self._console.print(Group(*tables))

    def _open_sentence(self, updates: Mapping[str, Update]) -> Group:
        """What is being said, with what may still change of it."""
        now = [each.open.get(each.current, Sentence()) for each in self._all()]
        given = [updates[name] for name in self._transcripts]
        texts = [with_tentative(now[0].source, " ", given[0].tentative_source)]
        for sentence, each, update in zip(now, self._all(), given, strict=True):
            texts.append(with_tentative(sentence.target, each.space, update.tentative_target))
        ends = [] if self._duration is None else [self._duration]
        time = " / ".join(map(time_of, (given[0].heard, *ends)))
        # with many languages a long sentence may be taller than the terminal
        lines = Tail(labelled(self._labels, texts), max(1, self._console.height - 2))
        return Group(lines, Text(time, style="dim"))
