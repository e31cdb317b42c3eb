"""Small logs to make reports of."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from simulst.emit.jsonl import Journal
from simulst.evaluate.logs import Instance, write_instances
from simulst.types import Emission, Reason, SentenceEnd, Update, Verdict, Word

__all__ = ["S", "Page", "corpus", "journal", "lines"]

S = 16_000


def journal(
    path: Path,
    words: tuple[str, str, str] = ("yes", "good", "no"),
    *,
    units: tuple[str, str, str] = ("ja", "gut", "nein"),
    elapsed: bool = True,
    closed: bool = True,
) -> Path:
    """Two sentences from 1 s and from 25 s on; the third unit is written at 31 s.

    The first is accepted after a word, the second forced after two with a hold before it, the
    third finishes.
    """
    chinese = not units[0].isascii()
    target, between = ("zh", "") if chinese else ("de", " ")
    sink = Journal(path, {"source": "en", "target": target, "rule": "ratio", "k_min": 2})

    def written(index: int, sentence: int, read: int, at_s: int, reason: Reason) -> Emission:
        text, space = units[index], between if index else ""
        stamped = at_s * S + S // 2 if elapsed else None
        return Emission(index, sentence, text, space, read, at_s * S, 0, reason, stamped)

    sink.write(
        Update(
            2 * S,
            (Word(words[0], S, 2 * S, 0.5),),
            (written(0, 0, 1, 2, Reason.RATIO),),
            (
                Verdict(0, 0, 5, 1, 0.5, 0.5, 1.0, 0.5, True, Reason.RATIO),
                Verdict(0, 1, 6, 1, 0.1, 0.5, 0.2, 0.5, False, Reason.RATIO),
            ),
        )
    )
    sink.write(
        Update(
            3 * S,
            (Word(words[1], 2 * S, 3 * S), SentenceEnd(3 * S)),
            (written(1, 0, 2, 3, Reason.FORCED),),
            (Verdict(0, 1, 6, 2, 0.4, 0.5, None, None, True, Reason.FORCED),),
        )
    )
    sink.write(
        Update(
            31 * S,
            (Word(words[2], 25 * S, 26 * S), SentenceEnd(26 * S)),
            (written(2, 1, 1, 31, Reason.FINISH),),
        )
    )
    sink.write(Update(32 * S, ended=True))
    if closed:
        sink.summarise({"words": 3, "real_time_factor": 0.25})
    sink.close()
    return path


def corpus(folder: Path, *, lag: int = 1, good: bool = True) -> Path:
    """Three sentences of five words under wait-k, as `simulst evaluate --out` stores them."""
    folder.mkdir(parents=True)
    target = "der kleine Hund bellt laut" if good else "der große Hund bellt laut"
    delays = tuple(float(min(lag + i, 5)) for i in range(5))
    reference = "der kleine Hund bellt laut"
    write_instances(
        folder / "instances.log",
        [
            Instance(i, target, delays, (), reference, "the small dog barks loud", 5)
            for i in range(3)
        ],
    )
    return folder / "instances.log"


def lines(path: Path) -> list[dict[str, Any]]:
    """The entries of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Page(HTMLParser):
    """A page as a browser would take it apart: tags with their attributes, text, open elements."""

    VOID = ("meta", "link", "br", "img", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It closes the last one that is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note it with its element."""
        if self.open and data.strip():
            self.texts.append((self.open[-1], data))

    def named(self, tag: str) -> list[dict[str, str]]:
        """The attributes of all elements of a name."""
        return [attributes for name, attributes in self.tags if name == tag]
