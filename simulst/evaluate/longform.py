"""Latency of whole talks: StreamLAAL and LongYAAL.

A session hears sentences of its own, a reference is cut where its translator cut it. The words of
a whole talk are therefore handed out to the reference's sentences first, and each sentence is then
scored against the time at which it was spoken. Two ways of handing out are in use:

- StreamLAAL (Papi et al. 2024, "StreamAtt") cuts where the word error rate is least (Matusov et
  al. 2005), by the mweralign package where it is installed, as simulstream's scorer does, and else
  by the edit distance here; then LAAL of each sentence that got a word.
- LongYAAL (Polák et al. 2025, "Better Late Than Never") aligns words by the letters they share;
  then LAAL over all words written before the recording ended, also after the sentence's end.

OmniSTEval's figures are reached without its Moses tokeniser, that is, with its --lang left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from simulst.evaluate.latency import length_adaptive_average_lagging
from simulst.evaluate.logs import Instance, count_units
from simulst.evaluate.segmentation import cut, cut_by_letters

__all__ = ["LongForm", "Sentence", "long_yaal", "score_talk", "units_of"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the reference.

    Attributes:
        text: its translation.
        start_ms: when it began to be spoken, from the start of the talk.
        length_ms: how long it was spoken, > 0.
    """

    text: str
    start_ms: float
    length_ms: float


@dataclass(frozen=True, slots=True)
class LongForm:
    """Means over the reference's sentences, in milliseconds; None where none could be scored.

    Attributes:
        sentences: of the reference.
        empty, empty_soft: of them, those without a word by edit distance and by letters shared.
        stream_laal: LAAL of sentences cut by least word error rate.
        long_laal: LAAL of sentences cut by the letters shared, as OmniSTEval prints it.
        long_yaal: LongYAAL.
    """

    sentences: int
    empty: int
    empty_soft: int
    stream_laal: float | None
    long_laal: float | None
    long_yaal: float | None


def score_talk(
    talk: Instance, sentences: Sequence[Sentence], *, computation_aware: bool = False
) -> LongForm:
    """Score one talk.

    Args:
        talk: all of it as one instance, in milliseconds.
        sentences: of its reference, in order.
        computation_aware: score `elapsed` in place of `delays`.
    """
    times = talk.elapsed if computation_aware else talk.delays
    references = [units_of(sentence.text, talk.character) for sentence in sentences]
    written = units_of(talk.prediction, talk.character)
    assert len(times) == len(written), "a time for each unit"
    hard = _shares(cut(references, written), times, sentences)
    soft = _shares(cut_by_letters(references, written, talk.character), times, sentences)
    lengths = [count_units(sentence.text, talk.character) for sentence in sentences]
    end = max(sentence.start_ms + sentence.length_ms for sentence in sentences)

    def laal(shares: Sequence[Sequence[float]]) -> Iterator[float]:
        for share, sentence, length in zip(shares, sentences, lengths, strict=True):
            if share:
                yield length_adaptive_average_lagging(share, sentence.length_ms, length)

    late = (
        long_yaal(share, sentence.length_ms, length, end - sentence.start_ms)
        for share, sentence, length in zip(soft, sentences, lengths, strict=True)
    )
    return LongForm(
        sentences=len(sentences),
        empty=sum(not share for share in hard),
        empty_soft=sum(not share for share in soft),
        stream_laal=_mean(list(laal(hard))),
        long_laal=_mean(list(laal(soft))),
        long_yaal=_mean([value for value in late if value is not None]),
    )


def long_yaal(
    delays: Sequence[float], source_length: float, target_length: int, recording_end: float
) -> float | None:
    """LongYAAL of a sentence: the mean of d_i - (i-1) |x|/max(H, Y) over all d_i < the end.

    Args:
        delays: (H,) from the start of the sentence, in ms; the first may be negative.
        source_length: |x| > 0, of the sentence.
        target_length: Y >= 1, units of the reference.
        recording_end: of the whole recording, from the start of the sentence.

    Returns:
        None if nothing was written before the recording ended.
    """
    assert source_length > 0 and target_length > 0
    step = source_length / max(len(delays), target_length)
    early = [delay for delay in delays if delay < recording_end]
    return _mean([delay - i * step for i, delay in enumerate(early)])


def units_of(text: str, character: bool) -> list[str]:
    """Words, or characters without the white space between them."""
    words = text.split()
    return list("".join(words)) if character else words


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _shares(
    counts: Sequence[int], times: Sequence[float], sentences: Sequence[Sentence]
) -> list[list[float]]:
    """The times of each sentence's units, from its start."""
    ends = [0, *accumulate(counts)]
    return [
        [time - sentence.start_ms for time in times[begin:end]]
        for (begin, end), sentence in zip(pairwise(ends), sentences, strict=True)
    ]
