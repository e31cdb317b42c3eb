"""Scores of a running session, for the line that closes `simulst interpret`.

Without a reference the latency is LAAL with Y = H: a sentence's delays are counted from the
start of its first word, its length is the span of its words. Units are words, or characters
where the target script has no spaces. "Written before the end" means: before the sentence's last
word had been read. Memory holds two sentences at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from simulst.evaluate.latency import length_adaptive_average_lagging
from simulst.evaluate.logs import count_units
from simulst.types import SAMPLE_RATE, Emission, Reason, SentenceEnd, Update, Word

__all__ = ["SessionScores", "Spoken", "Summary", "in_characters", "samples_to_ms", "unspaced"]

TESTED = frozenset(Reason) - {Reason.SCHEDULE, Reason.FORCED, Reason.FINISH, Reason.TERM}

UNSPACED = ("ja", "jpn", "km", "khm", "lo", "lao", "my", "mya", "th", "tha")
CHINESE = ("cmn", "yue", "zh", "zho")


def samples_to_ms(samples: int) -> float:
    """Milliseconds of so many samples."""
    return samples * 1000 / SAMPLE_RATE


def unspaced(language: str) -> bool:
    """Whether a language is written without spaces between words: "zh", "zh-TW", "zho_Hans" ..."""
    return re.split("[-_]", language)[0].lower() in (*UNSPACED, *CHINESE)


def in_characters(emissions: Iterable[Emission], language: str) -> bool:
    """Whether a session's units are characters: nothing stands between them.

    Args:
        emissions: of the session, in order.
        language: of the target; it tells where there is one unit at most.
    """
    spaces = {emission.space for emission in emissions if emission.index}
    return spaces == {""} if spaces else unspaced(language)


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in figures; None where nothing could be measured.

    Attributes:
        words: target units written: words or characters.
        sentences: source sentences with at least one word.
        empty: of them, those closed without a translation; they have no latency.
        laal_ms: mean over the sentences.
        laal_ca_ms: the same with computing time.
        written_before_end: share of units written before their sentence's last word was read.
        acceptance: accepted among the tokens that a rule judged.
        forced: units written because the lag had reached k_max.
        real_time_factor: computing time per time heard.
        character: units are characters.
    """

    words: int
    sentences: int
    empty: int
    laal_ms: float | None
    laal_ca_ms: float | None
    written_before_end: float | None
    acceptance: float | None
    forced: int
    real_time_factor: float | None
    character: bool = False


@dataclass(slots=True)
class Spoken:
    """A sentence of a session: where it was spoken and what was written for it.

    Attributes:
        character: an emission may be a piece of several characters, each of which counts.
        start, end: of its words, in samples; `start` is None before the first.
        words: of the source.
        closed: the sentence is over.
        emissions: what was written.
    """

    character: bool = False
    start: int | None = None
    end: int = 0
    words: list[str] = field(default_factory=list)
    closed: bool = False
    emissions: list[Emission] = field(default_factory=list)

    def hear(self, word: Word) -> None:
        """Add a source word."""
        self.start = word.start if self.start is None else self.start
        self.end = max(self.end, word.end)
        self.words.append(word.text)

    def units(self) -> list[Emission]:
        """The emission that brought each unit."""
        if not self.character:
            return self.emissions
        return [e for e in self.emissions for _ in range(count_units(e.text, True))]

    def delays_ms(self) -> tuple[float, ...]:
        """When each unit was written, from the start of the sentence's first word."""
        start = self.start or 0
        return tuple(samples_to_ms(max(0, e.delay - start)) for e in self.units())

    def elapsed_ms(self) -> tuple[float, ...]:
        """The same with computing time; empty unless every unit was stamped."""
        start = self.start or 0
        units = self.units()
        times = [e.elapsed for e in units if e.elapsed is not None]
        if len(times) < len(units):
            return ()
        return tuple(samples_to_ms(max(0, time - start)) for time in times)

    def length_ms(self) -> float:
        """The span of its words, at least one sample."""
        return samples_to_ms(max(1, self.end - (self.start or 0)))

    def early(self) -> int:
        """Units written before its last word was read."""
        return sum(emission.read < len(self.words) for emission in self.units())


@dataclass(slots=True)
class _Totals:
    """Sums over finished sentences."""

    sentences: int = 0
    empty: int = 0
    written: int = 0
    early: int = 0
    lag: float = 0.0
    lagging: int = 0
    lag_ca: float = 0.0
    lagging_ca: int = 0

    def add(self, spoken: Spoken) -> None:
        if not spoken.words:
            return
        self.sentences += 1
        if not spoken.emissions:
            self.empty += spoken.closed
            return
        delays, length = spoken.delays_ms(), spoken.length_ms()
        units = len(delays)
        self.written += units
        self.early += spoken.early()
        self.lag += length_adaptive_average_lagging(delays, length, units)
        self.lagging += 1
        if elapsed := spoken.elapsed_ms():
            self.lag_ca += length_adaptive_average_lagging(elapsed, length, units)
            self.lagging_ca += 1

    def plus(self, open_sentences: list[Spoken]) -> _Totals:
        sums = _Totals(**{name: getattr(self, name) for name in self.__slots__})
        for spoken in open_sentences:
            sums.add(spoken)
        return sums


class SessionScores:
    """Gathers the figures of one session from its updates.

    Args:
        character: target units are characters; as the translator's `space` is "".
    """

    def __init__(self, character: bool = False) -> None:
        self._character = character
        self._totals = _Totals()
        self._open: dict[int, Spoken] = {0: Spoken(character)}
        self._sentence = 0  # index of the one being heard
        self._judged = self._accepted = self._forced = self._words = 0

    def add(self, update: Update) -> None:
        """Take in one update, in the order in which they came."""
        for item in update.committed:
            if isinstance(item, SentenceEnd):
                self._open[self._sentence].closed = True
                self._sentence += 1
                self._open[self._sentence] = Spoken(self._character)
            else:
                self._open[self._sentence].hear(item)
        for emission in update.emissions:
            units = count_units(emission.text, True) if self._character else 1
            self._words += units
            self._forced += units * (emission.reason is Reason.FORCED)
            assert emission.sentence in self._open, "emissions come in the order of sentences"
            self._open[emission.sentence].emissions.append(emission)
        for verdict in update.verdicts:
            if verdict.reason in TESTED:
                self._judged += 1
                self._accepted += verdict.accepted
        # the last closed one stays, in case its translation comes with the next update
        for index in [i for i in self._open if i < self._sentence - 1]:
            self._totals.add(self._open.pop(index))

    def summary(self, heard_samples: int, compute_s: float) -> Summary:
        """The figures so far; the session may go on.

        Args:
            heard_samples: of the stream, at 16 kHz.
            compute_s: seconds spent computing.
        """
        sums = self._totals.plus(list(self._open.values()))
        return Summary(
            words=self._words,
            sentences=sums.sentences,
            empty=sums.empty,
            laal_ms=sums.lag / sums.lagging if sums.lagging else None,
            laal_ca_ms=sums.lag_ca / sums.lagging_ca if sums.lagging_ca else None,
            written_before_end=sums.early / sums.written if sums.written else None,
            acceptance=self._accepted / self._judged if self._judged else None,
            forced=self._forced,
            real_time_factor=compute_s * SAMPLE_RATE / heard_samples if heard_samples else None,
            character=self._character,
        )
