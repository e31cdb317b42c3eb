"""The report's pictures as PNG. They need matplotlib, an extra; without it none is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulst.errors import OutputError
from simulst.evaluate.plots import Curve, plot
from simulst.rsft.figures import Figures
from simulst.rsft.tally import Tally

__all__ = ["Pictures"]

POOL = 100  # tokens tested; of fewer the share of accepted ones is mostly noise
INSTALL = 'matplotlib is not installed; pip install "simulst[plot]" and run the command again'


class Pictures:
    """Draws into a folder.

    Args:
        folder: of the report.

    Attributes:
        missing: why there are no pictures; "" if there are.

    Raises:
        OutputError: a picture cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.missing = ""
        try:
            import matplotlib.figure  # noqa: F401
        except ImportError:
            self.missing = INSTALL

    def _draw(
        self, name: str, text: str, size: tuple[float, float], draw: Callable[[Any], None]
    ) -> list[str]:
        """Make a picture; return the Markdown that shows it, or nothing without matplotlib."""
        if self.missing:
            return []
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        try:
            figure.savefig(self._folder / name, dpi=130, format="png")
        except OSError as error:
            path = self._folder / name
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        return [f"![{text}]({name})"]

    def curves(self, curves: Mapping[str, Curve], title: str, note: str) -> list[str]:
        """BLEU over LAAL, before and after."""
        if self.missing:
            return []
        plot(self._folder / "curve.png", curves, title=title, note=note)
        return ["![BLEU over LAAL, before and after](curve.png)"]

    def learning(self, rounds: Sequence[Sequence[tuple[int, float]]]) -> list[str]:
        """Dev BLEU by step, a line for each round; the best one is marked."""

        def draw(figure: Any) -> None:
            axes = figure.add_subplot()
            for number, scores in enumerate(rounds, 1):
                steps, values = zip(*scores, strict=True)
                line = axes.plot(steps, values, marker="o", markersize=4, label=f"round {number}")
                best = max(range(len(values)), key=values.__getitem__)
                axes.plot(
                    steps[best],
                    values[best],
                    marker="*",
                    markersize=14,
                    color=line[0].get_color(),
                    linestyle="none",
                    label=f"its best: {values[best]:.2f} at step {steps[best]}",
                )
            axes.set_xlabel("step")
            axes.set_ylabel("dev BLEU, mean over k")
            axes.set_title("What was learnt, on the dev text", fontsize=11)
            axes.margins(0.08, 0.15)
            axes.grid(alpha=0.3)
            axes.legend(fontsize=8)

        return self._draw("learning.png", "dev BLEU by step", (7, 4), draw)

    def positions(self, number: int, positions: Mapping[int, Sequence[Sequence[int]]]) -> list[str]:
        """Acceptance by position in the target, a line for each lag."""

        def draw(figure: Any) -> None:
            from matplotlib import colormaps
            from matplotlib.ticker import PercentFormatter

            axes = figure.add_subplot()
            lags = sorted(positions)
            for place, lag in enumerate(lags):
                points = _pooled(positions[lag])
                if points:
                    xs, ys = zip(*points, strict=True)
                    shade = colormaps["viridis"](0.9 * place / max(1, len(lags) - 1))
                    label = f"k = {lag}" if lag else "whole source"
                    axes.plot(xs, ys, marker=".", color=shade, label=label)
            axes.set_xlabel(f"position of the token in its target ({POOL} tested or more a point)")
            axes.set_ylabel("accepted of those tested")
            axes.set_ylim(0, 1)
            axes.set_xlim(left=0)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            axes.set_title(f"Round {number}: acceptance by position and k", fontsize=11)
            axes.grid(alpha=0.3)
            if axes.lines:
                axes.legend(fontsize=8, loc="lower left", ncols=len(lags))

        text = "acceptance by position and k"
        return self._draw(f"round-{number}-positions.png", text, (7.5, 4.2), draw)

    def proposals(self, number: int, figures: Figures) -> list[str]:
        """What each lag and temperature did: maps, and how many drafts and targets differ."""
        maps: list[tuple[str, Callable[[Tally], float | None]]] = [
            ("drafts passed", lambda tally: tally.passed_whole / tally.drawn),
            ("learnt from, a draft", lambda tally: tally.kept / tally.drawn),
        ]
        if figures.total.weighed:
            maps[:1] = [
                ("tokens accepted", lambda tally: tally.acceptance),
                ("effective sample size", lambda tally: tally.sample_size),
            ]

        def draw(figure: Any) -> None:
            *places, last = figure.subplots(1, len(maps) + 1, squeeze=False)[0]
            for axes, (title, value) in zip(places, maps, strict=True):
                _map(axes, figures.tallies, value)
                axes.set_title(title, fontsize=9)
            places[0].set_ylabel("temperature")
            _bars(last, figures)
            figure.suptitle(f"Round {number}: what each proposal came to", fontsize=11)

        text = "acceptance, sample size and distinct targets by k and temperature"
        size = 1.5 + 3.0 * (len(maps) + 1), 3.2
        return self._draw(f"round-{number}-proposals.png", text, size, draw)


