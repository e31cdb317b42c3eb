"""Who is told what a session gives: its client, and those who read along in a language each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from simulst.server.history import History
from simulst.server.protocols import Outlet
from simulst.server.wire.base import Dropped, Failed, Given, News, Opened
from simulst.types import Update

__all__ = ["Audience"]


class Audience:
    """Of one session.

    Args:
        history: of the session.
        targets: languages of the client.

    Attributes:
        outlet: the client's connection, if there is one.
        cut_s: when it was lost; None while there is one.
        readers: with the language that each of them reads.
    """

    def __init__(self, history: History, targets: Sequence[str]) -> None:
        self.outlet: Outlet | None = None
        self.cut_s: float | None = None
        self.readers: dict[Outlet, str] = {}
        self._history = history
        self._targets = tuple(targets)
        self._tentative: dict[str, tuple[str, str]] = {}

    # -- coming and going ----------------------------------------------------------------------

    def attach(self, outlet: Outlet, opened: Opened) -> None:
        """The client comes."""
        self.outlet = outlet
        outlet.tell(opened)

    def resume(self, outlet: Outlet, opened: Opened, after: int) -> None:
        """The client comes back on another connection; the one before is closed.

        Raises:
            ProtocolError: news that the client has not seen are not kept any more.
        """
        missed = self._history.after(after, self._targets)
        before, self.outlet, self.cut_s = self.outlet, outlet, None
        if before is not None:
            before.leave(1008, "the session went on with another connection")
        _tell(outlet, opened, missed)

    def read_along(self, outlet: Outlet, opened: Opened, after: int | None, target: str) -> None:
        """Somebody begins to read a language.

        Raises:
            ProtocolError: what came after a number is not kept any more.
        """
        missed = [] if after is None else self._history.after(after, (target,))
        _tell(outlet, _for_reader(opened, target), missed)
        self.readers[outlet] = target

    def part(self, outlet: Outlet) -> str | None:
        """A reader goes; the language that nobody reads any more, if there is one."""
        target = self.readers.pop(outlet, None)
        return None if target in self.readers.values() else target

    def dismiss(self, code: int, reason: str) -> None:
        """Close all connections."""
        for outlet in (self.outlet, *self.readers):
            if outlet is not None:
                outlet.leave(code, reason)
        self.outlet = None
        self.readers.clear()

    # -- news ----------------------------------------------------------------------------------

    def tell(self, news: News) -> None:
        """Tell everybody."""
        self.tell_client(news)
        for reader in list(self.readers):
            reader.tell(news)

    def tell_client(self, news: News) -> None:
        """Tell the client alone."""
        if self.outlet is not None:
            self.outlet.tell(news)

    def restart(self, opened: Opened) -> None:
        """The session begins again: what was tentative is so no more."""
        self._tentative.clear()
        self.tell_client(opened)
        for reader, target in list(self.readers.items()):
            reader.tell(_for_reader(opened, target))

    def give(self, target: str, update: Update, at_ms: int) -> None:
        """Tell what a step gave in a language, to those who want it, if there is anything new."""
        tentative = update.tentative_source, update.tentative_target
        lasting = update.committed or update.emissions or update.verdicts
        if not lasting and tentative == self._tentative.get(target, ("", "")):
            return
        self._tentative[target] = tentative
        given = self._history.add(update, at_ms, target)
        if target in self._targets:
            self.tell_client(given)
        for reader, wanted in list(self.readers.items()):
            if wanted == target:
                reader.tell(given)

    def lose(self, target: str, failed: Failed) -> None:
        """A language has failed, and the session goes on without it."""
        if target in self._targets:
            self.tell_client(Dropped(target, failed.message))
        for reader, wanted in list(self.readers.items()):
            if wanted == target:
                del self.readers[reader]
                reader.tell(failed)
                reader.leave(1011, failed.message[:100])


def _for_reader(opened: Opened, target: str) -> Opened:
    """Without what would let them send, resume, or know what the client agreed on."""
    return replace(opened, session="", memo=None, target=target, more=())


def _tell(outlet: Outlet, opened: Opened, missed: Sequence[Given]) -> None:
    outlet.tell(opened)
    for given in missed:
        outlet.tell(given)
