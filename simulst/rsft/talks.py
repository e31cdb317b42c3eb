"""Recorded talks as sentences: what was said and, where there is one, its reference.

A folder holds talks, each in a folder of its own (or is itself one):

    talk/transcript.en.txt   a sentence a line
    talk/reference.de.txt    its translation, as many lines; may be missing
    talk/*.jsonl             else sessions, as `interpret --record` or `--out` writes them; of a
                             session into several languages one journal is read, as all tell
                             what was said
    talk/audio.flac          else a recording, which is listened to

Parallel text in a TSV file is one talk a corpus. Sentences are read as they are asked for, so that
memory does not grow with the corpus.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulst.corpus import stream_pairs
from simulst.draws import uniform
from simulst.emit import jsonl
from simulst.errors import ConfigError, DataError
from simulst.types import SentenceEnd, Word

__all__ = ["AUDIO", "Sentence", "apart_from", "joined", "read_talks", "read_written"]

AUDIO = (".flac", ".wav", ".ogg", ".opus", ".mp3", ".m4a", ".mp4", ".webm", ".aac")
"""Endings of what is taken for a recording."""

THREES = 1 / 3
"""Of the joined lines, those of three sentences."""

Listen = Callable[[Path], list[str]]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A source sentence of a talk.

    Attributes:
        talk: it belongs to.
        source: its text.
        reference: its translation by a person, or "".
    """

    talk: str
    source: str
    reference: str = ""


