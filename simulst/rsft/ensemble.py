"""Several models that judge as one: P is the mean of theirs, token by token.

What one small teacher gets wrong by chance, another does not: the mean of models that were trained
apart tells more than the best of them, and a student can learn it (Freitag et al. 2017, "Ensemble
Distillation for Neural Machine Translation").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulst.errors import ConfigError, ModelError
from simulst.protocols import Proposal, Sample, Seq2Seq, Stepwise, Writing

__all__ = ["Ensemble", "together"]

LEAST = np.float32(-1e9)
"""A log-probability that is none; warmed or cooled it stays a number."""


class Ensemble:
    """The mean of several models. Implements `Seq2Seq`, but for drafting.

    Args:
        models: at least one, of the same subwords.

    Raises:
        ModelError: they read other subwords, or other languages.
    """

    def __init__(self, models: Sequence[Seq2Seq]) -> None:
        first, *others = models
        for other in others:
            if other.vocabulary_id != first.vocabulary_id:
                raise ModelError(
                    f"the teachers' subwords ({first.vocabulary_id} and {other.vocabulary_id}) "
                    "differ: their probabilities of a token have no mean; train them with the "
                    "same --vocabulary"
                )
            pairs = [(m.source_language, m.target_language) for m in (first, other)]
            if all(all(pair) for pair in pairs) and pairs[0] != pairs[1]:
                told = " and ".join("-".join(pair) for pair in pairs)
                raise ModelError(f"the teachers translate {told}: name some of one pair")
        self.models = tuple(models)
        self.source_language, self.target_language = first.source_language, first.target_language
        self.vocabulary_id, self.eos = first.vocabulary_id, first.eos

    def tokens(self, text: str) -> tuple[int, ...]:
        """A target sentence in subwords; see `Seq2Seq`."""
        return self.models[0].tokens(text)

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that tokens spell; see `Seq2Seq`."""
        return self.models[0].text(tokens)

    def sample(self, proposals: Sequence[Proposal]) -> list[Sample]:
        """Refuse.

        Raises:
            ConfigError: several models cannot learn as one, so they do not draft.
        """
        raise ConfigError("several models together judge and do not draft: name one policy")

    def score(
        self,
        sources: Sequence[tuple[str, ...]],
        targets: Sequence[tuple[int, ...]],
        lags: Sequence[int],
    ) -> list[tuple[float, ...]]:
        """Log of the mean probability of every target token; see `Seq2Seq`."""
        found = [model.score(sources, targets, lags) for model in self.models]
        return [tuple(_mean(np.array(rows)).tolist()) for rows in zip(*found, strict=True)]

    def following(self, proposals: Sequence[Proposal]) -> NDArray[np.float64]:
        """Mean probabilities (B, V) of the next token, then at its temperature."""
        plain = [replace(proposal, temperature=1.0) for proposal in proposals]
        mean = np.mean([model.following(plain) for model in self.models], axis=0)
        for row, proposal in zip(mean, proposals, strict=True):
            if proposal.temperature == 0:
                row[:] = np.arange(len(row)) == row.argmax()
            elif proposal.temperature != 1:
                np.power(row, 1 / proposal.temperature, out=row)
                row /= row.sum()
        found: NDArray[np.float64] = mean
        return found


class SteppedEnsemble(Ensemble):
    """The same of models that can be steered. Implements `Stepwise` too."""

    def write(self, proposals: Sequence[Proposal]) -> Writing:
        """Begin with the proposals' prefixes; see `Stepwise`."""
        plain = [replace(proposal, temperature=1.0) for proposal in proposals]
        writings = []
        for model in self.models:
            assert isinstance(model, Stepwise)
            writings.append(model.write(plain))
        return _Writings(writings, [proposal.temperature for proposal in proposals])


class _Writings:
    """The writings of all models, at the temperatures of the mean."""

    def __init__(self, writings: Sequence[Writing], temperatures: Sequence[float]) -> None:
        self._writings = writings
        self._temperatures = np.array(temperatures, np.float32)

    @property
    def live(self) -> Sequence[int]:
        """Rows that go on, the same for all."""
        return self._writings[0].live

    def log_masses(self) -> NDArray[np.float32]:
        """(L, V) log of the mean probabilities, at the rows' temperatures."""
        mean = _mean(np.stack([writing.log_masses() for writing in self._writings]))
        warmth = self._temperatures[list(self.live), None]
        if (warmth != 1).any():
            mean = np.maximum(mean, LEAST) / np.where(warmth > 0, warmth, 1)
            mean -= mean.max(1, keepdims=True)
            mean -= np.log(np.exp(mean).sum(1, keepdims=True))
        found: NDArray[np.float32] = mean
        return found

    def take(self, tokens: Sequence[int]) -> None:
        """Go on with a token for every live row."""
        for writing in self._writings:
            writing.take(tokens)

    def branch(self, parents: Sequence[int]) -> None:
        """Go on with copies; see `Writing`."""
        self._temperatures = self._temperatures[[self.live[place] for place in parents]]
        for writing in self._writings:
            writing.branch(parents)


def _mean(logs: NDArray[np.floating]) -> NDArray[np.floating]:
    """Log of the mean of probabilities, over the first axis."""
    most = np.maximum(logs.max(0), LEAST)
    with np.errstate(divide="ignore"):
        found: NDArray[np.floating] = np.log(np.exp(logs - most).mean(0)) + most
    return found


def together(models: Sequence[Seq2Seq]) -> Seq2Seq:
    """One model of several; a single one is returned as it is.

    Raises:
        ModelError: they read other subwords, or other languages.
    """
    if len(models) == 1:
        return models[0]
    stepwise = all(isinstance(model, Stepwise) for model in models)
    return SteppedEnsemble(models) if stepwise else Ensemble(models)
