"""The report of a fine-tuning: what was drawn and accepted, what was learnt, what was gained."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, replace
from pathlib import Path

from simulst import __version__
from simulst.errors import OutputError
from simulst.evaluate.tables import figure, markdown
from simulst.finetune.accept import ACCEPTED, SAMPLES
from simulst.finetune.gain import Gain, Point, measure
from simulst.finetune.options import HeldOut
from simulst.finetune.pictures import Pictures
from simulst.rsft.figures import Figures, read_figures

__all__ = ["NAME", "Chapter", "Story", "write"]

NAME = "report.md"

HEADER = (
    *("drafts", "different", "drafts passed", "tokens accepted", "C_M", "mean ratio", "ESS/n"),
    *("distinct targets", "learnt from"),
)
NOTES = """\
- *tokens accepted*: of those tested. In expectation it is (1 - C_M)/M.
- *C_M*: the mass of P that no draft can deliver; accepted text is at most so far from P in total
  variation.
- *mean ratio*: E_q[P/q] over the tokens tested. It is 1 whatever q is; how far it is off says how
  noisy the weights are.
- *ESS/n*: effective sample size of the weights P/q, as a share of the tokens tested. A cold q is
  sure of itself and covers little of P: the share falls.
- *different*: drafts of one source that differ. What is gained grows with the *distinct targets*
  that pass, not with the drafts.
- *anticipation*: nats that the whole source adds to a token learnt from, beyond what the lag
  showed. What depends on words not yet heard teaches to guess; --anticipation bars it.
- *learnt from*: what the gates left, one of each text, as many a sentence as --keep allows.
- A gain within its interval is none. What the dev text chose it cannot judge: give --test."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A round.

    Attributes:
        folder: of its stage files.
        scores: step and mean dev BLEU of every judgement.
        best: the judgement whose weights were taken.
        chosen: it is by the dev text that they were, and not as the last.
    """

    folder: Path
    scores: tuple[tuple[int, float], ...] = ()
    best: tuple[int, float] | None = None
    chosen: bool = True


@dataclass(frozen=True, slots=True)
class Story:
    """A run.

    Attributes:
        before: pack that it began with.
        teacher: pack that played P; "" for none.
        held_out: text that judges.
        lags: k that it was judged under.
        chapters: rounds so far.
    """

    before: str
    teacher: str
    held_out: HeldOut
    lags: tuple[int, ...]
    chapters: tuple[Chapter, ...] = ()

    def with_chapter(self, chapter: Chapter) -> Story:
        """The same with another round."""
        return replace(self, chapters=(*self.chapters, chapter))


def write(folder: Path, story: Story, after: str) -> None:
    """Write `report.md` and its pictures.

    Args:
        folder: made if it is missing.
        story: what happened.
        after: the finished pack; "" if nothing could be learnt.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}") from error
    pictures = Pictures(folder)
    parts = [f"# Fine-tuning of {story.before}", _heading(story)]
    rounds = [
        read_figures(chapter.folder / SAMPLES, chapter.folder / ACCEPTED)
        for chapter in story.chapters
    ]
    if after:
        parts += _gained(story, after, pictures)
        parts += _learnt(story, pictures)
    for number, figures in enumerate(rounds, 1):
        parts += _round(number, figures, pictures)
    parts += ["## How to read it", NOTES]
    if pictures.missing:
        parts.append(f"There are no pictures: {pictures.missing}.")
    try:
        (folder / NAME).write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder / NAME} cannot be written: {error.strerror}") from error


def _heading(story: Story) -> str:
    """What the figures depend on."""
    teacher = story.teacher or "none"
    versions = f"simulst {__version__}, torch {importlib.metadata.version('torch')}"
    return f"Policy {story.before}, teacher {teacher}; {versions}."


def _gained(story: Story, after: str, pictures: Pictures) -> list[str]:
    """The curves before and after."""
    held_out = story.held_out
    pairs = held_out.test or held_out.dev
    if not pairs:
        return ["## What was gained", "It was not measured: there is neither --dev nor --test."]
    gain = measure(story.before, after, pairs, story.lags)
    which = "test" if held_out.test else "dev"
    rows = [_change(b, a) for b, a in zip(gain.before, gain.after, strict=True)]
    header = ("k", *(f"{name} {when}" for when in ("before", "after") for name in _MEASURED))
    parts = [
        "## What was gained",
        f"Greedy translation of {len(pairs)} sentences of {which} text under wait-k; LAAL in "
        "source words.",
        markdown((*header, "BLEU gained"), rows),
    ]
    if not held_out.test and any(c.best and c.chosen for c in story.chapters):
        parts.append(
            "The dev text chose the step whose weights these are, so what it shows is a little "
            "better than it is: measure a text given with --test before you believe it."
        )
    if gain.differences:
        compared = [
            (
                *(figure(d.laal), figure(d.baseline), figure(d.bleu), f"{d.gain:+.2f}"),
                *(f"{d.low:+.2f} … {d.high:+.2f}", figure(d.p_value, 3)),
            )
            for d in gain.differences
        ]
        parts += [
            "At equal latency, between the points of a curve interpolated; 95 % interval and "
            "p-value of a paired bootstrap with 1000 draws:",
            markdown(("LAAL", "before", "after", "gain", "95 % interval", "p"), compared),
        ]
    title = f"Quality against latency, {len(pairs)} sentences of {which} text"
    parts += pictures.curves(_curves(gain), title, gain.signature)
    return [*parts, f"`{gain.signature}`"]


