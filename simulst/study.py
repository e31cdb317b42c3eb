"""`simulst study`: what rejection sampling fine-tuning itself is worth.

Runs the arms of `simulst.rsft.arms` from one pack, once a seed, and compares them at equal latency
by paired bootstrap over test texts that nothing was chosen by. Everything is kept in --work: a run
that was stopped goes on where it was, and more arms or seeds may be asked for later.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulst.corpus import Pair, read_pairs
from simulst.errors import ConfigError, OutputError
from simulst.finetune.options import (
    SHARPNESS,
    add_gates,
    add_join,
    add_learning,
    gates_of,
    learning_of,
    whole_numbers,
)
from simulst.locks import held
from simulst.options import numbers

if TYPE_CHECKING:
    from simulst.evaluate.logs import Instance
    from simulst.evaluate.tradeoff import Curve
    from simulst.rsft.arms import Arm, Trial

__all__ = ["add_arguments", "run"]

LAGS = (1, 2, 3, 5, 7)
JUDGEMENTS = 4  # of each arm's steps
RIVALS = ("B0", "B1", "B3", "B4", "B6")
"""What RSFT has to be held against."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("talks", type=Path, help="folder of recorded talks, or a parallel TSV")
    parser.add_argument("--pack", required=True, help="the policy that all arms start from")
    parser.add_argument(
        "--teacher",
        required=True,
        help="pack that sees the whole source (P), or several by comma",
    )
    parser.add_argument("--work", type=Path, required=True, help="stage files, packs, logs, table")
    parser.add_argument("--dev", type=Path, action="append", required=True, help="parallel TSV")
    parser.add_argument("--dev-limit", type=int, default=200, help="sentences of each (200)")
    parser.add_argument(
        "--test",
        type=Path,
        action="append",
        nargs="+",
        required=True,
        metavar="TSV",
        help="parallel text to report on; several files after one --test are one text",
    )
    parser.add_argument("--limit", type=int, default=0, help="first sentences of the talks; 0: all")
    add_join(parser)
    parser.add_argument("--arms", default="", help="some of B0 ... B8, by comma (all)")
    parser.add_argument("--seeds", default="1,2,3", help="by comma (1,2,3)")
    parser.add_argument("--drafts", type=int, default=8, help="N of each sentence (8)")
    parser.add_argument("--m", type=float, default=1.0, help="M of min(1, P / (M q)) (1)")
    parser.add_argument(
        "--sharpness", type=float, default=SHARPNESS, help="beta: B8 tests against P^beta (4)"
    )
    parser.add_argument("--temperatures", type=numbers, default=(0.5, 0.7, 1.0), help="(0.5,0.7,1)")
    parser.add_argument(
        "--draft-lags",
        type=whole_numbers,
        default=LAGS,
        help="k drafted and learnt under, also more than once; 0: the whole source (1,2,3,5,7)",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=1,
        help="draw so often, each time from what was learnt by then; the steps are shared",
    )
    add_learning(parser)
    add_gates(parser)
    parser.add_argument("--device", default="cpu", help="of torch: cpu or cuda (cpu)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the stages (1)")


def run(args: argparse.Namespace) -> int:
    """Run every arm of every seed, then write and print the tables.

    Raises:
        ConfigError: options out of range.
        DataError: text that cannot be read, or talks that hold dev or test sentences.
        ModelError: a pack that cannot be used, or a teacher with other subwords.
        OutputError: a file that cannot be written.
    """
    from simulst.rsft.arms import parse_arms

    if not 1 <= args.rounds <= args.steps:
        raise ConfigError(f"--rounds is {args.rounds}: at least 1, and a step in each, is needed")
    arms = parse_arms(args.arms)
    seeds = _seeds(args.seeds)
    with held(args.work):
        return _run(args, arms, seeds)


def _run(args: argparse.Namespace, arms: Sequence[Arm], seeds: Sequence[int]) -> int:
    """The same, with the folder its own."""
    from simulst.rsft import jobs
    from simulst.rsft.selection import check_vocabularies
    from simulst.rsft.talks import apart_from, joined, read_talks

    policy = jobs.open_model(args.pack)
    check_vocabularies(policy, jobs.open_model(args.teacher))
    languages = policy.source_language, policy.target_language
    dev = [pair for path in args.dev for pair in read_pairs(path)[: args.dev_limit]]
    tests = {
        "+".join(path.stem for path in paths): [p for path in paths for p in read_pairs(path)]
        for paths in args.test
    }
    held_out = [pair.source for pairs in (dev, *tests.values()) for pair in pairs]
    sentences = apart_from(read_talks(args.talks, *languages), held_out)
    talks = args.work / "talks.jsonl"
    facts = {"talks": str(args.talks), "limit": args.limit, "join": args.join}
    count = jobs.talk_stage(joined(_limited(sentences, args.limit), args.join), talks, facts)
    _say(f"{count} lines to draw for")
    logs: dict[str, dict[str, list[list[list[Instance]]]]] = {name: {} for name in tests}
    rows: list[str] = []
    for seed in seeds:
        trial = _trial(args, talks, dev, seed, languages[1])
        for arm in arms:
            _say(f"seed {seed}, {arm.name}: {arm.title}")
            pack, figures = trial.run(arm)
            rows.append(_facts_row(seed, arm, figures))
            for name, pairs in tests.items():
                home = trial.folder if arm.learns else args.work  # what is frozen has no seed
                found = _measure(pack, pairs, home / arm.name / name, args.device)
                logs[name].setdefault(arm.name, []).append(found)
    report = _report(args, arms, logs, rows, languages[1])
    try:
        (args.work / "study.md").write_text(report, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{args.work}/study.md cannot be written: {error.strerror}") from error
    print(report)
    return 0


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"--seeds {text!r}: give whole numbers by comma") from error


