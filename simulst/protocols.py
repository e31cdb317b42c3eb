"""What the parts of the engine ask of each other.

Everything that computes takes many sessions at once: arguments and results are sequences of
the same length, and row i of the result belongs to row i of the argument. Nothing streaming
hides in an implementation; what must be remembered travels in the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from simulst.seq2seq import (
    Lesson,
    Proposal,
    Sample,
    Seq2Seq,
    Stepwise,
    TrainableSeq2Seq,
    Writing,
)
from simulst.types import Draft, Reason, Score, Update, Verdict, Window, Word

__all__ = [
    "Acceptor",
    "Lesson",
    "Prefix",
    "Proposal",
    "Request",
    "Sample",
    "Seq2Seq",
    "Sink",
    "Stepwise",
    "TrainableSeq2Seq",
    "Transcriber",
    "Translator",
    "Writing",
]


@runtime_checkable
class Transcriber(Protocol):
    """Recognises windows of speech."""

    languages: tuple[str, ...]

    def transcribe(self, windows: Sequence[Window]) -> list[tuple[Word, ...]]:
        """Return the words that follow each window's prefix, in order, up to the window's end.

        Word times are samples of the stream and lie inside the window.
        """
        ...


@dataclass(frozen=True, slots=True)
class Prefix:
    """A sentence as far as it has been written.

    Attributes:
        tokens: subword ids of the units written.
        lengths: number of tokens of each unit; sums to len(tokens).
        seen: for each unit, the source units its writer could see: source words, plus one if
            the sentence was closed. Cached and fresh decoding agree because both honour it.
        terms: as in `Draft`.
    """

    tokens: tuple[int, ...] = ()
    lengths: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    terms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One row of a translator's work.

    Attributes:
        source: source words that may be seen.
        closed: the source sentence ends after them; only then may the target sentence end.
        withheld: of `source`, how many of the last words the writer may not look at.
        prefix: what has been written so far.
        cache: what the same translator returned for this sentence before, or None. It is
            opaque, never wrong: a translator uses what still fits and recomputes the rest.
    """

    source: tuple[str, ...]
    closed: bool
    prefix: Prefix
    withheld: int = 0
    cache: object | None = None


@runtime_checkable
class Translator(Protocol):
    """A prefix-to-prefix translator: Seq2Seq with a forced target prefix."""

    source_language: str
    target_language: str
    vocabulary_id: str
    """Fingerprint of the subwords; whoever has the same can score this translator's drafts."""
    space: str
    """What stands between two target units: " ", or "" for scripts without spaces."""
    learned_lookbacks: tuple[int, ...]
    """The L of the drafts for which `score` gives `Score.expected`; empty without a network."""

    def draft(
        self,
        requests: Sequence[Request],
        limits: Sequence[int],
        draws: Sequence[Callable[[int], float] | None],
        temperature: float = 1.0,
    ) -> list[tuple[Draft, object]]:
        """Propose up to `limits[i]` further units, and return the new cache beside them.

        Args:
            requests: one a sentence; the end of sentence is masked while it is open.
            limits: target units at most, >= 1.
            draws: None for the most likely token; else a function from the token's position in
                the sentence to a number in [0, 1) that picks from the distribution.
            temperature: of that distribution, > 0.
        """
        ...

    def score(
        self, requests: Sequence[Request], drafts: Sequence[Draft], sharpness: float = 1.0
    ) -> list[tuple[Score, object]]:
        """Score whole drafts in one teacher-forced pass, and return the new cache beside them.

        Args:
            requests: one a sentence, as in `draft`.
            drafts: what to score; their tokens must be of this translator's vocabulary.
            sharpness: beta of p^beta renormalised, > 0.
        """
        ...


@runtime_checkable
class Acceptor(Protocol):
    """Decides how much of a draft may be written."""

    @property
    def name(self) -> str:
        """As in the settings."""
        ...

    @property
    def lookback(self) -> int:
        """L, the source words withheld from the draft; 0 lets the draft see all that was read."""
        ...

    @property
    def verifies(self) -> bool:
        """Whether `judge` needs the verifier's score."""
        ...

    @property
    def learned(self) -> bool:
        """Whether `judge` needs `Score.expected`."""
        ...

    @property
    def certain(self) -> bool:
        """Whether q is 1, so that p alone decides and may be q's own distribution."""
        ...

    @property
    def sharpness(self) -> float:
        """beta, the exponent of the verifier's distribution."""
        ...

    @property
    def reason(self) -> Reason:
        """What its verdicts and the units it lets through are marked with."""
        ...

    def judge(
        self,
        draft: Draft,
        score: Score | None,
        *,
        sentence: int,
        start: int,
        read: int,
        draw: Callable[[int], float],
    ) -> tuple[Verdict, ...]:
        """Judge tokens from left to right, up to and including the first rejection.

        Args:
            draft: the proposal.
            score: the verifier's view of it; None if `verifies` is false.
            sentence: index of the sentence in the session.
            start: position in the target sentence of the draft's first token.
            read: source words read.
            draw: position in the target sentence to u in [0, 1), the same at every retry.
        """
        ...


@runtime_checkable
class Sink(Protocol):
    """Takes what a session gives, as it comes."""

    def write(self, update: Update) -> None:
        """Show or store one update.

        Raises:
            OutputError: it could not be stored; what was stored before is kept.
        """
        ...

    def close(self) -> None:
        """Finish the output; called once, also after an error."""
        ...
