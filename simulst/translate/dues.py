"""What a sentence owes to a glossary: which terms were said and are not written yet.

All of it follows from the words that may be seen and from what has been written, so there is
nothing to remember. Whether a word translates a term is told by what its probability loses when
the term is taken out of the source.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from simulst.glossary import Terms, bare
from simulst.protocols import Prefix, Request

__all__ = ["Due", "Ledger", "Unit", "beginning", "without"]

EVIDENT = 3.0
"""Nats that a word loses without the source term that it translates, at least."""
EQUAL = 1.0
"""The same for a word that is spelt as the term's target begins."""
LATE = 3
"""Target units beyond the term's place in the source, from which on `EQUAL` is enough."""


Unit = tuple[str, tuple[int, ...]]
"""Text and subwords."""


@dataclass(frozen=True, slots=True)
class Due:
    """A term that is to be written.

    Attributes:
        start, end: its source words.
        target: as it must appear; empty for a term whose last words are not heard yet.
        units: text and subwords of each of its units.
    """

    start: int
    end: int
    target: str = ""
    units: tuple[Unit, ...] = ()


class Ledger:
    """Reads from requests what is due.

    Args:
        terms: of the target language.
        spell: text and subwords of each unit of a text.
    """

    def __init__(self, terms: Terms, spell: Callable[[str], list[Unit]]) -> None:
        self._terms = terms
        self._units = {term.target: tuple(spell(term.target)) for term in terms.terms}

    def due(self, request: Request) -> tuple[Due, ...]:
        """Terms among the words that may be seen, and not among those written; from the left.

        Last comes one that the words end in the middle of, as long as others may follow.
        """
        words = request.source[: len(request.source) - request.withheld]
        written = {term for term in request.prefix.terms if term >= 0}
        found = [
            self._due(each.start, each.end, each.term.target)
            for each in self._terms.find(words)
            if written.isdisjoint(range(each.start, each.end))
        ]
        open_end = not request.closed or request.withheld > 0
        begun = self._terms.begun(words) if open_end else None
        if begun is not None and written.isdisjoint(range(begun, len(words))):
            found = [each for each in found if each.end <= begun]
            found.append(Due(begun, len(words)))
        return tuple(found)

    def rest(self, request: Request) -> tuple[Due, int] | None:
        """The term that the written part ends in the middle of, and its next unit."""
        prefix = request.prefix
        if not prefix.terms or prefix.terms[-1] < 0:
            return None
        start, count = prefix.terms[-1], 1
        while count < len(prefix.terms) and prefix.terms[-1 - count] == start:
            count += 1
        for each in self._terms.find(request.source):
            if each.start == start and count < len(self._units[each.term.target]):
                return self._due(start, each.end, each.term.target), count
        return None

    def _due(self, start: int, end: int, target: str) -> Due:
        return Due(start, end, target, self._units[target])


def without(request: Request, due: Due, cache: object) -> Request | None:
    """The request with the due's words taken out of the source; None if nothing is left to see.

    Args:
        request: in which it is due.
        due: its words are among those that may be seen.
        cache: of the request without them.
    """
    source = request.source[: due.start] + request.source[due.end :]
    if len(source) + request.closed <= request.withheld or not source:
        return None

    def still(seen: int) -> int:
        return max(1, seen - min(max(seen - due.start, 0), due.end - due.start))

    prefix = request.prefix
    seen = tuple(map(still, prefix.seen))
    fewer = Prefix(prefix.tokens, prefix.lengths, seen)
    return replace(request, source=source, prefix=fewer, cache=cache)


def beginning(
    units: Sequence[str],
    dues: Sequence[Due],
    losses: Sequence[Sequence[float]],
    written: int = 0,
) -> tuple[int, int] | None:
    """The first unit that translates a term, and which term it is.

    An article may lose much as well; it stands before a word that loses more.

    Args:
        units: drafted, not yet of a term.
        dues: what is due before them.
        losses: for each due, of each unit, in nats.
        written: units before them.

    Returns:
        Indices of the unit and of the due.
    """
    for i, unit in enumerate(units):
        best, most = -1, -math.inf
        for j, (loss, due) in enumerate(zip(losses, dues, strict=True)):
            same = bool(due.units) and bare(unit) == bare(due.units[0][0])
            late = written + i >= due.end + LATE
            needed = EQUAL if same or late else EVIDENT
            follows = i + 1 < len(units) and loss[i] < loss[i + 1]
            if loss[i] >= needed and loss[i] > most and not follows:
                best, most = j, loss[i]
        if best >= 0:
            return i, best
    return None
