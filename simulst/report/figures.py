"""The figures of a log, each with what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from simulst import __version__
from simulst.evaluate.latency import Latency
from simulst.evaluate.scoring import HEADER, LogScore, cells
from simulst.evaluate.tables import figure
from simulst.report.markup import Element, element, heading

__all__ = ["comparison", "rows", "table", "tiles"]

NAMES = {
    "laal": ("LAAL", "length-adaptive average lagging"),
    "al": ("AL", "average lagging"),
    "ap": ("AP", "average proportion"),
    "dal": ("DAL", "differentiable average lagging"),
    "atd": ("ATD", "average token delay"),
    "cw": ("CW", "consecutive wait"),
    "start": ("start", "delay of the first unit"),
    "end": ("end", "last unit, from the end of the source"),
    "before_end": ("written before end", "share of units with a delay below the source length"),
}
SHARES = ("ap", "before_end")

Row = tuple[str, str, str, str, str]
"""Short name, what it is, ideal, with computing, signature."""


def _lag(score: LogScore, lag: Latency | None, name: str) -> str:
    value = None if lag is None else float(getattr(lag, name))
    if name == "before_end":
        return "–" if value is None else f"{value:.1%}"
    if name in SHARES:
        return figure(value)
    if score.speech:
        return "–" if value is None else f"{value / 1000:.2f} s"
    return "–" if value is None else f"{value:.2f} words"


def _signature(score: LogScore) -> str:
    unit = "ms of speech" if score.speech else "source words"
    length = "Y=H" if score.summary or not _referenced(score) else "Y of the reference"
    lag = score.latency
    count = f"n={lag.sentences}, {lag.skipped} skipped" if lag else "nothing written"
    return f"{unit}|{length}|mean of sentences|{count}|simulst {__version__}"


def _referenced(score: LogScore) -> bool:
    return any(instance.reference for instance in score.instances)


def rows(score: LogScore, real_time_factor: float | None = None) -> list[Row]:
    """The table of a log.

    Args:
        score: of the log.
        real_time_factor: as the session measured it.
    """
    signature = _signature(score)
    found = [
        (
            *NAMES[name],
            _lag(score, score.latency, name),
            _lag(score, score.latency_ca, name),
            signature
            if name != "before_end"
            else signature.replace("mean of sentences", "all units"),
        )
        for name in NAMES
    ]
    if summary := score.summary:
        made = f"simulst {__version__}"
        early, accepted = summary.written_before_end, summary.acceptance
        found += [
            (
                "before last word",
                "share of units written before their sentence's last word was read",
                "–" if early is None else f"{early:.1%}",
                "",
                f"words read|all units|{made}",
            ),
            (
                "acceptance",
                "share of the tokens a rule judged that it accepted",
                "–" if accepted is None else f"{accepted:.1%}",
                "",
                f"a token judged again counts again|{score.made_by or 'rule unknown'}",
            ),
            ("forced", "units written at k_max", str(summary.forced), "", score.made_by),
            (
                "real-time factor",
                "computing time per time heard, as the session measured it",
                figure(real_time_factor),
                "",
                "whole session|the machine that ran it",
            ),
        ]
    if quality := score.quality:
        whole = "whole document" if score.summary else f"{len(score.instances)} sentences"
        found += [
            ("BLEU", f"of the {whole}", figure(quality.bleu), "", quality.bleu_signature),
            ("chrF", f"of the {whole}", figure(quality.chrf), "", quality.chrf_signature),
        ]
    return found


def table(found: Sequence[Row]) -> Element:
    """Rows as a table."""
    numbers = ("ideal", "with computing")
    head = heading("figure", *numbers, "signature", numbers=numbers)
    body = [
        element(
            "tr",
            element("th", short, " ", element("small", long), scope="row"),
            element("td", ideal, class_="n"),
            element("td", late, class_="n"),
            element("td", element("code", signature)),
        )
        for short, long, ideal, late, signature in found
    ]
    inner = element("table", head, element("tbody", body), class_="figures")
    return element("div", inner, class_="scroll", tabindex=0, role="region", aria_label="figures")


def tiles(score: LogScore, real_time_factor: float | None) -> Element:
    """The figures that are looked at first."""
    by_name = {row[0]: row for row in rows(score, real_time_factor)}
    wanted = (
        ("LAAL", 2, "lag (LAAL)"),
        ("LAAL", 3, "… with computing"),
        ("before last word", 2, "written before the last word"),
        ("acceptance", 2, "of judged tokens accepted"),
        ("forced", 2, "forced"),
        ("real-time factor", 2, "real-time factor"),
        ("BLEU", 2, "BLEU"),
        ("chrF", 2, "chrF"),
    )
    shown = [
        element("div", element("dt", label), element("dd", by_name[name][column]))
        for name, column, label in wanted
        if name in by_name and by_name[name][column] not in ("", "–")
    ]
    return element("dl", shown, class_="tiles")


def comparison(scores: Sequence[LogScore], sections: Sequence[tuple[str, str]]) -> Element:
    """All logs in one table; each leads to its section.

    Args:
        scores: of the logs.
        sections: id and title of the section of each.
    """
    head = heading(*HEADER, numbers=HEADER[1:])
    body = []
    for score, (name, title) in zip(scores, sections, strict=True):
        for cell, *others in cells(score):
            label = title + cell.removeprefix(score.name)
            first = element("th", element("a", label, href=f"#{name}"), scope="row")
            numbers = (element("td", other, class_="n") for other in others)
            body.append(element("tr", first, numbers))
    inner = element("table", head, element("tbody", body))
    return element("div", inner, class_="scroll", tabindex=0, role="region", aria_label="logs")