_MEASURED = ("LAAL", "BLEU", "chrF")


def _change(before: Point, after: Point) -> tuple[str, ...]:
    values = (*_values(before), *_values(after), f"{after.bleu - before.bleu:+.2f}")
    return (_lag(before.lag), *values)


def _values(point: Point) -> tuple[str, ...]:
    return figure(point.laal), figure(point.bleu), figure(point.chrf)


def _curves(gain: Gain) -> dict[str, list[tuple[float, float, str]]]:
    sides = {"before": gain.before, "after": gain.after}
    return {
        name: [(p.laal, p.bleu, f"k={_lag(p.lag)}") for p in points]
        for name, points in sides.items()
    }


def _lag(lag: float) -> str:
    return f"{lag:g}" if lag else "whole"


def _learnt(story: Story, pictures: Pictures) -> list[str]:
    """Dev BLEU by step."""
    rounds = [chapter.scores for chapter in story.chapters]
    if not all(rounds):
        return []
    parts = ["## What was learnt"]
    for number, chapter in enumerate(story.chapters, 1):
        assert chapter.best is not None
        step, score = chapter.best
        line = f"Round {number}: dev BLEU {score:.2f} at step {step}, where the weights are from."
        if step == 0:
            line += " No step was better than the start: this round changed nothing."
        parts.append(line)
    rows = [
        (str(number), str(step), figure(score))
        for number, scores in enumerate(rounds, 1)
        for step, score in scores
    ]
    parts.append(markdown(("round", "step", "dev BLEU, mean over k"), rows))
    return [*parts, *pictures.learning(rounds)]


def _round(number: int, figures: Figures, pictures: Pictures) -> list[str]:
    """What a round drew and accepted."""
    selection, total = figures.signature["selection"], figures.total
    share = ""
    if figures.tokens:
        share = f", {figures.own / figures.tokens:.0%} of their tokens the policy's own"
        share += f", anticipation {figures.anticipation:.2f} nats a token"
    length = "" if figures.length_ratio is None else f"; length ratio {figures.length_ratio:.2f}"
    parts = [
        f"## Round {number}",
        f"Form {selection['form']}, M = {selection['m']:g}, β = {selection['sharpness']:g}; "
        f"{total.drawn} drafts of "
        f"{figures.sources} sentences; {figures.targets} targets of {figures.taught} sentences to "
        f"learn from{share}{length}.",
    ]
    if (size := figures.signature.get("effective_sample_size")) is not None:
        parts.append(
            f"As whole sequences the drafts are worth {size:.1f} of "
            f"{figures.signature['samples_weighed']} (log M {figures.signature['log_m']:.2f})."
        )
    parts.append(markdown(("proposal", *HEADER), _proposals(figures)))
    parts += pictures.proposals(number, figures)
    if total.weighed:
        parts += pictures.positions(number, figures.positions)
    refused = [(reason, str(count)) for reason, count in sorted(figures.refused.items())]
    parts += [
        "Drafts that passed the test and not the gates:",
        markdown(("reason", "drafts"), refused) if refused else "none.",
    ]
    return parts


def _proposals(figures: Figures) -> list[tuple[str, ...]]:
    """A row for each lag and temperature, each lag, each temperature, and all."""
    rows = []
    for group in figures.groups:
        lag, temperature = group
        names = [] if lag is None else [f"k {_lag(lag)}"]
        names += [] if temperature is None else [f"temperature {temperature:g}"]
        tally = figures.of(group)
        distinct = figures.distinct.get(group, tally.distinct)
        tested = tally.acceptance if tally.weighed else None
        rows.append(
            (
                ", ".join(names) or "all",
                *(str(tally.drawn), str(figures.unique[group]), str(tally.passed_whole)),
                *(figure(value, 3) for value in (tested, tally.deficit(figures.m))),
                *(figure(value) for value in (tally.mean_ratio, tally.sample_size)),
                *(str(distinct), str(tally.kept)),
            )
        )
    return rows