def _pooled(rows: Sequence[Sequence[int]]) -> list[tuple[float, float]]:
    """Mean position and acceptance, positions put together until enough tokens were tested."""
    points, tested, passed, places = [], 0, 0, 0.0
    for position, (judged, accepted) in enumerate(rows, 1):
        tested, passed, places = tested + judged, passed + accepted, places + judged * position
        if tested >= POOL:
            points.append((places / tested, passed / tested))
            tested, passed, places = 0, 0, 0.0
    return points


def _map(
    axes: Any,
    tallies: Mapping[tuple[int, float], Tally],
    value: Callable[[Tally], float | None],
) -> None:
    """A field for each lag and temperature; the brightest is the largest."""
    lags = sorted({lag for lag, _ in tallies})
    temperatures = sorted({temperature for _, temperature in tallies})
    cells = [[_value(value, tallies.get((lag, t))) for lag in lags] for t in temperatures]
    top = max([1e-9, *(found for row in cells for found in row if not math.isnan(found))])
    axes.imshow(cells, cmap="viridis", vmin=0, vmax=top, aspect="auto")
    for y, row in enumerate(cells):
        for x, found in enumerate(row):
            if not math.isnan(found):
                colour = "black" if found > 0.6 * top else "white"
                axes.text(x, y, f"{found:.2f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(lags)), [str(lag) for lag in lags])
    axes.set_yticks(range(len(temperatures)), [f"{t:g}" for t in temperatures])
    axes.set_xlabel("k")


def _value(of: Callable[[Tally], float | None], tally: Tally | None) -> float:
    found = of(tally) if tally is not None and tally.drawn else None
    return math.nan if found is None else found


def _bars(axes: Any, figures: Figures) -> None:
    """How many drafts differ, and how many different targets passed, by lag and temperature."""
    from matplotlib.ticker import PercentFormatter

    groups = [group for group in figures.groups if None in group] or figures.groups
    names, different, distinct = [], [], []
    for group in groups:
        lag, temperature = group
        named = [] if lag is None else [f"k {lag}"]
        named += [] if temperature is None else [f"T {temperature:g}"]
        names.append(" ".join(named) or "all")
        tally = figures.of(group)
        different.append(figures.unique[group] / tally.drawn)
        distinct.append(figures.distinct.get(group, tally.distinct) / tally.drawn)
    places = range(len(groups))
    axes.bar([p - 0.2 for p in places], different, 0.4, label="different drafts", color="#9ecae1")
    axes.bar([p + 0.2 for p in places], distinct, 0.4, label="distinct, passed", color="#3182bd")
    axes.set_xticks(places, names, fontsize=7, rotation=90)
    axes.set_ylim(0, 1.25)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_title("of all drafts", fontsize=9)
    axes.legend(fontsize=7, loc="upper left", ncols=2)
