"""Pictures of figures: lag over the talk, acceptance by position, and spread of the lag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulst.report.axes import Frame
from simulst.report.layout import ROW_S
from simulst.report.markup import Element, element, seconds, time_of, title
from simulst.report.scales import ticks
from simulst.report.talk import Share, Talk, wilson

__all__ = ["FEW", "acceptance", "lag_over_time", "spread"]

FEW = 20  # tokens judged; with fewer their share says little


def lag_over_time(talk: Talk, prefix: str) -> Element | None:
    """The lag of each word and of each sentence; None if nothing was written.

    Args:
        talk: to draw.
        prefix: of the timeline's rows, which a sentence leads to.
    """
    units = talk.units
    if not units:
        return None
    end = max(talk.heard_s, units[-1].at_s, 1.0)
    top = max(max(unit.lag_ms, unit.lag_ca_ms or 0.0) for unit in units) / 1000
    frame = Frame(1216, 250, [0.0, end], ticks(max(top, 0.1), 4))
    dots = [
        element("circle", cx=frame.x(u.at_s), cy=frame.y(max(0.0, u.lag_ms / 1000)), r=1.8)
        for u in units
    ]
    steps: list[Element] = []
    for sentence in talk.sentences:
        if sentence.laal_ms is None:
            continue
        said = (
            f"Sentence {sentence.index + 1}: LAAL {seconds(sentence.laal_ms)}, with computing "
            f"{seconds(sentence.laal_ca_ms)}\n{sentence.source}\n{sentence.target}"
        )
        begin, stop = sentence.begin_s, max(sentence.end_s, sentence.begin_s + end / 400)
        y = sentence.laal_ms / 1000
        parts = [element("path", class_="step", d=frame.path([(begin, y), (stop, y)]))]
        if sentence.laal_ca_ms is not None:
            y = sentence.laal_ca_ms / 1000
            parts.append(
                element("path", class_="step computing", d=frame.path([(begin, y), (stop, y)]))
            )
        row = int(sentence.units[0].at_s // ROW_S) * ROW_S
        # a talk has hundreds: for the keyboard the table of sentences has the same links
        steps.append(element("a", title(said), parts, href=f"#{prefix}-{row}", tabindex=-1))
    known = [s.laal_ms / 1000 for s in talk.sentences if s.laal_ms is not None]
    text = (
        f"Lag over {time_of(end)}: LAAL of {len(known)} sentences, from {min(known):.2f} to "
        f"{max(known):.2f} s"
    )
    # ticks go on to the next round number; the axis ends with the talk
    times = [frame.under(value, time_of(value)) for value in _minutes(end)]
    return frame.picture(
        text,
        frame.horizontal(" s"),
        times,
        element("g", dots, class_="words"),
        steps,
        frame.caption("time in the talk"),
    )


def _minutes(end: float) -> list[float]:
    """Times for the axis of a talk."""
    step = next((s for s in (5, 10, 30, 60, 120, 300, 600, 1800) if end / s <= 14), end / 10)
    return [i * step for i in range(int(end / step) + 1)]


def acceptance(positions: Mapping[str, Share]) -> Element | None:
    """Accepted of the tokens judged, by position in the target sentence."""
    if not positions:
        return None
    count = len(positions)
    frame = Frame(600, 270, [0.0, float(count)], [0, 25, 50, 75, 100])
    bars: list[Element] = []
    texts = []
    for i, (name, share) in enumerate(positions.items()):
        value = 100 * share.accepted / share.judged
        low, high = (100 * bound for bound in wilson(share))
        said = (
            f"token {name}: {share.accepted} of {share.judged} accepted, {value:.0f} % "
            f"(95 % interval {low:.0f}–{high:.0f} %)"
        )
        texts.append(f"{name}: {value:.0f} %")
        x, width = frame.x(i + 0.14), frame.x(i + 0.86) - frame.x(i + 0.14)
        middle = x + width / 2
        bars.append(
            element(
                "g",
                title(said),
                element(
                    "rect",
                    x=x,
                    y=frame.y(value),
                    width=width,
                    height=max(0.0, frame.y(0) - frame.y(value)),
                    class_="bar few" if share.judged < FEW else "bar",
                ),
                element(
                    "path",
                    class_="whisker",
                    d=f"M{middle:.1f} {frame.y(low):.1f}V{frame.y(high):.1f}",
                ),
                frame.under(i + 0.5, name),
            )
        )
    return frame.picture(
        "Accepted of the tokens judged, by position: " + ", ".join(texts),
        frame.horizontal(" %"),
        bars,
        frame.caption("position of the token in the target sentence"),
    )


def spread(lags: Sequence[float], unit: str) -> Element | None:
    """How many sentences have which LAAL.

    Args:
        lags: of the sentences, in `unit`.
        unit: "s" or "words".
    """
    if not lags:
        return None
    low, high = min(lags), max(lags)
    edges = ticks(high if high > low else low + 1, 16, low)
    step = edges[1] - edges[0]
    counts = [0] * (len(edges) - 1)
    for lag in lags:
        counts[min(len(counts) - 1, max(0, int((lag - edges[0]) / step)))] += 1
    frame = Frame(600, 270, edges, ticks(max(counts), 4))
    bars = []
    for i, count in enumerate(counts):
        x, after = frame.x(edges[i]), frame.x(edges[i + 1])
        said = f"{edges[i]:g}–{edges[i + 1]:g} {unit}: {count} sentences"
        shape = element(
            "rect",
            class_="bar",
            x=x + 1,
            y=frame.y(count),
            width=after - x - 2,
            height=frame.y(0) - frame.y(count),
        )
        bars.append(element("g", title(said), shape))
    marks = [frame.under(value, f"{value:g}") for value in edges[:: max(1, len(edges) // 8)]]
    return frame.picture(
        f"LAAL of {len(lags)} sentences, from {low:.2f} to {high:.2f} {unit}",
        frame.horizontal(),
        bars,
        marks,
        frame.caption(f"LAAL of a sentence ({unit})"),
    )
