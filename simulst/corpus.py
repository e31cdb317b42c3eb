"""Parallel text: one sentence and its translation a line.

A file is tab-separated UTF-8, plain or gzipped: either two columns (source, target) or four
(corpus, licence, source, target), which lets a run learn only from the corpora it may.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from simulst.errors import DataError

__all__ = ["Pair", "read_pairs", "stream_pairs"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its translation."""

    source: str
    target: str
    corpus: str = ""


def stream_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a parallel file, one at a time; those with an empty side are left out.

    Raises:
        DataError: the file is missing or damaged, or a line has another number of columns.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                columns = line.rstrip("\r\n").split("\t")
                if len(columns) not in (2, 4):
                    raise DataError(
                        f"{path}, line {number}: {len(columns)} columns; expected source and "
                        "target, or corpus, licence, source and target, separated by tabs"
                    )
                corpus = columns[0] if len(columns) == 4 else ""
                source, target = columns[-2].strip(), columns[-1].strip()
                if source and target:
                    yield Pair(source, target, corpus)
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def read_pairs(path: Path, corpora: Collection[str] = ()) -> list[Pair]:
    """Read a parallel file; `corpora` keeps those only (needs the four-column form).

    Raises:
        DataError: the file is missing or empty, a line has another number of columns, or a
            wanted corpus is not in it.
    """
    pairs = list(stream_pairs(path))
    known = {pair.corpus for pair in pairs}
    if missing := set(corpora) - known:
        raise DataError(
            f"{path} holds no corpus {', '.join(sorted(missing))}; "
            f"it has {', '.join(sorted(known)) or 'none'}"
        )
    if corpora:
        pairs = [pair for pair in pairs if pair.corpus in corpora]
    if not pairs:
        raise DataError(f"{path} holds no sentence pairs")
    return pairs
