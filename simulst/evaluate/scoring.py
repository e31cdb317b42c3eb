"""Scoring logs: SimulEval's instances, or the journal that a simulst session kept.

A journal knows no references, and its sentences are those that were heard, not those of a
reference file. It is therefore scored as one document, all its text against all of the
reference; its latency is per heard sentence and takes Y = H. A log of instances is scored
sentence by sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simulst import __version__
from simulst.emit import jsonl
from simulst.errors import ConfigError, DataError
from simulst.evaluate import quality
from simulst.evaluate.latency import Latency, average
from simulst.evaluate.logs import Instance, read_instances, read_lines
from simulst.evaluate.quality import Quality
from simulst.evaluate.session import SessionScores, Spoken, Summary, in_characters
from simulst.evaluate.tables import figure
from simulst.types import SentenceEnd, Update

__all__ = [
    "HEADER",
    "LogScore",
    "cells",
    "is_journal",
    "read_journal",
    "read_reference",
    "score_log",
    "signature",
]

HEADER = (
    *("log", "unit", "BLEU", "chrF", "AL", "LAAL", "AP", "DAL", "ATD", "CW", "start", "end"),
    *("before end", "accepted", "forced", "n", "skipped"),
)


@dataclass(frozen=True, slots=True)
class LogScore:
    """A log with its figures.

    Attributes:
        path: of the log.
        instances: its sentences.
        speech: delays are milliseconds of speech, not source words.
        quality: None without a reference.
        latency: ideal; None if nothing was written.
        latency_ca: computation-aware; None if computing time was not measured.
        summary: what only a session's journal can tell.
        made_by: signature of the session, shortened.
    """

    path: Path
    instances: tuple[Instance, ...]
    speech: bool
    quality: Quality | None
    latency: Latency | None
    latency_ca: Latency | None
    summary: Summary | None = None
    made_by: str = ""

    @property
    def name(self) -> str:
        """Of the file, or of its folder where SimulEval names every file alike."""
        resolved = self.path.resolve()
        return resolved.parent.name if resolved.name == "instances.log" else resolved.name


def is_journal(path: Path) -> bool:
    """Whether a log is a simulst journal: its first line is a signature.

    Raises:
        DataError: it cannot be read, or holds nothing.
    """
    for _, value in read_lines(path):
        return value.get("type") == "signature"
    raise DataError(f"{path} is empty: no log")


def read_journal(path: Path) -> tuple[list[Instance], Summary]:
    """The sentences of a session, in milliseconds from the start of each one's first word.

    Raises:
        DataError: the journal cannot be read, or belongs to no session.
    """
    updates = list(jsonl.read(path))
    language = str(jsonl.read_signature(path).get("target", ""))
    character = in_characters((e for u in updates for e in u.emissions), language)
    sentences: list[Spoken] = [Spoken(character)]
    scores = SessionScores(character)
    heard = 0
    for update in updates:
        _check(path, update, sentences)
        scores.add(update)
        heard = max(heard, update.heard)
        for item in update.committed:
            if isinstance(item, SentenceEnd):
                sentences[-1].closed = True
                sentences.append(Spoken(character))
            else:
                sentences[-1].hear(item)
        for emission in update.emissions:
            sentences[emission.sentence].emissions.append(emission)
    instances = [_instance(i, spoken) for i, spoken in enumerate(s for s in sentences if s.words)]
    if not instances:
        raise DataError(f"{path} holds no sentence: nothing was heard")
    return instances, scores.summary(heard, 0.0)


def _check(path: Path, update: Update, sentences: Sequence[Spoken]) -> None:
    known = len(sentences) + sum(isinstance(item, SentenceEnd) for item in update.committed)
    for emission in update.emissions:
        # a session may still write for the sentence that has just ended, for none before it
        if not max(0, len(sentences) - 2) <= emission.sentence < known:
            raise DataError(
                f"{path}: emission {emission.index} belongs to sentence {emission.sentence}, "
                f"but {known} had begun; the journal is damaged"
            )


def _instance(index: int, spoken: Spoken) -> Instance:
    return Instance(
        index=index,
        prediction=("" if spoken.character else " ").join(e.text for e in spoken.emissions),
        delays=spoken.delays_ms(),
        elapsed=spoken.elapsed_ms(),
        reference="",
        source=" ".join(spoken.words),
        source_length=spoken.length_ms(),
        character=spoken.character,
    )


def score_log(path: Path, language: str = "", reference: Path | None = None) -> LogScore:
    """Score one log.

    Args:
        path: SimulEval's instances or a simulst journal.
        language: of the target, ISO 639-1; a journal knows its own.
        reference: a sentence a line.

    Raises:
        DataError: log or reference cannot be read, or do not fit each other.
        ConfigError: the language is needed, or is not the journal's.
    """
    lines = read_reference(reference) if reference else None
    if not is_journal(path):
        return _score_instances(path, language, lines)
    made_by = jsonl.read_signature(path)
    target = str(made_by.get("target", ""))
    if language and target and language != target:
        raise ConfigError(f"{path} was translated into {target}, --to is {language}: leave it out")
    instances, summary = read_journal(path)
    found = None
    if lines is not None:
        space = "" if instances[0].character else " "
        text = space.join(instance.prediction for instance in instances)
        found = quality.score([text], [space.join(lines)], language or target)
    names = ("asr", "translator", "verifier", "rule", "k_min", "k_max", "m", "seed")
    return LogScore(
        path,
        tuple(instances),
        True,
        found,
        *_latencies(instances, speech=True),
        summary,
        " ".join(f"{name}={made_by[name]}" for name in names if name in made_by),
    )


def _score_instances(path: Path, language: str, lines: list[str] | None) -> LogScore:
    instances = read_instances(path)
    if lines is not None:
        if len(lines) != len(instances):
            raise DataError(
                f"{path} has {len(instances)} instances, the reference {len(lines)} lines; "
                "give one line for each"
            )
        instances = [replace(i, reference=r) for i, r in zip(instances, lines, strict=True)]
    found = None
    if all(instance.reference for instance in instances):
        if not language and any(instance.character for instance in instances):
            raise ConfigError(f"{path} is in characters: name the language, for instance --to zh")
        found = quality.score(
            [instance.prediction for instance in instances],
            [instance.reference for instance in instances],
            language,
        )
    # a text's length is its words; speech is as long as it took
    speech = any(len(i.source.split()) != i.source_length for i in instances)
    return LogScore(path, tuple(instances), speech, found, *_latencies(instances, speech=speech))


def _latencies(
    instances: Sequence[Instance], *, speech: bool
) -> tuple[Latency | None, Latency | None]:
    timings = [instance.timing() for instance in instances]
    return (
        average(timings, speech=speech),
        average(timings, speech=speech, computation_aware=True),
    )


def read_reference(path: Path) -> list[str]:
    """The lines of a reference, stripped; blank ones are kept.

    Raises:
        DataError: the file cannot be read, or holds no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    lines = [line.strip() for line in lines]
    if not any(lines):
        raise DataError(f"{path} holds no reference")
    return lines