def read_talks(
    path: Path, source: str, target: str, listen: Listen | None = None
) -> Iterator[Sentence]:
    """The sentences of all talks, in an order that does not change.

    Args:
        path: a folder, or a TSV file (plain or .gz).
        source, target: languages, ISO 639-1.
        listen: turns a recording into sentences, for talks that have no text.

    Raises:
        DataError: there is nothing to learn from, or a talk's files do not fit each other.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; give recorded talks or a parallel TSV")
    if not path.is_dir():
        for pair in stream_pairs(path):
            yield Sentence(pair.corpus or path.name, pair.source, pair.target)
        return
    empty = True
    for folder in (path, *sorted(child for child in path.iterdir() if child.is_dir())):
        for sentence in _talk(folder, source, target, listen):
            empty = False
            yield sentence
    if empty:
        raise DataError(
            f"{path} holds no talk: put transcript.{source}.txt, a journal (.jsonl) or a recording "
            f"({', '.join(AUDIO)}) into it, or into a folder in it for each talk"
        )


def _talk(folder: Path, source: str, target: str, listen: Listen | None) -> Iterator[Sentence]:
    """The sentences of one folder; none if it is no talk."""
    transcript = folder / f"transcript.{source}.txt"
    reference = folder / f"reference.{target}.txt"
    journals = _sessions(sorted(folder.glob("*.jsonl")), target)
    recordings = sorted(file for file in folder.iterdir() if file.suffix.lower() in AUDIO)
    if transcript.is_file():
        yield from read_written(folder.name, transcript, reference)
    elif reference.is_file():
        raise DataError(
            f"{reference} has no {transcript.name} beside it: a reference can only be matched to "
            "a transcript with the same lines"
        )
    elif journals:
        for name, journal in journals.items():
            for text in _journalled(journal):
                yield Sentence(f"{folder.name}/{name}", text)
    else:
        for recording in recordings:
            if listen is None:
                raise DataError(
                    f"{recording} has no text: add {transcript.name}, or name a listener that "
                    "hears it"
                )
            for text in listen(recording):
                yield Sentence(f"{folder.name}/{recording.stem}", text)


def read_written(talk: str, transcript: Path, reference: Path) -> Iterator[Sentence]:
    """The sentences of a transcript, with those of the reference if there is one.

    Raises:
        DataError: a file cannot be read, or line n of one does not belong to line n of the other.
    """
    said = _lines(transcript)
    meant = _lines(reference) if reference.is_file() else [""] * len(said)
    if len(said) != len(meant):
        raise DataError(
            f"{transcript} has {len(said)} lines and {reference.name} {len(meant)}: line n of one "
            "must translate line n of the other"
        )
    for number, (source, target) in enumerate(zip(said, meant, strict=True), 1):
        if not source and target:
            raise DataError(f"{transcript}, line {number} is empty, but its reference is not")
        if source and not target and reference.is_file():
            raise DataError(
                f"{reference}, line {number} is empty: translate it, or remove the file to learn "
                "from the source alone"
            )
        if source:
            yield Sentence(talk, source, target)


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _sessions(journals: Sequence[Path], target: str) -> dict[str, Path]:
    """A journal for each session, by its name: session.de.jsonl and session.fr.jsonl are of one.

    Args:
        journals: of a folder.
        target: of a session's journals the one in this language is read, else the first.
    """
    found: dict[str, Path] = {}
    for journal in journals:
        language = str(jsonl.read_signature(journal).get("target", ""))
        name = journal.stem.removesuffix(f".{language}") if language else journal.stem
        if name not in found or language == target:
            found[name] = journal
    return found


def _journalled(path: Path) -> Iterator[str]:
    """What a session heard, a sentence at a time."""
    words: list[str] = []
    for update in jsonl.read(path):
        for item in update.committed:
            if isinstance(item, Word):
                words.append(item.text)
            elif isinstance(item, SentenceEnd) and words:
                yield " ".join(words)
                words = []
    if words:
        yield " ".join(words)


def apart_from(sentences: Iterable[Sentence], held_out: Iterable[str]) -> Iterator[Sentence]:
    """The same sentences, none of which may be among those that will judge.

    Args:
        sentences: to learn from.
        held_out: source texts; case and white space make no difference.

    Raises:
        DataError: one of them is held out, when its turn comes.
    """
    known = {_normal(text) for text in held_out}
    for sentence in sentences:
        if _normal(sentence.source) in known:
            raise DataError(
                f"the dev text holds a sentence of the talks ({sentence.source!r} of "
                f"{sentence.talk}): what is learnt from cannot judge; give another --dev"
            )
        yield sentence


def joined(sentences: Iterable[Sentence], share: float) -> Iterator[Sentence]:
    """Lines of a talk: now and then two or three neighbours make one.

    Live, what is said without a pause is one line to the policy. One that learns from single
    sentences alone forgets how lines of several go on, and stops behind the first.

    Args:
        sentences: talk by talk; those of different talks stay apart, and so do one with a
            reference and one without.
        share: of the lines that are joined, in [0, 1]. Which ones is fixed by their number.

    Raises:
        ConfigError: the share lies outside.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"the share of joined lines (--join) is {share}: it must lie in [0, 1]")
    return _joined(sentences, share)


def _joined(sentences: Iterable[Sentence], share: float) -> Iterator[Sentence]:
    line: list[Sentence] = []
    number, wanted = 0, 1
    for sentence in sentences:
        first = line[0] if line else sentence
        if len(line) == wanted or not _neighbours(first, sentence):
            yield _one_of(line)
            line, number = [], number + 1
        if not line and share:
            long = uniform("join", number) < share
            wanted = 2 + (uniform("three", number) < THREES) if long else 1
        line.append(sentence)
    if line:
        yield _one_of(line)


def _neighbours(one: Sentence, other: Sentence) -> bool:
    return one.talk == other.talk and bool(one.reference) == bool(other.reference)


def _one_of(line: Sequence[Sentence]) -> Sentence:
    """One sentence of several."""
    sources, references = ([s.source for s in line], [s.reference for s in line])
    return Sentence(line[0].talk, _text(sources), _text(references))


def _text(parts: Sequence[str]) -> str:
    """The parts, a space between them unless they are written without."""
    text = ""
    for part in parts:
        wide = text and unicodedata.east_asian_width(text[-1]) in "WF"
        spaced = bool(text) and (not wide or unicodedata.name(text[-1], "").startswith("HANGUL"))
        text += f" {part}" if spaced else part
    return text


def _normal(text: str) -> str:
    return " ".join(text.lower().split())