def _limited(items: Any, limit: int) -> Any:
    from itertools import islice

    return islice(items, limit or None)


def _trial(
    args: argparse.Namespace, talks: Path, dev: Sequence[Pair], seed: int, language: str
) -> Trial:
    from simulst.evaluate.schedule import mean_bleu
    from simulst.rsft.acceptance import Selection
    from simulst.rsft.arms import Trial
    from simulst.rsft.drawing import Drawing

    learning = replace(learning_of(args), seed=seed, lags=args.draft_lags)
    return Trial(
        talks=talks,
        folder=args.work / f"seed-{seed}",
        pack=args.pack,
        teacher=args.teacher,
        drawing=Drawing(args.drafts, args.draft_lags, args.temperatures, seed),
        selection=Selection(
            m=args.m,
            sharpness=args.sharpness,
            seed=seed,
            gates=gates_of(args),
        ),
        learning=learning,
        judge=lambda policy: mean_bleu(policy, dev, LAGS, language),
        every=max(1, learning.steps // JUDGEMENTS),
        rounds=args.rounds,
        report=lambda done, record: None,
        workers=args.workers,
        device=args.device,
    )


def _measure(pack: str, pairs: Sequence[Pair], folder: Path, device: str) -> list[list[Instance]]:
    """What a pack writes under every lag; what an earlier run measured is read back."""
    from simulst.evaluate.logs import read_instances, write_instances
    from simulst.evaluate.schedule import written_under
    from simulst.rsft.jobs import open_model

    folder.mkdir(parents=True, exist_ok=True)
    model = None
    found = []
    for lag in LAGS:
        path = folder / f"k{lag}.log"
        if not path.exists():
            model = model or open_model(pack, device)
            partial = path.with_suffix(".part")
            write_instances(partial, written_under(model, pairs, lag))
            partial.replace(path)
        found.append(read_instances(path))
    return found


def _facts_row(seed: int, arm: Arm, figures: dict[str, Any]) -> str:
    """What an arm learnt from."""
    kept = {
        name: figures[name]
        for name in (
            *("acceptance", "kept", "distinct", "own_share", "anticipation"),
            *("best_step", "dev_bleu"),
        )
        if figures.get(name) is not None
    }
    shown = {name: round(v, 3) if isinstance(v, float) else v for name, v in kept.items()}
    return f"- seed {seed}, {arm.name}: {json.dumps(shown)}"


def _report(
    args: argparse.Namespace,
    arms: Sequence[Arm],
    logs: dict[str, dict[str, list[list[list[Instance]]]]],
    rows: Sequence[str],
    language: str,
) -> str:
    from simulst.evaluate.tradeoff import curve_of

    parts = [_heading(args)]
    for name, of in logs.items():
        curves = {arm: curve_of(arm, runs, language) for arm, runs in of.items()}
        count = next(iter(curves.values())).lags.shape[2]
        parts.append(f"## {name}, {count} sentences\n\n{_levels(curves, arms)}")
        parts += [_duels(curves)] if "B8" in curves else []
    parts.append("## What was learnt from\n\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _heading(args: argparse.Namespace) -> str:
    import importlib.metadata

    from simulst import __version__

    names = ["pack", "teacher", "limit", "seeds", "drafts", "temperatures", "m", "sharpness"]
    names += ["steps", "tokens", "rate"]
    names += ["accepted_share", "inserted", "smoothing", "pull", "average", "last"]
    names += ["margin", "anticipation", "join", "draft_lags", "rounds"]
    shown = ", ".join(f"{name} {getattr(args, name)}" for name in names)
    versions = f"simulst {__version__}, torch {importlib.metadata.version('torch')}"
    return f"# RSFT and its controls\n\n`{versions}; talks {args.talks.name}; {shown}`"


def _levels(curves: dict[str, Curve], arms: Sequence[Arm]) -> str:
    """BLEU of every arm at the latencies of the first, the mean of the seeds."""
    from simulst.evaluate import tables
    from simulst.evaluate.tradeoff import latencies

    first, *others = curves.values()
    at = latencies(first, others)
    titles = {arm.name: arm.title for arm in arms}
    rows = [
        (name, titles[name], *(tables.figure(float(curve.at(laal)[0])) for laal in at))
        for name, curve in curves.items()
    ]
    header = ("arm", "", *(f"LAAL {laal:.2f}" for laal in at))
    return tables.markdown(header, rows)


def _duels(curves: dict[str, Curve]) -> str:
    """RSFT against each of its rivals."""
    from simulst.evaluate import comparison, tables
    from simulst.evaluate.tradeoff import compare_curves, latencies

    rows = []
    for rival in RIVALS:
        if rival in curves:
            at = latencies(curves[rival], [curves["B8"]])
            for found in compare_curves(curves[rival], [curves["B8"]], at):
                rows.append((f"B8 - {rival}", *comparison.cells(found)[1:]))
    if not rows:
        return "B8 alone: there is nothing to hold it against."
    return tables.markdown(comparison.HEADER, rows)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
