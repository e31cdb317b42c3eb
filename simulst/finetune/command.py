"""`simulst finetune`: recorded talks make the interpreter better (RSFT).

    talks.jsonl -> samples.jsonl -> accepted.jsonl -> a pack, for each round

The policy drafts translations of the talks as it would live; a test against a teacher that sees
the whole source decides which of them it may learn from; the policy is updated with them. Every
stage goes on where a killed run left it. In the end a report says what was gained and why.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulst import packs
from simulst.errors import ConfigError, DataError
from simulst.finetune import accept, options
from simulst.finetune.hearing import sentences_of
from simulst.finetune.learn import learn
from simulst.finetune.options import HeldOut
from simulst.finetune.progress import Drawn, Judged, say, shown
from simulst.locks import held

if TYPE_CHECKING:
    from simulst.protocols import Seq2Seq
    from simulst.rsft.acceptance import Selection
    from simulst.rsft.drawing import Drawing
    from simulst.rsft.training import Learning
    from simulst.rsft.workers import Executor

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_talks(parser)
    parser.add_argument("--pack", required=True, help="the policy: name or folder of a pack")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished pack")
    parser.add_argument("--work", type=Path, help="stage files and report; default: OUT-work")
    parser.add_argument("--rounds", type=int, default=1, help="draw, accept and learn so often")
    options.add_workers(parser)
    options.add_device(parser)
    options.add_drawing(parser)
    options.add_accepting(parser)
    options.add_learning(parser)
    options.add_held_out(parser)


@dataclass(frozen=True, slots=True)
class _Settings:
    """What the options make together."""

    drawing: Drawing
    selection: Selection
    learning: Learning
    held_out: HeldOut
    workers: int | Executor


def run(args: argparse.Namespace) -> int:
    """Run all stages of all rounds, and report.

    Raises:
        ConfigError: options out of range, or that do not go together.
        DataError: talks that cannot be read, dev sentences among them, or nothing accepted.
        ModelError: a pack that cannot be used, or a teacher with other subwords.
        OutputError: a file that cannot be written.
    """
    if args.rounds < 1:
        raise ConfigError(f"--rounds is {args.rounds}: at least 1 is needed")
    from simulst.rsft import jobs
    from simulst.rsft.cluster import opened
    from simulst.rsft.distributed import refuse_ranks

    refuse_ranks("simulst finetune")
    parts = (
        options.drawing_of(args),
        options.selection_of(args),
        options.learning_of(args),
        options.held_out_of(args),
    )
    work: Path = args.work or args.out.with_name(f"{args.out.name}-work")
    policy = jobs.open_model(args.pack)
    if args.teacher:
        _check_teacher(args, policy)
    with held(work), opened(args.ray, args.workers) as workers:
        return _run(args, _Settings(*parts, workers), policy, work)


def _run(args: argparse.Namespace, settings: _Settings, policy: Seq2Seq, work: Path) -> int:
    """The same, with the workers there and the folder its own."""
    from simulst.finetune import report
    from simulst.rsft import jobs
    from simulst.rsft.opening import saved_name

    talks = work / "talks.jsonl"
    sentences = sentences_of(
        args.talks,
        (policy.source_language, policy.target_language),
        held_out=settings.held_out.sources,
        asr=args.asr or "",
        limit=args.limit,
        join=args.join,
        heard=work / "heard",
    )
    facts = options.facts_of(args)
    count = jobs.talk_stage(sentences, talks, facts)
    say(f"talks: {count} lines")
    story = report.Story(args.pack, args.teacher, settings.held_out, settings.learning.lags)
    pack = args.pack
    for number in range(1, args.rounds + 1):
        folder = work / f"round-{number}"
        out = args.out if number == args.rounds else folder / "pack"
        figures = _draw_and_accept(args, settings, talks, count, pack, folder)
        chapter = report.Chapter(folder)
        if not figures["kept"]:
            report.write(work / "report", story.with_chapter(chapter), "")
            raise DataError(_nothing(folder, figures, work / "report"))
        facts = {"from": packs.told(pack), "teacher": packs.told(args.teacher), "round": number}
        facts |= {
            "form": settings.selection.form,
            "m": args.m,
            "sharpness": settings.selection.sharpness,
        }
        accepted = folder / accept.ACCEPTED
        outcome = learn(
            pack,
            accepted,
            settings.learning,
            folder,
            settings.held_out,
            out,
            facts,
            device=args.device,
        )
        if outcome.best is not None and outcome.best[0] == 0:
            say(f"no step of round {number} was better on the dev text than the start")
        story = story.with_chapter(
            report.Chapter(folder, outcome.scores, outcome.best, not settings.learning.last)
        )
        pack = saved_name(pack, out)
    report.write(work / "report", story, pack)
    print(f"wrote {args.out}; {work / 'report' / report.NAME} says what was gained")
    return 0


def _check_teacher(args: argparse.Namespace, policy: Seq2Seq) -> None:
    """Refuse a teacher that cannot judge, before anything is drawn."""
    from simulst.rsft import jobs
    from simulst.rsft.selection import check_vocabularies

    check_vocabularies(policy, jobs.open_model(args.teacher))
    jobs.check_teacher(args.pack, args.teacher, args.lags)


def _draw_and_accept(
    args: argparse.Namespace,
    settings: _Settings,
    talks: Path,
    count: int,
    pack: str,
    folder: Path,
) -> dict[str, Any]:
    """The first two stages of a round; returns the figures of the second."""
    from simulst.rsft import jobs

    samples, accepted = folder / accept.SAMPLES, folder / accept.ACCEPTED
    with shown("samples", count, Drawn()) as report:
        jobs.sample_stage(
            talks, samples, pack, settings.drawing, report, settings.workers, args.device
        )
    with shown("accepted", count, Judged()) as report:
        figures = jobs.accept_stage(
            samples,
            accepted,
            args.teacher,
            settings.selection,
            report,
            settings.workers,
            device=args.device,
        )
    say(accept.sentence(figures))
    return figures


def _nothing(folder: Path, figures: dict[str, Any], report: Path) -> str:
    """Why there is nothing to learn from, and what can be done."""
    return (
        f"nothing was accepted of {figures['drawn']} drafts (refused: "
        f"{accept.refusals(figures)}); {report} has the figures. Remove "
        f"{folder / accept.ACCEPTED} and run again with a lower --m, with --no-gates or with "
        "another --form: the drafts are kept"
    )
