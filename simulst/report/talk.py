"""A session as its journal tells it: every word with its time, and every decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulst.emit import jsonl
from simulst.evaluate.latency import length_adaptive_average_lagging
from simulst.evaluate.logs import count_units
from simulst.evaluate.session import TESTED, Spoken, in_characters
from simulst.types import SAMPLE_RATE, Emission, Reason, SentenceEnd, Verdict, Word

__all__ = ["Hold", "Sentence", "Share", "Talk", "Written", "read_talk", "wilson"]

LAST_ALONE = 10
GROUPS = ((11, 15), (16, 20), (21, 30))
"""Positions in the sentence that share a bar; those up to `LAST_ALONE` have one each."""


@dataclass(frozen=True, slots=True)
class Written:
    """A target unit.

    Attributes:
        emission: as it was journalled.
        source: number of the last source word read, in its sentence, from 0; None before any.
        lag_ms: behind an ideal interpreter, who speaks evenly over the sentence: d_i - i |x|/H.
        lag_ca_ms: the same with computing time; None if it was not measured.
    """

    emission: Emission
    source: int | None
    lag_ms: float
    lag_ca_ms: float | None

    @property
    def at_s(self) -> float:
        """When the audio it rests on had been heard."""
        return self.emission.delay / SAMPLE_RATE

    @property
    def readable_s(self) -> float | None:
        """When it could be read, computing included."""
        elapsed = self.emission.elapsed
        return None if elapsed is None else elapsed / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Hold:
    """A token that the rule did not let through.

    Attributes:
        at_s: audio heard when it was judged.
        verdict: the decision with its numbers.
    """

    at_s: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it was heard, and what was written for it.

    Attributes:
        index: in the session, from 0.
        words: of the source; may be empty only for the last one.
        units: of the target, in order.
        laal_ms, laal_ca_ms: None where nothing was written, or no computing time measured.
    """

    index: int
    words: tuple[Word, ...]
    units: tuple[Written, ...]
    laal_ms: float | None
    laal_ca_ms: float | None

    @property
    def source(self) -> str:
        """Its text."""
        return " ".join(word.text for word in self.words)

    @property
    def target(self) -> str:
        """Its translation."""
        return "".join(unit.emission.space + unit.emission.text for unit in self.units).strip()

    @property
    def begin_s(self) -> float:
        """Start of its first word."""
        return self.words[0].start / SAMPLE_RATE

    @property
    def end_s(self) -> float:
        """End of its last word."""
        return max(word.end for word in self.words) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the tokens judged were accepted."""

    judged: int
    accepted: int


@dataclass(frozen=True, slots=True)
class Talk:
    """A session.

    Attributes:
        path: of its journal.
        signature: what made it.
        sentences: those with at least one word.
        holds: in the order of time.
        positions: of the token in its sentence ("1", "2", ..., "11–15", ...) to how it fared.
        verdicts: tokens by reason: how many were decided, and how many of them let through.
        written: words or characters by reason.
        heard_s: length of what was heard.
        real_time_factor: None if the session was killed before its end.
        character: what counts is characters, of which a unit may have several.
    """

    path: Path
    signature: Mapping[str, Any]
    sentences: tuple[Sentence, ...]
    holds: tuple[Hold, ...]
    positions: Mapping[str, Share]
    verdicts: Mapping[Reason, Share]
    written: Mapping[Reason, int]
    heard_s: float
    real_time_factor: float | None
    character: bool = False

    @property
    def units(self) -> list[Written]:
        """All that was written."""
        return [unit for sentence in self.sentences for unit in sentence.units]

    @property
    def counted(self) -> str:
        """What is counted of it."""
        return "characters" if self.character else "words"

    def count(self, units: Iterable[Written]) -> int:
        """Words or characters of some units."""
        return sum(_size(unit.emission, self.character) for unit in units)


def read_talk(path: Path) -> Talk:
    """Read a journal that `simulst.evaluate.scoring.score_log` has found sound.

    Raises:
        DataError: the journal cannot be read.
    """
    updates = list(jsonl.read(path))
    signature = jsonl.read_signature(path)
    language = str(signature.get("target", ""))
    character = in_characters((e for u in updates for e in u.emissions), language)
    words: list[list[Word]] = [[]]
    spoken = [Spoken(character)]
    holds: list[Hold] = []
    places: Counter[tuple[str, bool]] = Counter()
    verdicts: Counter[tuple[Reason, bool]] = Counter()
    heard = 0
    for update in updates:
        heard = max(heard, update.heard)
        for item in update.committed:
            if isinstance(item, SentenceEnd):
                words.append([])
                spoken.append(Spoken(character))
            else:
                words[-1].append(item)
                spoken[-1].hear(item)
        for emission in update.emissions:
            spoken[emission.sentence].emissions.append(emission)
        for verdict in update.verdicts:
            verdicts[verdict.reason, verdict.accepted] += 1
            if verdict.reason in TESTED:
                places[_place(verdict.position + 1), verdict.accepted] += 1
                if not verdict.accepted:
                    holds.append(Hold(update.heard / SAMPLE_RATE, verdict))
    sentences = tuple(
        _sentence(i, tuple(heard_words), one)
        for i, (heard_words, one) in enumerate(zip(words, spoken, strict=True))
        if heard_words
    )
    summary = jsonl.read_summary(path)
    factor = summary.get("real_time_factor")
    return Talk(
        path,
        signature,
        sentences,
        tuple(holds),
        {name: _share(places, name) for name in _names() if _share(places, name).judged},
        {reason: _share(verdicts, reason) for reason in Reason if _share(verdicts, reason).judged},
        _by_reason((e.emission for s in sentences for e in s.units), character),
        heard / SAMPLE_RATE,
        float(factor) if isinstance(factor, int | float) else None,
        character,
    )


def _sentence(index: int, words: tuple[Word, ...], spoken: Spoken) -> Sentence:
    delays, elapsed, length = spoken.delays_ms(), spoken.elapsed_ms(), spoken.length_ms()
    count = len(delays)
    step = length / max(1, count)
    units = []
    i = 0  # of the emission's first word or character
    for emission in spoken.emissions:
        read = min(emission.read, len(words)) - 1 if emission.read > 0 else None
        late = elapsed[i] - i * step if elapsed else None
        units.append(Written(emission, read, delays[i] - i * step, late))
        i += _size(emission, spoken.character)
    return Sentence(
        index,
        words,
        tuple(units),
        length_adaptive_average_lagging(delays, length, count) if count else None,
        length_adaptive_average_lagging(elapsed, length, count) if elapsed else None,
    )


def _by_reason(emissions: Iterable[Emission], character: bool) -> Counter[Reason]:
    found: Counter[Reason] = Counter()
    for emission in emissions:
        found[emission.reason] += _size(emission, character)
    return found


def _size(emission: Emission, character: bool) -> int:
    return count_units(emission.text, True) if character else 1


def _names() -> list[str]:
    alone = [str(i) for i in range(1, LAST_ALONE + 1)]
    return [*alone, *(f"{low}–{high}" for low, high in GROUPS), f"{GROUPS[-1][1] + 1}–"]


def _place(position: int) -> str:
    """The bar of a position, counted from 1."""
    if position <= LAST_ALONE:
        return str(position)
    for low, high in GROUPS:
        if position <= high:
            return f"{low}–{high}"
    return _names()[-1]


def _share(counts: Mapping[tuple[Any, bool], int], key: object) -> Share:
    accepted = counts[key, True]
    return Share(accepted + counts[key, False], accepted)


def wilson(share: Share) -> tuple[float, float]:
    """The 95 % interval of a share. Wilson 1927."""
    n, z = share.judged, 1.96
    p = share.accepted / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
