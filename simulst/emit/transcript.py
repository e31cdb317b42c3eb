"""A session's words, sentence by sentence, and what all views of them need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.text import Text

from simulst.emit.breaks import wide
from simulst.errors import OutputError
from simulst.types import SAMPLE_RATE, Emission, SentenceEnd, Update

__all__ = ["Sentence", "Transcript", "time_of", "with_tentative", "writing"]


@dataclass(slots=True)
class Sentence:
    """A sentence as far as it is final."""

    source: str = ""
    target: str = ""

    def write(self, unit: Emission) -> None:
        """Append a unit; the space before the first one belongs to the sentence break."""
        self.target += (unit.space if self.target else "") + unit.text


@dataclass(slots=True)
class Transcript:
    """Sentences that are open: at most the one being heard, and what is late.

    Attributes:
        current: index of the sentence being heard.
        space: what the target language puts between units.
        open: by index.
    """

    current: int = 0
    space: str = " "
    open: dict[int, Sentence] = field(default_factory=dict)

    def at(self, index: int) -> Sentence:
        """The sentence of that index, opened if it is not."""
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
            if unit.index:
                self.space = unit.space
            elif wide(unit.text):  # the first one has none before it; what is tentative follows
                self.space = ""
        done = [i for i in sorted(self.open) if i < self.current or update.ended]
        return [self.open.pop(i) for i in done]


@contextmanager
def writing() -> Iterator[None]:
    """Name what stopped the lines; rich leaves by SystemExit when a pipe breaks."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error
    except SystemExit as error:
        raise OutputError("standard output cannot be written: its reader has gone") from error


def with_tentative(final: str, space: str, tentative: str) -> Text:
    """Final text, and dimmed behind it what may still change."""
    text = Text(final)
    if tentative:
        text.append((space if final else "") + tentative, style="dim")
    return text


def time_of(samples: int) -> str:
    """Minutes and seconds."""
    minutes, seconds = divmod(samples // SAMPLE_RATE, 60)
    return f"{minutes}:{seconds:02}"
