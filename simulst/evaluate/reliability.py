"""Reliability and ROC curves as PNG. Needs matplotlib, which is an extra."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulst import calibration
from simulst.errors import ConfigError, OutputError

__all__ = ["plot"]

Floats = NDArray[np.float64]
FEW = 0.002  # share of the tokens; what a smaller bin shows is chance


def plot(
    path: Path,
    evidence: Mapping[str, Floats],
    outcomes: Floats,
    *,
    title: str,
    note: str = "",
) -> None:
    """Draw what was expected against what happened, and the ROC curves.

    Args:
        path: the PNG to write.
        evidence: name to expectation (N,), in [0, 1].
        outcomes: (N,) in [0, 1].
        title: above the plot.
        note: the signature, in small print below.

    Raises:
        ConfigError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "the curves need matplotlib: pip install simulst[plot], or leave --out out"
        ) from error
    picture = Figure(figsize=(11, 5.6), layout="constrained")
    FigureCanvasAgg(picture)
    left, right = picture.subplots(1, 2)
    markers = "osD^vPX*"
    for i, (name, expected) in enumerate(evidence.items()):
        bins = [b for b in calibration.reliability(expected, outcomes) if b.share >= FEW]
        apart = calibration.calibration_error(expected, outcomes)
        left.plot(
            [b.expected for b in bins],
            [b.happened for b in bins],
            marker=markers[i % len(markers)],
            markersize=5,
            label=f"{name} ({apart:.3f})",
        )
        area = calibration.auroc(expected, outcomes)
        shown = "–" if area is None else f"{area:.3f}"
        right.plot(*calibration.roc(expected, outcomes), label=f"{name} ({shown})")
    for axes in (left, right):
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", zorder=0)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_aspect("equal")
        axes.grid(alpha=0.3)
    left.set_xlabel("expected acceptance (mean of the bin)")
    left.set_ylabel("acceptance by the full source")
    left.set_title("Reliability; in brackets the calibration error", fontsize=10)
    left.legend(fontsize=8, loc="lower right")
    right.set_xlabel("rejected tokens let through (false positives)")
    right.set_ylabel("acceptable tokens let through (true positives)")
    right.set_title("ROC; in brackets the area", fontsize=10)
    right.legend(fontsize=8, loc="lower right")
    picture.suptitle(title, fontsize=11)
    if note:
        picture.supxlabel(note, fontsize=6, color="0.4", wrap=True)
    try:
        picture.savefig(path, dpi=130, format="png")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
