"""What an accepted translation must be, whatever the test says.

Likelihood alone lets fluent nonsense through, and latency must never be bought with quality: so a
target has to come close to the reference where there is one, be of a sane length, and not
repeat itself. chrF gates and BLEU judges, so that what is selected by is not what is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics import CHRF

from simulst.errors import ConfigError

__all__ = ["Gates", "chrf"]

_CHRF = CHRF()


def chrf(text: str, reference: str) -> float:
    """Sentence chrF2 (Popovic 2015) in [0, 100]."""
    return float(_CHRF.sentence_score(text, [reference]).score)


@dataclass(frozen=True, slots=True)
class Gates:
    """The bars.

    Attributes:
        least: chrF with the reference, at least; 0 for no such bar.
        margin: chrF that may be lost against the policy's own most likely translation.
        shortest, longest: words of the target over words of the reference, or of the source where
            there is no reference.
        repeats: times that a group of three words may occur.
    """

    least: float = 25.0
    margin: float = 3.0
    shortest: float = 0.8
    longest: float = 1.25
    repeats: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= 1 <= self.longest:
            raise ConfigError(
                f"length ratios {self.shortest} to {self.longest}: the range must hold 1"
            )

    def refuse(self, text: str, source: str, reference: str, greedy: str | None) -> str:
        """Why a target may not be learnt from: "length", "repeats" or "quality"; "" if it may.

        Args:
            text: the target.
            source, reference: what it translates; the reference may be empty.
            greedy: the policy's most likely translation under the same lag, if it is known.
        """
        words = text.split()
        against = len((reference or source).split())
        # one word more or less is always allowed: short sentences have coarse ratios
        low, high = (
            min(self.shortest * against, against - 1),
            max(self.longest * against, against + 1),
        )
        if not words or not low <= len(words) <= high:
            return "length"
        if _most_repeated(words) > self.repeats:
            return "repeats"
        if reference:
            bar = self.least
            if greedy is not None:
                bar = max(bar, chrf(greedy, reference) - self.margin)
            if chrf(text, reference) < bar:
                return "quality"
        return ""


def _most_repeated(words: Sequence[str]) -> int:
    groups = Counter(zip(words, words[1:], words[2:], strict=False))
    return max(groups.values(), default=0)
