"""HTML and SVG as trees of elements, so that text from a log can never become markup."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from xml.etree.ElementTree import Element, tostring

__all__ = [
    "Child",
    "Element",
    "clean",
    "element",
    "heading",
    "markup",
    "seconds",
    "time_of",
    "title",
]

Child = Element | str | None

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What no HTML page may hold: controls, and the halves of pairs that a damaged log can have."""


def clean(text: str) -> str:
    """The text with a replacement character for each that a page may not hold."""
    return FORBIDDEN.sub("\ufffd", text)


def element(tag: str, *children: Child | Iterable[Child], **attributes: object) -> Element:
    """An element.

    Args:
        tag: its name.
        children: elements, text, or series of them; None is left out.
        attributes: underscores stand for hyphens, one at the end is dropped (`class_`); None is
            left out, and a float is written with one decimal at most.
    """
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            shown = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
            made.set(
                name if name == "viewBox" else name.rstrip("_").replace("_", "-"), clean(shown)
            )
    for child in children:
        many = [child] if child is None or isinstance(child, str | Element) else child
        for one in many:
            _append(made, one)
    return made


def _append(parent: Element, child: Child) -> None:
    if isinstance(child, str):
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + clean(child)
        else:
            parent.text = (parent.text or "") + clean(child)
    elif child is not None:
        parent.append(child)


def markup(root: Element) -> str:
    """A tree as HTML, in which SVG may stand; text in `style` and `script` is written as it is."""
    return tostring(root, encoding="unicode", method="html")


def heading(*columns: str, numbers: Collection[str] = ()) -> Element:
    """The head of a table.

    Args:
        columns: their names.
        numbers: those of them that stand to the right.
    """
    cells = (
        element("th", name, scope="col", class_="n" if name in numbers else None)
        for name in columns
    )
    return element("thead", element("tr", cells))


def title(text: str) -> Element:
    """What a part of a picture says when it is pointed at."""
    return element("title", text)


def time_of(samples_s: float) -> str:
    """Minutes and seconds, or hours too, of a time in seconds."""
    whole = int(samples_s)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def seconds(ms: float | None) -> str:
    """Milliseconds as seconds with two decimals; a dash where there is none."""
    return "–" if ms is None else f"{ms / 1000:.2f} s"
