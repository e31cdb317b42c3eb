"""What a page says of a session, and of a corpus."""

from __future__ import annotations

from collections.abc import Sequence

from simulst.evaluate.latency import length_adaptive_average_lagging
from simulst.evaluate.logs import Instance
from simulst.evaluate.scoring import LogScore
from simulst.evaluate.tables import figure
from simulst.report import charts, figures, inputs
from simulst.report.layout import ROW_S
from simulst.report.marks import REASONS, legend
from simulst.report.markup import Child, Element, element, heading, seconds, time_of
from simulst.report.talk import Sentence, Share, Talk
from simulst.report.timeline import timeline
from simulst.types import SAMPLE_RATE, Reason

__all__ = ["corpus", "session"]

LATEST = 10
MINUTES = 60
TIMELINE = (
    "Above, each source word over the time at which it was spoken; the fainter its bar, the less "
    "sure the recogniser was. Below, each target word where the audio it rests on had been heard; "
    "a tail leads to the moment when it could be read, computing included. A line joins it to the "
    "last source word that had been read. Lag, at the foot: how far a word is behind an ideal "
    "interpreter who speaks evenly over the sentence; dashed: with computing. Sentences take turns "
    "in colour. Point at anything for its numbers."
)


def session(score: LogScore, talk: Talk, name: str, *, alone: bool = False) -> Element:
    """The section of a session.

    Args:
        score: of its journal.
        talk: the same journal, word by word.
        name: id of the section.
        alone: the page has this section only, and says its title itself.
    """
    signature = talk.signature
    languages = " → ".join(str(signature.get(side, "?")) for side in ("source", "target"))
    units = talk.count(talk.units)
    parts: list[Child] = [
        None if alone else element("h2", inputs.title_of(score.path)),
        element(
            "p",
            f"{languages}; {time_of(talk.heard_s)} heard, {len(talk.sentences)} sentences, "
            f"{units} {talk.counted} written; {_made(signature)}",
            class_="made",
        ),
        figures.tiles(score, talk.real_time_factor),
    ]
    if talk.real_time_factor is None:
        parts.append(
            element("p", "The session was cut off: its journal has no closing line.", class_="note")
        )
    chart = charts.lag_over_time(talk, name)
    parts += [
        element("h3", "Lag over time"),
        chart
        if chart is not None
        else element("p", "Nothing was written, so there is no lag.", class_="note"),
        element(
            "p",
            "Dots: words. Bars: LAAL of a sentence over the time in which it was spoken; dashed: "
            "with computing. A bar leads to its place on the timeline.",
            class_="note",
        )
        if chart is not None
        else None,
        element("h3", "The talk"),
        element("p", TIMELINE, class_="note"),
        legend(),
        _jumps(talk, name),
        element(
            "div",
            timeline(talk, name),
            class_="timeline",
            tabindex=0,
            role="region",
            aria_label="timeline",
        ),
        element("h3", "Acceptance"),
        _acceptance(talk),
        element("h3", "Figures"),
        figures.table(figures.rows(score, talk.real_time_factor)),
        element(
            "details",
            element("summary", "Sentence by sentence, as a table"),
            _sentences(talk, name),
        ),
    ]
    return element("section", parts, id=name, class_="session")


def _made(signature: object) -> str:
    assert isinstance(signature, dict)
    plain = {k: v for k, v in signature.items() if isinstance(v, str | int | float)}
    return ", ".join(f"{k} {v}" for k, v in plain.items() if k not in ("source", "target"))


