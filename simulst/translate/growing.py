"""A draft that is put together from parts, some drafted freely and some given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from simulst.protocols import Prefix, Request
from simulst.translate.dues import Unit
from simulst.types import Draft

__all__ = ["Growing", "behind", "cut", "given", "joined", "without_first"]


def cut(draft: Draft, units: int) -> Draft:
    """The first units of a draft, open at the end if any are left out."""
    if units >= len(draft.units):
        return draft
    tokens = sum(draft.lengths[:units])
    return replace(
        draft,
        tokens=draft.tokens[:tokens],
        lengths=draft.lengths[:units],
        units=draft.units[:units],
        log_q=draft.log_q[:tokens],
        entropy=draft.entropy[:tokens],
        finished=False,
        terms=draft.terms[:units],
    )


def behind(request: Request, draft: Draft) -> Request:
    """The request for what comes after a draft."""
    prefix, units = request.prefix, len(draft.units)
    return replace(
        request,
        prefix=Prefix(
            prefix.tokens + draft.tokens,
            prefix.lengths + draft.lengths,
            prefix.seen + (len(request.source) + request.closed,) * units,
            prefix.terms + (draft.terms or (-1,) * units),
        ),
    )


def given(units: Sequence[Unit]) -> Draft:
    """Units that are written whatever the translator thinks of them."""
    tokens = tuple(token for _, unit in units for token in unit)
    certain = (0.0,) * len(tokens)
    lengths = tuple(len(unit) for _, unit in units)
    return Draft(tokens, lengths, tuple(text for text, _ in units), certain, certain)


def without_first(draft: Draft, units: int) -> Draft:
    """A draft without its first units."""
    tokens = sum(draft.lengths[:units])
    return Draft(
        draft.tokens[tokens:],
        draft.lengths[units:],
        draft.units[units:],
        draft.log_q[tokens:],
        draft.entropy[tokens:],
    )


def joined(parts: Sequence[Draft]) -> Draft:
    """Drafts one after another."""
    first, *others = parts
    for part in others:
        first = Draft(
            first.tokens + part.tokens,
            first.lengths + part.lengths,
            first.units + part.units,
            first.log_q + part.log_q,
            first.entropy + part.entropy,
        )
    return first


@dataclass(slots=True)
class Growing:
    """A sentence while its draft grows.

    Attributes:
        request: for what comes next; its cache is the translator's own.
        left: units that may still come.
        draw: as of `Translator.draft`.
        fewer: caches of the source without a term, by the term's words.
        parts: of the draft, in order.
        going_on: more may come.
        finished: the sentence may end after what is there.
    """

    request: Request
    left: int
    draw: Callable[[int], float] | None
    fewer: dict[tuple[int, int], object]
    parts: list[Draft] = field(default_factory=list)
    going_on: bool = True
    finished: bool = False

    def take(self, part: Draft) -> None:
        """Go on with a part."""
        self.parts.append(part)
        self.request = behind(self.request, part)
        self.left -= len(part.units)
        self.going_on = self.left > 0

    def end(self, finished: bool) -> None:
        """Nothing more comes."""
        self.going_on, self.finished = False, finished

    def draft(self) -> Draft:
        """All that is there."""
        units = tuple(unit for part in self.parts for unit in part.units)
        terms = self.request.prefix.terms
        return Draft(
            tokens=tuple(token for part in self.parts for token in part.tokens),
            lengths=tuple(length for part in self.parts for length in part.lengths),
            units=units,
            log_q=tuple(log_q for part in self.parts for log_q in part.log_q),
            entropy=tuple(nats for part in self.parts for nats in part.entropy),
            finished=self.finished,
            withheld=self.request.withheld,
            terms=terms[len(terms) - len(units) :],
        )
