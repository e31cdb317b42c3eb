"""Names and terms that a talk is to be interpreted with: reading them, finding them in a sentence.

A glossary is tab-separated UTF-8, a term a line: source, target. A first line of language codes
makes room for several targets, where a cell may be empty:

    en                  de                      fr
    guide word          Leitwort                mot-guide
    Kyrgyzstan          Kirgisistan
    # a remark, as any line that begins with this sign

A line that cannot be used is left out and told by its number, since each stands alone and a talk
must not wait for one of them; a file of which nothing can be used is refused. Terms are found as
whole words in any case, the longest first; one in capitals (US, WHO) only as it stands, because
"us" and "who" are words. Other forms of a term, a plural say, are lines of their own.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulst.errors import ConfigError

__all__ = ["Glossary", "Occurrence", "Term", "Terms", "bare", "load", "spoken"]

_CODE = re.compile(r"[a-z]{2}")
_LONGEST = 120
"""Characters of a cell; what is longer is a sentence, not a term."""


def bare(word: str) -> str:
    """The word without the punctuation around it; inner marks stay."""
    marks = [unicodedata.category(letter)[0] in "PS" for letter in word]
    if all(marks):
        return ""
    return word[marks.index(False) : len(word) - marks[::-1].index(False)]


def _folded(word: str) -> str:
    """What a word is found by."""
    text = bare(word)
    return text if len(text) > 1 and text.isupper() else text.casefold()


@dataclass(frozen=True, slots=True)
class Term:
    """A term and how it is to be written.

    Attributes:
        source: its words as they are said, without punctuation around them.
        target: as it must appear.
    """

    source: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A term in a sentence.

    Attributes:
        start, end: its source words.
        term: whose words these are.
    """

    start: int
    end: int
    term: Term


class Terms:
    """The terms of one target language, to be found in sentences.

    Args:
        terms: no two with the same source.
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = tuple(terms)
        spelt = repr([(term.source, term.target) for term in self.terms])
        self.id = hashlib.sha256(spelt.encode()).hexdigest()[:8]
        self._named = {tuple(map(_folded, term.source)): term for term in self.terms}
        self._longest = max((len(key) for key in self._named), default=0)
        self._beginnings = {key[:n] for key in self._named for n in range(1, len(key))}

    def find(self, words: Sequence[str]) -> tuple[Occurrence, ...]:
        """What occurs in the words, from left to right and without overlap, the longest first."""
        readings = _readings(words)
        found: list[Occurrence] = []
        at = 0
        while at < len(words):
            for end in range(min(len(words), at + self._longest), at, -1):
                keys = [reading[at:end] for reading in readings]
                term = next((self._named[key] for key in keys if key in self._named), None)
                if term is not None:
                    found.append(Occurrence(at, end, term))
                    at = end - 1
                    break
            at += 1
        return tuple(found)

    def begun(self, words: Sequence[str]) -> int | None:
        """Where the term begins in whose middle the words end; None if they end in none."""
        readings = _readings(words)
        for start in range(max(0, len(words) - self._longest + 1), len(words)):
            if any(reading[start:] in self._beginnings for reading in readings):
                return start
        return None


def _readings(words: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The words as a term in capitals is found, and as others are."""
    return tuple(map(_folded, words)), tuple(bare(word).casefold() for word in words)


@dataclass(frozen=True, slots=True)
class Glossary:
    """A glossary as it was read.

    Attributes:
        path: of the file.
        languages: of the target columns; empty where the file does not say.
        rows: the source's words and a target for each column, empty where there is none.
        broken: a sentence on each line that was left out.
    """

    path: Path
    languages: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    broken: tuple[str, ...] = ()

    def terms(self, target: str) -> Terms:
        """Those of a target language.

        Raises:
            ConfigError: the file names its languages, and this is not among them.
        """
        if self.languages and target not in self.languages:
            raise ConfigError(
                f"{self.path} has terms in {', '.join(self.languages)}, none in {target}: add a "
                "column, or leave the glossary out"
            )
        column = self.languages.index(target) if self.languages else 0
        pairs = [(source, targets[column]) for source, targets in self.rows]
        return Terms([Term(source, text) for source, text in pairs if text])

    def check(self, targets: Sequence[str]) -> None:
        """Refuse a file that cannot say which of several languages it is in.

        Raises:
            ConfigError: it has no line of languages, and several are asked for.
        """
        if not self.languages and len(targets) > 1:
            raise ConfigError(
                f"{self.path} does not say which of {', '.join(targets)} its terms are in: begin "
                f"it with a line of language codes, the spoken one first, like en<TAB>{targets[0]}"
            )


