"""What a session gives, sentence by sentence, for wires whose clients show sentences.

Only what is final goes in: committed source words and emissions. A sentence that is open grows,
and nothing in it changes; a closed one stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from simulst.types import SAMPLE_RATE, Emission, SentenceEnd, Update, Word

__all__ = ["Sentence", "follow", "joined", "ms", "timed"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the source with its translation, as far as both have come.

    Attributes:
        number: index in the session, from 0.
        after: where the sentence before ended, in samples; no time in this one is earlier.
        words: source words committed.
        units: target units written.
    """

    number: int = 0
    after: int = 0
    words: tuple[Word, ...] = ()
    units: tuple[Emission, ...] = ()

    @property
    def start(self) -> int:
        """Sample where its first word begins."""
        first = self.words[0].start if self.words else 0
        return max(self.after, first)

    @property
    def end(self) -> int:
        """Sample where its last word ends."""
        spoken = [word.end for word in self.words[-1:]] + [unit.spoken for unit in self.units[-1:]]
        return max(self.start, *spoken) if spoken else self.start

    @property
    def probability(self) -> float:
        """Mean over the source words, in [0, 1]: how sure the recogniser was of them."""
        if not self.words:
            return 1.0
        return sum(word.probability for word in self.words) / len(self.words)

    @property
    def source(self) -> str:
        """The words as text."""
        return " ".join(word.text for word in self.words)

    @property
    def target(self) -> str:
        """The translation as text."""
        return joined(self.units)


def joined(units: tuple[Emission, ...]) -> str:
    """Target units as text, without white space around it."""
    return "".join(unit.space + unit.text for unit in units).strip()


def ms(samples: int) -> int:
    """Samples of the engine's clock in whole milliseconds."""
    return samples * 1000 // SAMPLE_RATE


def follow(sentence: Sentence, update: Update) -> tuple[tuple[Sentence, ...], Sentence]:
    """Go on with an open sentence: the sentences that an update closed, and the one now open."""
    rows = [sentence]
    for item in update.committed:
        if isinstance(item, SentenceEnd):
            rows.append(Sentence(rows[-1].number + 1))
        else:
            rows[-1] = replace(rows[-1], words=(*rows[-1].words, item))
    for unit in update.emissions:
        place = unit.sentence - sentence.number
        assert 0 <= place < len(rows), "a unit belongs to a sentence that is open in its step"
        rows[place] = replace(rows[place], units=(*rows[place].units, unit))
    if update.ended:
        rows.append(Sentence(rows[-1].number + 1))
    for place in range(1, len(rows)):
        rows[place] = replace(rows[place], after=rows[place - 1].end)
    closed = tuple(row for row in rows[:-1] if row.words or row.units)
    return closed, rows[-1]


def timed(sentence: Sentence) -> Iterator[tuple[Emission, int, int]]:
    """Each target unit with a start and an end in the audio, in samples.

    A unit has no time of its own: it was written when a source word ended. The units written
    then share, evenly, the span since the ones before.
    """
    start = sentence.start
    units = list(sentence.units)
    while units:
        end = max(start, units[0].spoken)
        count = next((i for i, u in enumerate(units) if u.spoken > end), len(units))
        for i, unit in enumerate(units[:count]):
            yield (
                unit,
                start + (end - start) * i // count,
                start + (end - start) * (i + 1) // count,
            )
        start, units = end, units[count:]