def cells(score: LogScore) -> list[tuple[str, ...]]:
    """Rows under `HEADER`: ideal, then with computing time if it was measured."""
    digits = 0 if score.speech else 2
    places = {"ap": 2, "before_end": 3}
    times = ("al", "laal", "ap", "dal", "atd", "cw", "start", "end", "before_end")
    found, summary = score.quality, score.summary
    rows: list[tuple[str, ...]] = []
    for name, lag in (("", score.latency), (" + computing", score.latency_ca)):
        if lag is None and rows:
            continue
        figures = [getattr(lag, field, None) for field in times]
        rows.append(
            (
                score.name + name,
                "ms" if score.speech else "words",
                figure(found.bleu if found else None),
                figure(found.chrf if found else None),
                *(figure(x, places.get(f, digits)) for f, x in zip(times, figures, strict=True)),
                figure(summary.acceptance if summary else None, 3),
                str(summary.forced) if summary else "–",
                str(lag.sentences if lag else 0),
                str(lag.skipped if lag else len(score.instances)),
            )
        )
    return rows


def signature(scores: Sequence[LogScore]) -> str:
    """What the figures of several logs rest on."""
    parts = [f"simulst {__version__}"]
    found = [score.quality for score in scores if score.quality]
    # logs into several languages are tokenised in several ways
    parts += dict.fromkeys(f"BLEU {quality.bleu_signature}" for quality in found)
    parts += dict.fromkeys(f"chrF {quality.chrf_signature}" for quality in found)
    if any(score.summary for score in scores):
        parts.append(
            "sessions: quality of the whole document; latency per heard sentence from the start of "
            "its first word, Y = H"
        )
    parts.append("before end: delay below the source length")
    parts += [f"{score.name}: {score.made_by}" for score in scores if score.made_by]
    return "; ".join(parts)
