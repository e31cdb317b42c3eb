"""What an accepted translation must be, whatever the test says.

Likelihood alone lets fluent nonsense through, and latency must never be bought with quality: so a
target has to come close to the reference where there is one, be of a sane length, and not
repeat itself. chrF gates and BLEU judges, so that what is selected by is not what is reported.
Lengths are in words; each character of a script without spaces counts as one.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sacrebleu.metrics import CHRF

from simulst.errors import ConfigError
from simulst.translate.subwords import SPACELESS

__all__ = ["Gates", "chrf", "units_of"]

GROUP, GROUP_OF_CHARACTERS = 3, 6
"""Units that make a group; two characters are a word, as a rule."""
CHARACTERS_A_WORD = (1.0, 5.0)
"""Characters that may stand for a source word where there is no reference: Chinese needs few of
them, Thai many."""

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
        repeats: times that a group of three words, or six characters, may occur.
        anticipation: nats a token that the whole source may add to what the lag shows, at most
            (`rsft.anticipation`); 0 for no such bar. It is asked last, so that latency is not
            bought with quality.
    """

    least: float = 25.0
    margin: float = 3.0
    shortest: float = 0.8
    longest: float = 1.25
    repeats: int = 2
    anticipation: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= 1 <= self.longest:
            raise ConfigError(
                f"length ratios {self.shortest} to {self.longest}: the range must hold 1"
            )
        for name in ("margin", "anticipation"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be 0 or above")

    def refuse(self, text: str, source: str, reference: str, greedy: str | None) -> str:
        """Why a target may not be learnt from: "length", "repeats" or "quality"; "" if it may.

        Args:
            text: the target.
            source, reference: what it translates; the reference may be empty.
            greedy: the policy's most likely translation under the same lag, if it is known.
        """
        units = units_of(text)
        character = any(map(_alone, text))
        fewest = most = len(units_of(reference or source))
        if character and not reference:
            fewest, most = (round(fewest * rate) for rate in CHARACTERS_A_WORD)
        # one word more or less is always allowed: short sentences have coarse ratios
        low = min(self.shortest * fewest, fewest - 1)
        high = max(self.longest * most, most + 1)
        if not units or not low <= len(units) <= high:
            return "length"
        if _most_repeated(units, GROUP_OF_CHARACTERS if character else GROUP) > self.repeats:
            return "repeats"
        if reference:
            bar = self.least
            if greedy is not None:
                bar = max(bar, chrf(greedy, reference) - self.margin)
            if chrf(text, reference) < bar:
                return "quality"
        return ""

    def guesses(self, anticipation: float) -> bool:
        """Whether a target of this anticipation would teach to guess."""
        return 0 < self.anticipation < anticipation


def _most_repeated(units: Sequence[str], size: int) -> int:
    groups = Counter(zip(*(units[i:] for i in range(size)), strict=False))
    return max(groups.values(), default=0)


@cache
def _alone(letter: str) -> bool:
    """Whether a letter is of a script without spaces."""
    return unicodedata.name(letter, "").split(" ")[0].split("-")[0] in SPACELESS


def units_of(text: str) -> list[str]:
    """Words; of those in scripts without spaces the characters, without punctuation."""
    units: list[str] = []
    for word in text.split():
        if not any(map(_alone, word)):
            units.append(word)
            continue
        run = ""  # of Latin letters or digits, which are one word
        for letter in word:
            if letter.isalnum() and not _alone(letter):
                run += letter
                continue
            units += [run] if run else []
            run = ""
            units += [letter] if _alone(letter) else []
        units += [run] if run else []
    return units