def _jumps(talk: Talk, name: str) -> Element | None:
    """Links to the minutes in which anything was said."""
    begun = sorted({int(w.start / SAMPLE_RATE) // ROW_S for s in talk.sentences for w in s.words})
    minutes: dict[int, int] = {}
    for row in begun:
        minutes.setdefault(row * ROW_S // MINUTES, row * ROW_S)
    if len(minutes) < 2:
        return None
    links = [element("a", time_of(row), href=f"#{name}-{row}") for row in minutes.values()]
    return element("nav", links, class_="jumps", aria_label="minutes of the talk")


def _acceptance(talk: Talk) -> Element:
    chart = charts.acceptance(talk.positions)
    left: list[Child] = [
        chart
        if chart is not None
        else element("p", "No rule judged a token in this session.", class_="note"),
        element(
            "p",
            "Of the tokens a rule judged; one that was held is judged again with more of the "
            "source and counts again. Strokes: 95 % interval; pale: fewer than "
            f"{charts.FEW} tokens.",
            class_="note",
        )
        if chart is not None
        else None,
    ]
    numbers = ("tokens", "let through", "held", f"{talk.counted} written")
    head = heading("reason", *numbers, numbers=numbers)
    reasons = [r for r in Reason if r in talk.verdicts or talk.written.get(r)]
    body = [_reason(r, talk.verdicts.get(r, Share(0, 0)), talk.written.get(r, 0)) for r in reasons]
    table = element("table", head, element("tbody", body))
    return element(
        "div", element("div", left), element("div", table, class_="scroll"), class_="side-by-side"
    )


def _reason(reason: Reason, share: Share, written: int) -> Element:
    rate = share.accepted / share.judged if share.judged else None
    accepted = f"{share.accepted}" + (f" ({rate:.0%})" if rate is not None else "")
    return element(
        "tr",
        element("th", reason.value, " ", element("small", REASONS[reason]), scope="row"),
        *(
            element("td", text, class_="n")
            for text in (
                str(share.judged),
                accepted,
                str(share.judged - share.accepted),
                str(written),
            )
        ),
    )


def _sentences(talk: Talk, name: str) -> Element:
    numbers = ("LAAL", "with computing", talk.counted, "held")
    head = heading("", "time", "source", "translation", *numbers, numbers=("time", *numbers))
    held = [0] * (max((s.index for s in talk.sentences), default=0) + 1)
    for hold in talk.holds:
        if hold.verdict.sentence < len(held):
            held[hold.verdict.sentence] += 1
    body = [_sentence(s, held[s.index], name, talk) for s in talk.sentences]
    table = element("table", head, element("tbody", body), class_="sentences")
    return element("div", table, class_="scroll")


def _sentence(sentence: Sentence, held: int, name: str, talk: Talk) -> Element:
    row = int(sentence.begin_s // ROW_S) * ROW_S
    source, target = (str(talk.signature.get(s, "")) or None for s in ("source", "target"))
    return element(
        "tr",
        element("th", str(sentence.index + 1), scope="row"),
        element("td", element("a", time_of(sentence.begin_s), href=f"#{name}-{row}"), class_="n"),
        element("td", sentence.source, lang=source, dir="auto"),
        element("td", sentence.target, lang=target, dir="auto"),
        element("td", seconds(sentence.laal_ms), class_="n"),
        element("td", seconds(sentence.laal_ca_ms), class_="n"),
        element("td", str(talk.count(sentence.units)), class_="n"),
        element("td", str(held), class_="n"),
    )


def corpus(score: LogScore, name: str, *, folded: bool = False, alone: bool = False) -> Element:
    """The section of a log of instances.

    Args:
        score: of the log.
        name: id of the section.
        folded: show its heading only until it is opened.
        alone: as for a session.
    """
    unit, scale = ("s", 1000) if score.speech else ("words", 1)
    lagging = [(_laal(one) / scale, one) for one in score.instances if _scored(one)]
    chart = charts.spread([lag for lag, _ in lagging], unit)
    parts: list[Child] = [
        element("p", f"{score.path}: {len(score.instances)} sentences", class_="made"),
        figures.tiles(score, None),
        element("h3", "Lag of the sentences") if chart is not None else None,
        chart,
        element("h3", "Figures"),
        figures.table(figures.rows(score)),
    ]
    if lagging:
        lagging.sort(key=lambda pair: -pair[0])
        parts += [element("h3", "The latest"), _latest(lagging[:LATEST], unit)]
    if folded:
        inner: list[Child] = [
            element(
                "details", element("summary", element("h2", inputs.title_of(score.path))), parts
            )
        ]
    else:
        inner = [None if alone else element("h2", inputs.title_of(score.path)), *parts]
    return element("section", inner, id=name, class_="corpus")


def _scored(instance: Instance) -> bool:
    timing = instance.timing()
    return bool(timing.delays) and timing.source_length > 0 and timing.target_length > 0


def _laal(instance: Instance) -> float:
    timing = instance.timing()
    return length_adaptive_average_lagging(
        timing.delays, timing.source_length, timing.target_length
    )


def _latest(lagging: Sequence[tuple[float, Instance]], unit: str) -> Element:
    lag = f"LAAL ({unit})"
    head = heading("sentence", lag, "source", "translation", "reference", numbers=(lag,))
    body = [
        element(
            "tr",
            element("th", str(one.index), scope="row"),
            element("td", figure(lag), class_="n"),
            *(
                element("td", text, dir="auto")
                for text in (one.source, one.prediction, one.reference or "–")
            ),
        )
        for lag, one in lagging
    ]
    table = element("table", head, element("tbody", body), class_="sentences")
    return element("div", table, class_="scroll")
