"""What stands for what on the timeline, and what each mark says when it is pointed at."""

from __future__ import annotations

from simulst.report.layout import Heard
from simulst.report.markup import Element, element, seconds
from simulst.report.talk import Hold, Written
from simulst.types import SAMPLE_RATE, Reason

__all__ = ["REASONS", "legend", "mark", "refusal", "said_of", "turn", "way", "written_of"]

REASONS = {
    Reason.RATIO: "accepted by the ratio test",
    Reason.LEARNED: "accepted by learned evidence",
    Reason.AGREEMENT: "accepted: both looks agree",
    Reason.WORSE: "accepted: more source did not speak against it",
    Reason.ENTROPY: "accepted: the draft was sure enough",
    Reason.RANDOM: "accepted by a coin",
    Reason.SCHEDULE: "written by the wait-k schedule",
    Reason.FORCED: "forced: the lag had reached k_max",
    Reason.FINISH: "written when the sentence was closed",
    Reason.TERM: "written as the glossary says",
}

SHAPES = {
    "rule": "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z",
    "forced": "M0 -6L6 5L-6 5Z",
    "finish": "M-4 -4H4V4H-4Z",
    "held": "M-4 -5H-1V5H-4ZM1 -5H4V5H1Z",
}
"""Outlines of the marks: they differ in form, not in colour alone."""


def way(unit: Written) -> str:
    """Name of the mark for how a unit came to be written."""
    found = {Reason.FORCED: "forced", Reason.FINISH: "finish"}
    return found.get(unit.emission.reason, "rule")


def turn(sentence: int) -> str:
    """Sentences take turns, so that one can be told from the next."""
    return "even" if sentence % 2 == 0 else "odd"


def mark(kind: str, x: float, y: float) -> Element:
    """A mark in its place."""
    place = f"translate({x:.1f} {y:.1f})"
    return element("path", class_=f"mark {kind}", d=SHAPES[kind], transform=place)


def said_of(heard: Heard) -> str:
    """A source word in words."""
    word = heard.word
    return (
        f"“{word.text}”, word {heard.number + 1} of sentence {heard.sentence + 1}; said "
        f"{word.start / SAMPLE_RATE:.2f}–{word.end / SAMPLE_RATE:.2f} s; the recogniser gave it "
        f"{word.probability:.0%}"
    )


def written_of(unit: Written) -> str:
    """A target unit in words."""
    emission = unit.emission
    read = f"{emission.read} word{'' if emission.read == 1 else 's'} of it read"
    parts = [
        f"“{emission.text}”, sentence {emission.sentence + 1}, {read}",
        f"written at {unit.at_s:.2f} s",
        f"lag {seconds(unit.lag_ms)}",
    ]
    if unit.lag_ca_ms is not None:
        parts.append(f"with computing {seconds(unit.lag_ca_ms)}")
    return "; ".join([*parts, REASONS[emission.reason]])


def refusal(hold: Hold) -> str:
    """A hold in words, with the numbers of the decision."""
    verdict = hold.verdict
    numbers = {"ratio": verdict.ratio, "u": verdict.u, "p": verdict.p, "q": verdict.q}
    shown = ", ".join(
        f"{name} = {value:.3g}" for name, value in numbers.items() if value is not None
    )
    return (
        f"held at {hold.at_s:.2f} s: token {verdict.position + 1} of sentence "
        f"{verdict.sentence + 1}, {verdict.read} words read; by {verdict.reason.value}"
        + (f": {shown}" if shown else "")
    )


def legend() -> Element:
    """What the marks mean."""
    marks = (
        ("rule", "accepted by the rule"),
        ("finish", "written when the sentence was closed"),
        ("forced", "forced: the lag had reached k_max"),
        ("held", "held: a token was not let through yet"),
    )
    items = [
        element(
            "span",
            element(
                "svg",
                mark(kind, 8, 8),
                class_="key",
                width=16,
                height=16,
                aria_hidden="true",
            ),
            text,
        )
        for kind, text in marks
    ]
    return element("p", items, class_="legend")
