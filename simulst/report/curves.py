"""BLEU against LAAL of several logs: which of them lie on one curve, and their picture."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulst.evaluate.scoring import LogScore
from simulst.report import inputs, scatter
from simulst.report.markup import Child, Element, element

__all__ = ["curve_of", "section", "setting"]

NUMBERED = re.compile(r"\d+_(?P<rule>[^_]+)(?:_(?P<rest>.+))?")
RANGE = re.compile(r"(=\d+)_(\d+)")


def setting(path: Path) -> tuple[str, tuple[str, ...]]:
    """Rule and parameters of a log from `simulst evaluate --out`; of others the name alone."""
    match = NUMBERED.fullmatch(inputs.title_of(path))
    if not match or path.name not in inputs.NAMES:
        return inputs.title_of(path), ()
    rest = RANGE.sub(r"\1–\2", match["rest"] or "")
    return match["rule"], tuple(rest.split("_")) if rest else ()


def curve_of(scores: Sequence[LogScore]) -> list[tuple[str, list[tuple[LogScore, str]]]]:
    """Logs with a BLEU by the curve that they lie on, each with what sets it apart there.

    A curve is a rule in a folder, run at several values of one parameter; it is named by the rest.

    Args:
        scores: all in one unit of latency.
    """
    curves: list[list[LogScore]] = []
    for score in scores:
        if score.quality is None or score.latency is None:
            continue
        if curves and len(_differing([*curves[-1], score])) == 1:
            curves[-1].append(score)
        else:
            curves.append([score])
    return [_named(curve) for curve in curves]


def _differing(scores: Sequence[LogScore]) -> set[str]:
    """Names of the parameters in which logs differ; of two for logs that share no curve."""
    rules = {(setting(s.path)[0], s.path.resolve().parent.parent) for s in scores}
    parameters = [dict(_split(part) for part in setting(s.path)[1]) for s in scores]
    if len(rules) > 1 or len({frozenset(p) for p in parameters}) > 1:
        return {"rule", "folder"}
    return {name for name in parameters[0] if len({p[name] for p in parameters}) > 1}


def _split(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name, value


def _named(curve: Sequence[LogScore]) -> tuple[str, list[tuple[LogScore, str]]]:
    rule, parts = setting(curve[0].path)
    varied = _differing(curve) if len(curve) > 1 else set()
    shared = [part for part in parts if _split(part)[0] not in varied]
    points = [
        (score, " ".join(p for p in setting(score.path)[1] if _split(p)[0] in varied))
        for score in curve
    ]
    return " ".join((rule, *shared)), points


def section(scores: Sequence[LogScore]) -> Element | None:
    """The curves of all logs of instances; None where they make none.

    Only logs of one text stand in one picture: scores of different texts do not compare. The
    quality of a session is that of a whole document, and compares with none of them.
    """
    texts: dict[object, list[LogScore]] = defaultdict(list)
    for score in scores:
        if score.summary is None:
            references = tuple(instance.reference for instance in score.instances)
            texts[score.speech, references].append(score)
    parts: list[Child] = []
    for chosen in texts.values():
        found = curve_of(chosen)
        if sum(len(points) for _, points in found) > 1:
            parts += _picture(found, speech=chosen[0].speech)
    if not parts:
        return None
    return element("section", element("h2", "Quality against latency"), parts, id="curves")


def _picture(
    found: Sequence[tuple[str, list[tuple[LogScore, str]]]], *, speech: bool
) -> list[Element]:
    named: dict[str, list[scatter.Dot]] = {}
    for name, points in found:
        folder = points[0][0].path.resolve().parent.parent.name
        shown = f"{name} ({folder})" if name in named else name
        named.setdefault(shown, []).extend(_dot(*point, 1000 if speech else 1) for point in points)
    count = len(found[0][1][0][0].instances)
    return [
        element("p", f"{count} sentences; point at a mark for its figures.", class_="note"),
        scatter.curves(named, "s" if speech else "source words"),
        _key(named),
    ]


def _key(named: Mapping[str, object]) -> Element:
    """The names of the curves, each beside its mark."""
    keys = []
    for i, name in enumerate(named):
        mark = element("g", scatter.shape_of(i, 8, 8), class_=f"curve c{i % 6}")
        key = element("svg", mark, class_="key", width=16, height=16, aria_hidden="true")
        keys.append(element("span", key, name))
    return element("p", keys, class_="legend")


def _dot(score: LogScore, label: str, scale: float) -> scatter.Dot:
    assert score.latency is not None and score.quality is not None
    lag, bleu = score.latency.laal / scale, score.quality.bleu
    said = f"{inputs.title_of(score.path)}: BLEU {bleu:.2f} at LAAL {lag:.2f}"
    return scatter.Dot(lag, bleu, label, said)
