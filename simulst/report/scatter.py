"""The picture of quality against latency: settings as marks, joined to curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulst.report.axes import Frame, around
from simulst.report.markup import Element, element, title
from simulst.report.widths import text_width

__all__ = ["SHAPES", "Dot", "curves", "shape_of"]

LETTERS = 11  # size of a label
SHAPES = (
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z",
    "M-4.5 -4.5H4.5V4.5H-4.5Z",
    "M0 -6L6 5H-6Z",
    "M0 -6.5L6 0L0 6.5L-6 0Z",
    "M0 6L6 -5H-6Z",
    "M-6 -2H-2V-6H2V-2H6V2H2V6H-2V2H-6Z",
)
"""Of the points of a curve: colour alone does not tell one from another."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A setting on a curve.

    Attributes:
        x, y: LAAL and BLEU.
        label: beside it.
        text: what it says when it is pointed at.
    """

    x: float
    y: float
    label: str
    text: str


def curves(named: Mapping[str, Sequence[Dot]], unit: str) -> Element:
    """BLEU over LAAL, a line for each curve.

    Args:
        named: curves by name, at least one point in all.
        unit: of the LAAL.
    """
    dots = [dot for points in named.values() for dot in points]
    frame = Frame(1000, 440, around([d.x for d in dots], 8), around([d.y for d in dots]))
    lines: list[Element] = []
    taken = [(frame.x(dot.x) - 5, frame.y(dot.y) - 5, 10.0) for dot in dots]
    for i, points in enumerate(named.values()):
        ordered = sorted(points, key=lambda dot: dot.x)
        marks = [
            element(
                "g",
                title(dot.text),
                shape_of(i, frame.x(dot.x), frame.y(dot.y)),
                _label(dot.label, frame.x(dot.x), frame.y(dot.y), taken),
            )
            for dot in ordered
        ]
        line = element("path", d=frame.path([(dot.x, dot.y) for dot in ordered]))
        lines.append(element("g", line, marks, class_=f"curve c{i % 6}"))
    text = "BLEU against LAAL. " + "; ".join(
        f"{name}: " + ", ".join(f"{dot.y:.1f} at {dot.x:.2f}" for dot in points)
        for name, points in named.items()
    )
    return frame.picture(
        text,
        frame.horizontal(),
        [frame.under(value, f"{value:g}") for value in frame.xs],
        lines,
        frame.caption(f"LAAL ({unit}; less is faster). Upwards: BLEU, more is better"),
    )


def _label(
    text: str, x: float, y: float, taken: list[tuple[float, float, float]]
) -> Element | None:
    """A point's label where there is room beside it; None where there is none.

    Args:
        text: of the label.
        x, y: of the point.
        taken: left, top and width of what is 10 pixels high and may not be covered; grows.
    """
    width = text_width(text, LETTERS)
    for left, base in (
        *((x + 9, y + 15), (x - 9 - width, y - 6), (x + 9, y - 6), (x - 9 - width, y + 15)),
        *((x + 12, y + 4), (x - 12 - width, y + 4), (x + 9, y + 28), (x - 9 - width, y - 19)),
    ):
        top = base - 10
        if all(
            left + width < other or other + wide < left or top + 12 < high or high + 12 < top
            for other, high, wide in taken
        ):
            taken.append((left, top, width))
            return element("text", text, class_="label", x=left, y=base)
    return None


def shape_of(curve: int, x: float, y: float) -> Element:
    """The mark of a curve's points."""
    shape = SHAPES[curve % len(SHAPES)]
    return element("path", class_="dot", d=shape, transform=f"translate({x:.1f} {y:.1f})")
