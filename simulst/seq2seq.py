"""What is asked of a model of whole target sentences: drawing, scoring and learning them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

__all__ = ["Lesson", "Proposal", "Sample", "Seq2Seq", "Stepwise", "TrainableSeq2Seq", "Writing"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A target sentence to be drawn, when the whole source is there to learn from.

    Attributes:
        source: words of the whole sentence.
        lag: k of the wait-k schedule that it is written under; 0 to write after the whole
            source was read.
        temperature: of the distributions drawn from, > 0; 0 takes the most likely token.
        key: of its random numbers: the token at position t takes `draws.uniform(*key, t)`.
        prefix: tokens that it begins with.
    """

    source: tuple[str, ...]
    lag: int = 0
    temperature: float = 1.0
    key: tuple[int | str, ...] = ()
    prefix: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A target sentence that was drawn.

    Attributes:
        tokens: its subword ids, the prefix and the end of sentence included.
        log_q: of each token after the prefix, under the distribution that it was drawn from.
        finished: it ended by itself, not at the greatest length.
    """

    tokens: tuple[int, ...]
    log_q: tuple[float, ...]
    finished: bool


@runtime_checkable
class Seq2Seq(Protocol):
    """A model of whole target sentences: draws them and scores them.

    Targets are subword ids up to and including the end of sentence.
    """

    source_language: str
    target_language: str
    """As the model names them; "" for one that does not say."""
    vocabulary_id: str
    """Fingerprint of the subwords; whoever has the same can score this model's samples."""
    eos: int
    """The token that ends a sentence."""

    def tokens(self, text: str) -> tuple[int, ...]:
        """A target sentence in subwords, the end of sentence included."""
        ...

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that tokens spell; the end of sentence is left out."""
        ...

    def sample(self, proposals: Sequence[Proposal]) -> list[Sample]:
        """Draw one target for each proposal; equal sources are encoded once.

        What is drawn depends on the proposal alone, not on those beside it.
        """
        ...

    def score(
        self,
        sources: Sequence[tuple[str, ...]],
        targets: Sequence[tuple[int, ...]],
        lags: Sequence[int],
    ) -> list[tuple[float, ...]]:
        """Natural log-probability of every target token under the lag, at temperature 1."""
        ...

    def following(self, proposals: Sequence[Proposal]) -> NDArray[np.float64]:
        """Probabilities (B, V) of the token after each prefix, at the proposal's temperature."""
        ...


class Writing(Protocol):
    """Targets that are being written, a token of each at a time."""

    @property
    def live(self) -> Sequence[int]:
        """Rows that go on: neither ended nor at the greatest length."""
        ...

    def log_masses(self) -> NDArray[np.float32]:
        """(L, V) log-probabilities of the next token of every live row, at its temperature."""
        ...

    def take(self, tokens: Sequence[int]) -> None:
        """Go on with a token for every live row."""
        ...

    def branch(self, parents: Sequence[int]) -> None:
        """Go on with copies: row n becomes what live row `parents[n]` (its place) was.

        Between `log_masses` and `take`. Live rows that are nobody's parent end.
        """
        ...


@runtime_checkable
class Stepwise(Protocol):
    """A `Seq2Seq` that can be steered from token to token, which spares drafts in vain."""

    def write(self, proposals: Sequence[Proposal]) -> Writing:
        """Begin with the proposals' prefixes; equal sources are encoded once."""
        ...


@dataclass(frozen=True, slots=True)
class Lesson:
    """A target to learn from.

    Attributes:
        source: words of the whole sentence.
        tokens: the target, end of sentence included unless it is to be left open.
        weights: of each token in the loss, >= 0.
        lag: k of the schedule that it is learnt under; 0 for the whole source.
    """

    source: tuple[str, ...]
    tokens: tuple[int, ...]
    weights: tuple[float, ...]
    lag: int = 0


@runtime_checkable
class TrainableSeq2Seq(Seq2Seq, Protocol):
    """A `Seq2Seq` that can learn."""

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """What an optimiser changes."""
        ...

    def loss(
        self,
        lessons: Sequence[Lesson],
        anchor: TrainableSeq2Seq | None = None,
        pull: float = 0.0,
        smoothing: float = 0.0,
    ) -> torch.Tensor:
        """Weighted cross-entropy a token, plus pull x KL(this model || anchor) a token.

        Args:
            lessons: a batch.
            anchor: the model not to stray from, frozen; of the same subwords.
            pull: eta, >= 0.
            smoothing: of the labels, in [0, 1): share of the cross-entropy that is with all
                subwords alike (Szegedy et al. 2016).
        """
        ...

    def save(self, folder: Path, fields: Mapping[str, Any]) -> None:
        """Write the model so that it can be opened again; `fields` say how it came to be."""
        ...
