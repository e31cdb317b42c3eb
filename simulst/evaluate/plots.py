"""Curves of quality against latency as PNG. Needs matplotlib, which is an extra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from simulst.errors import ConfigError, OutputError

__all__ = ["Curve", "plot"]

Curve = Sequence[tuple[float, float, str]]
"""LAAL, BLEU, and the text beside the point."""


def plot(
    path: Path, curves: Mapping[str, Curve], *, title: str, note: str = "", unit: str = "words"
) -> None:
    """Draw BLEU over LAAL, a line for each curve.

    Args:
        path: the PNG to write.
        curves: name to points, in any order.
        title: above the plot.
        note: the signature, in small print below.
        unit: of the latency.

    Raises:
        ConfigError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "the curve needs matplotlib: pip install simulst[plot], or leave the plot out"
        ) from error
    # Figure without pyplot: no global state, no display
    figure = Figure(figsize=(8, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    markers = "osD^vPX*"
    for i, (name, points) in enumerate(curves.items()):
        ordered = sorted(points)
        xs, ys = [p[0] for p in ordered], [p[1] for p in ordered]
        line = axes.plot(xs, ys, marker=markers[i % len(markers)], markersize=5, label=name)[0]
        for x, y, text in ordered:
            # the first is the one to beat: its labels stand apart from the others
            place, align = ((-5, 5), "right") if i == 0 else ((5, -11), "left")
            axes.annotate(
                text,
                (x, y),
                textcoords="offset points",
                xytext=place,
                ha=align,
                fontsize=7,
                color=line.get_color(),
            )
    axes.set_xlabel(f"LAAL ({unit}; less is faster)")
    axes.set_ylabel("BLEU (0–100; more is better)")
    axes.set_title(title, fontsize=11)
    axes.margins(0.08)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    if note:
        figure.supxlabel(note, fontsize=6, color="0.4", wrap=True)
    try:
        figure.savefig(path, dpi=130, format="png")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
