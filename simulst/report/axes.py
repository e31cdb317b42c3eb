"""The axes of a chart, and from figures to pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulst.report.markup import Element, element
from simulst.report.scales import ticks

__all__ = ["Frame", "around"]

LEFT, RIGHT, TOP, BOTTOM = 58, 24, 16, 44


class Frame:
    """A plot's axes.

    Args:
        width, height: of the whole, in pixels.
        xs, ys: the numbers along the axes, in order, at least two of each.
    """

    def __init__(
        self, width: float, height: float, xs: Sequence[float], ys: Sequence[float]
    ) -> None:
        self.width, self.height = width, height
        self.xs, self.ys = xs, ys

    def x(self, value: float) -> float:
        """Pixels from the left."""
        share = (value - self.xs[0]) / (self.xs[-1] - self.xs[0])
        return LEFT + share * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        share = (value - self.ys[0]) / (self.ys[-1] - self.ys[0])
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """A line through points."""
        return "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)

    def horizontal(self, unit: str = "") -> Iterator[Element]:
        """Lines across, with their numbers."""
        for value in self.ys:
            y = self.y(value)
            yield element("path", class_="grid", d=f"M{LEFT} {y:.1f}H{self.width - RIGHT:g}")
            label = f"{value:g}{unit}"
            yield element("text", label, class_="time", x=LEFT - 8, y=y + 4, text_anchor="end")

    def under(self, value: float, label: str) -> Element:
        """A number of the horizontal axis."""
        y = self.height - BOTTOM + 17
        return element("text", label, class_="time", x=self.x(value), y=y, text_anchor="middle")

    def caption(self, text: str) -> Element:
        """What the horizontal axis counts."""
        middle = (LEFT + self.width - RIGHT) / 2
        return element(
            "text", text, class_="caption", x=middle, y=self.height - 6, text_anchor="middle"
        )

    def picture(self, text: str, *parts: Element | Iterator[Element] | list[Element]) -> Element:
        """The whole, with a text for those who do not see it."""
        return element(
            "svg",
            *parts,
            class_="chart",
            role="img",
            aria_label=text,
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            width=f"{self.width:g}",
            height=f"{self.height:g}",
        )


def around(values: Sequence[float], count: int = 5) -> list[float]:
    """Ticks that hold all values with a little air, not from 0."""
    low, high = min(values), max(values)
    air = (high - low) * 0.1 or abs(high) * 0.1 or 1.0
    return ticks(high + air, count, low - air)
