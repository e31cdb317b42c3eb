"""The page: one file with its style, its pictures and the little script that answers pointing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulst import __version__
from simulst.evaluate.scoring import LogScore, signature
from simulst.report import curves, figures, inputs, sections
from simulst.report.layout import WIDTH
from simulst.report.markup import Child, Element, clean, element, markup
from simulst.report.talk import Talk

__all__ = ["Entry", "page"]

STATIC = Path(__file__).parent / "static"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
FOLD = 3
"""More logs of instances than this are folded; the comparison is what is read then."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A log with what is shown of it.

    Attributes:
        score: its figures.
        talk: its words, if it is a session's journal.
    """

    score: LogScore
    talk: Talk | None


def page(entries: Sequence[Entry]) -> str:
    """The whole page.

    Args:
        entries: at least one.
    """
    scores = [entry.score for entry in entries]
    names = [(f"log{i + 1}", inputs.title_of(s.path)) for i, s in enumerate(scores)]
    alone = len(entries) == 1
    corpora = sum(entry.talk is None for entry in entries)
    heading = names[0][1] if len(names) == 1 else f"{len(names)} logs"
    parts: list[Child] = [_defs()]
    if len(entries) > 1:
        parts += [
            element(
                "section",
                element("h2", "Side by side"),
                figures.comparison(scores, names),
                id="all",
            ),
            curves.section(scores),
        ]
    for entry, (name, _) in zip(entries, names, strict=True):
        if entry.talk is None:
            parts.append(sections.corpus(entry.score, name, folded=corpora > FOLD, alone=alone))
        else:
            parts.append(sections.session(entry.score, entry.talk, name, alone=alone))
    body = element(
        "body",
        element(
            "header",
            element("p", "simulst report", class_="brand"),
            element("h1", heading),
            _contents(names) if len(names) > 1 else None,
        ),
        element("main", parts),
        element("footer", element("p", element("code", signature(scores)))),
        element("div", id="tip", hidden="hidden", aria_hidden="true"),
        element("script", _static("report.js")),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content=f"simulst {__version__}"),
        _policy(),
        element("title", f"{heading} – simulst report"),
        element("style", _static("report.css")),
    )
    return "<!doctype html>\n" + markup(element("html", head, body, lang="en")) + "\n"


def _static(name: str) -> str:
    return clean((STATIC / name).read_text(encoding="utf-8"))


def _policy() -> Element:
    """Nothing may be fetched, whatever a page were to hold."""
    made = element("meta", content=POLICY)
    made.set("http-equiv", "Content-Security-Policy")
    return made


def _contents(names: Sequence[tuple[str, str]]) -> Element:
    links = [element("a", title, href=f"#{name}") for name, title in names]
    return element("nav", links, class_="jumps", aria_label="logs")


def _defs() -> Element:
    """What the rows of every timeline are cut off with."""
    # its own coordinates would be those of the row; only what lies beside the row is cut
    shape = element("rect", x=0, y=-50, width=f"{WIDTH:g}", height=100_000)
    clip = element("clipPath", shape, id="plot")
    return element(
        "svg", element("defs", clip), width=0, height=0, class_="defs", aria_hidden="true"
    )
