"""What the lines made of the talks, in figures.

WER compares committed words with the transcript, all talks together. BLEU and chrF take each talk
as one document, so that it makes no difference where sentences were cut. LAAL is the mean over the
sentences that a session heard, from the start of each one's first word, with Y = H, as in the line
that closes `simulst interpret`. StreamLAAL hands the words out to the sentences of the reference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulst.emit import jsonl
from simulst.errors import ConfigError
from simulst.evaluate import longform, quality
from simulst.evaluate.latency import average
from simulst.evaluate.logs import Instance
from simulst.evaluate.longform import LongForm, Sentence
from simulst.evaluate.quality import Quality
from simulst.evaluate.scoring import read_journal
from simulst.evaluate.tables import figure
from simulst.evaluate.talk import read_talk
from simulst.types import Word

__all__ = ["HEADER", "Heard", "Row", "cells", "losses", "read_heard", "row", "word_error_rate"]

HEADER = (
    *("line", "WER", "BLEU", "chrF", "LAAL", "LAAL + computing", "StreamLAAL"),
    *("StreamLAAL + computing", "sentences", "empty"),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a line made of one talk.

    Attributes:
        said, reference: what it should have been, all of the talk.
        text: the translation.
        words: that were committed; None where nothing was listened to.
        sentences: that were heard, with their delays in ms.
        stream, stream_ca: of the reference's sentences; None where their times are not known, or
            nothing was written.
    """

    said: str
    reference: str
    text: str
    words: str | None = None
    sentences: tuple[Instance, ...] = ()
    stream: LongForm | None = None
    stream_ca: LongForm | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line in figures, over one talk or several; None where there is nothing to measure.

    Attributes:
        name: of the line.
        wer: word errors by words said, from 0.
        quality: of the documents.
        laal, laal_ca, stream, stream_ca: milliseconds, ideal and with computing time.
        sentences: heard.
        empty: talks without any translation.
    """

    name: str
    wer: float | None
    quality: Quality
    laal: float | None
    laal_ca: float | None
    stream: float | None
    stream_ca: float | None
    sentences: int | None
    empty: int


def read_heard(
    journal: Path, said: str, references: Sequence[str], times: Sequence[tuple[float, float]]
) -> Heard:
    """What a journal says of its talk, also where nothing was heard.

    Args:
        journal: of the session.
        said: transcript of the talk.
        references: its sentences.
        times: when each of them began and for how long it was said, in ms; empty if not known.

    Raises:
        DataError: the journal cannot be read.
    """
    talk = read_talk(journal, journal.parent.name, "")
    reference = ("" if talk.character else " ").join(references)
    items = [item for update in jsonl.read(journal) for item in update.committed]
    words = " ".join(item.text for item in items if isinstance(item, Word))
    sentences = read_journal(journal)[0] if words else []
    stream = stream_ca = None
    if times and talk.delays:
        spoken = [Sentence(r, *time) for r, time in zip(references, times, strict=True)]
        stream = longform.score_talk(talk, spoken)
        if talk.elapsed:
            stream_ca = longform.score_talk(talk, spoken, computation_aware=True)
    return Heard(said, reference, talk.prediction, words, tuple(sentences), stream, stream_ca)


def row(name: str, talks: Sequence[Heard], language: str) -> Row:
    """Score a line over talks, at least one.

    Args:
        name: of the line.
        talks: what it made of each.
        language: of the target, ISO 639-1.

    Raises:
        ConfigError: jiwer is not installed.
    """
    heard = [talk.words for talk in talks if talk.words is not None]
    instances = [instance for talk in talks for instance in talk.sentences]
    timings = [instance.timing() for instance in instances]
    ideal = average(timings, speech=True)
    aware = average(timings, speech=True, computation_aware=True)
    return Row(
        name,
        word_error_rate([talk.said for talk in talks], heard) if heard else None,
        quality.score([t.text for t in talks], [t.reference for t in talks], language),
        ideal.laal if ideal else None,
        aware.laal if aware else None,
        _pooled([talk.stream for talk in talks]),
        _pooled([talk.stream_ca for talk in talks]),
        len(instances) if heard else None,
        sum(not talk.text for talk in talks),
    )


def _pooled(found: Sequence[LongForm | None]) -> float | None:
    """The mean over the sentences of all talks that got a word."""
    sums = [
        (talk.stream_laal, talk.sentences - talk.empty)
        for talk in found
        if talk is not None and talk.stream_laal is not None
    ]
    count = sum(sentences for _, sentences in sums)
    return sum(mean * sentences for mean, sentences in sums) / count if count else None


def word_error_rate(said: Sequence[str], heard: Sequence[str]) -> float:
    """Word errors by words said, all pairs together, without case and punctuation.

    Raises:
        ConfigError: jiwer is not installed.
    """
    try:
        import jiwer
    except ImportError as error:
        raise ConfigError("word error rates need jiwer: pip install jiwer") from error
    return float(jiwer.wer([_bare(text) for text in said], [_bare(text) for text in heard]))


def _bare(text: str) -> str:
    """Lower-case words of letters, digits and inner apostrophes."""
    text = unicodedata.normalize("NFC", text).replace("’", "'").casefold()
    kept = (c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in text)
    words = (word.strip("'") for word in "".join(kept).split())
    return " ".join(word for word in words if word)


def cells(row: Row) -> tuple[str, ...]:
    """The row under `HEADER`."""
    times = (row.laal, row.laal_ca, row.stream, row.stream_ca)
    return (
        row.name,
        figure(row.wer, 3),
        figure(row.quality.bleu),
        figure(row.quality.chrf),
        *(figure(value, 0) for value in times),
        "–" if row.sentences is None else str(row.sentences),
        str(row.empty),
    )


def losses(heard: Row, gold: Row, whole: Row) -> str:
    """Where quality was lost, in a line."""

    def lost(better: Row, worse: Row) -> str:
        bleu = better.quality.bleu - worse.quality.bleu
        return f"{bleu:.1f} BLEU, {better.quality.chrf - worse.quality.chrf:.1f} chrF"

    return f"lost by listening: {lost(gold, heard)}; by streaming: {lost(whole, gold)}"
