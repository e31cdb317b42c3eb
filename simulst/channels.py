"""One session into several languages, each on a channel of its own.

What `simulst.session` does for one language is done here for many: the source is fed once, and
each channel has its emissions stamped, scored and written to its own sinks. A recording keeps the
sound once, and a journal for each language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from simulst.emit.files import in_language
from simulst.emit.jsonl import Journal
from simulst.emit.recording import JOURNAL, Sound
from simulst.session import Clock, Session, stamped
from simulst.types import Update

if TYPE_CHECKING:
    from simulst.booth import Booth
    from simulst.conference import Conference
    from simulst.evaluate.session import SessionScores
    from simulst.protocols import Sink

__all__ = ["Channel", "ChannelSession", "Display", "channel_of"]


class Display(Protocol):
    """Shows all languages together."""

    def write(self, updates: Mapping[str, Update]) -> None:
        """Show one step: what it gave for every target language.

        Raises:
            OutputError: it could not be shown.
        """
        ...

    def close(self) -> None:
        """Finish the output; called once, also after an error."""
        ...


@dataclass
class Channel:
    """What becomes of one target language.

    Attributes:
        language: ISO 639-1.
        signature: what made it, for logs.
        scores: its own.
        sinks: each gets every update of this language.
    """

    language: str
    signature: dict[str, Any]
    scores: SessionScores
    sinks: list[Sink] = field(default_factory=list)


class ChannelSession(Session):
    """A session of a `Conference`.

    The session's own sinks hear the sound, and are told the words of no language.

    Args:
        conference: the engine; each of its booths gets a channel.
        clock: as for `Session`.

    Attributes:
        channels: in the order of the booths.
        displays: each gets every update of all languages.
    """

    def __init__(self, conference: Conference, clock: Clock) -> None:
        self.channels = [channel_of(booth) for booth in conference.booths.values()]
        self.displays: list[Display] = []
        self._conference = conference
        super().__init__(conference, clock, self.channels[0].scores)

    def record(self, folder: Path) -> None:
        """Keep the session in a folder, as a talk for `simulst finetune`.

        Raises:
            OutputError: the files cannot be made.
        """
        self.sinks.append(Sound(folder))
        for channel in self.channels:
            path = in_language(folder / JOURNAL, channel.language, several=True)
            channel.sinks.append(Journal(path, channel.signature))

    def show(self, duration: int | None) -> None:
        """Show all languages on standard output.

        Args:
            duration: of the source in samples, or None where it has no end.

        Raises:
            OutputError: it cannot be written.
        """
        from rich.console import Console

        from simulst.emit.multilingual import Multilingual

        spaces = {target: booth.space for target, booth in self._conference.booths.items()}
        spoken = self._conference.source_language
        self.displays.append(Multilingual(Console(), spoken, spaces, duration))

    def _take(self, given: Mapping[str, Update], now: int) -> None:
        updates = {language: stamped(update, now) for language, update in given.items()}
        for channel in self.channels:
            update = updates[channel.language]
            self.recognised = self.recognised or bool(update.committed)
            channel.scores.add(update)
            for sink in channel.sinks:
                with self._noting():
                    sink.write(update)
        for display in self.displays:
            with self._noting():
                display.write(updates)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Close every sink in the end, also after an error."""
        with super().closing():
            try:
                yield
            finally:
                self._close()

    def _close(self) -> None:
        for channel in self.channels:
            for sink in channel.sinks:
                with self._noting():
                    if isinstance(sink, Journal):
                        summary = channel.scores.summary(self.fed, self.compute_s)
                        sink.summarise(asdict(summary))
                with self._noting():
                    sink.close()
        for display in self.displays:
            with self._noting():
                display.close()


def channel_of(booth: Booth) -> Channel:
    """A channel without sinks for what a booth gives."""
    from simulst.evaluate.session import SessionScores

    scores = SessionScores(character=booth.space == "")
    return Channel(booth.target_language, booth.signature(), scores)
