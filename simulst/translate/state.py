"""A sentence on its way, and what one step gave for it: values, so that a session is its state."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulst.protocols import Prefix
from simulst.types import Action, Draft, Reason, Verdict

__all__ = ["SentenceState", "Written", "reasons_of"]


@dataclass(frozen=True, slots=True, eq=False)
class SentenceState:
    """One sentence on its way.

    Attributes:
        sentence: its index in the session.
        source: words read.
        closed: no more will come, and the translation is complete.
        units: target units written.
        delays: source words read when each was written.
        reasons: why each was written.
        prefix: the same in subwords.
        caches: of the verifier (or the only translator), and of the drafter if it is another.
    """

    sentence: int = 0
    source: tuple[str, ...] = ()
    closed: bool = False
    units: tuple[str, ...] = ()
    delays: tuple[int, ...] = ()
    reasons: tuple[Reason, ...] = ()
    prefix: Prefix = field(default_factory=Prefix)
    caches: tuple[object, object] = (None, None)


@dataclass(frozen=True, slots=True)
class Written:
    """What one step gave for one sentence.

    Attributes:
        units: target units written now.
        reasons: why each was written.
        verdicts: every decision taken, holds included.
        tentative: drafted text that was held back.
    """

    units: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    tentative: str = ""

    @property
    def action(self) -> Action:
        """WRITE if anything was written."""
        return Action.WRITE if self.units else Action.READ


def reasons_of(draft: Draft, usual: Reason) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """Why the units of a draft are written, and why its tokens: as usual, or as a glossary's."""
    terms = draft.terms or (-1,) * len(draft.units)
    units = tuple(usual if term < 0 else Reason.TERM for term in terms)
    each = zip(units, draft.lengths, strict=True)
    return units, tuple(reason for reason, length in each for _ in range(length))