def load(path: Path, source: str) -> Glossary:
    """Read a glossary.

    Args:
        path: of the file.
        source: language spoken, ISO 639-1.

    Raises:
        ConfigError: it cannot be read, is of another spoken language, or has no line that can be
            used.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"the glossary {path} cannot be read: {error.strerror}") from error
    languages: tuple[str, ...] = ()
    rows: dict[tuple[str, ...], tuple[int, tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    broken: list[str] = []
    first = True
    for number, line in enumerate(lines, 1):
        try:
            cells = _cells(line, number)
            if cells is None:
                continue
            if first and len(cells) > 1 and all(map(_CODE.fullmatch, cells)):
                languages = _languages(path, cells, source)
            else:
                row = _row(cells, max(len(languages), 1))
                key = tuple(map(_folded, row[0]))
                before, same = rows.setdefault(key, (number, row))
                if same[1] != row[1]:
                    raise ValueError(f"{cells[0]!r} has another target in line {before}")
        except ValueError as error:
            broken.append(f"{path}, line {number}: {error}; left out")
        first = False
    if not rows:
        why = f" ({broken[0].partition(', ')[2]})" if broken else ""
        raise ConfigError(
            f"the glossary {path} holds no term{why}: write source, tab and target in each line, "
            "in UTF-8"
        )
    return Glossary(path, languages, tuple(row for _, row in rows.values()), tuple(broken))


def spoken(path: str, source: str) -> tuple[tuple[str, ...], ...]:
    """The words of each term of a glossary, as they are said; none without a file.

    Args:
        path: of the file, or empty.
        source: language spoken, ISO 639-1.

    Raises:
        ConfigError: as `load`.
    """
    return tuple(words for words, _ in load(Path(path), source).rows) if path else ()


def _cells(line: bytes, number: int) -> list[str] | None:
    """The cells of a line; None if it is blank or a remark.

    Raises:
        ValueError: it is no text.
    """
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8") from error
    if not text.strip() or text.lstrip().startswith("#"):
        return None
    return [" ".join(cell.split()) for cell in text.split("\t")]


def _languages(path: Path, cells: Sequence[str], source: str) -> tuple[str, ...]:
    """The target languages that a first line names."""
    if cells[0] != source:
        raise ConfigError(
            f"the glossary {path} is for {cells[0]} as the spoken language, which is {source}: "
            "give --from, or another glossary"
        )
    if len(set(cells)) < len(cells):
        raise ConfigError(f"the glossary {path} names a language twice: {', '.join(cells)}")
    return tuple(cells[1:])


def _row(cells: Sequence[str], targets: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Source and targets of a line.

    Raises:
        ValueError: it is broken.
    """
    if len(cells) == 1:
        raise ValueError(f"{_shown(cells[0])} has no tab; write source, tab, target")
    if any(cells[targets + 1 :]):
        raise ValueError(f"{len(cells)} columns, where {targets + 1} are expected")
    source, *given = cells[: targets + 1]
    for cell in (source, *given):
        if len(cell) > _LONGEST:
            raise ValueError(f"{_shown(cell)} has more than {_LONGEST} characters")
        if any(unicodedata.category(letter) == "Cc" for letter in cell):
            raise ValueError(f"{_shown(cell)} holds a control character")
    words = tuple(map(bare, source.split()))
    if not words or not all(words):
        raise ValueError(f"the source {_shown(source)} has no word, or a lone mark")
    if not any(map(bare, given)):
        raise ValueError(f"{_shown(source)} has no target")
    return words, (*given, *[""] * (targets - len(given)))


def _shown(text: str) -> str:
    """A cell in a message, which a long or binary one must not flood."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
