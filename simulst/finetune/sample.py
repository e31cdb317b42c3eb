"""`simulst sample`: the first stage by itself, drafts of talks as the policy would write live."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulst.finetune import options
from simulst.finetune.hearing import sentences_of
from simulst.finetune.progress import Drawn, shown

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_talks(parser)
    parser.add_argument("--pack", required=True, help="the policy: name or folder of a pack")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="stage file to make or go on with; the talks are kept beside it",
    )
    options.add_workers(parser)
    options.add_device(parser)
    options.add_drawing(parser)
    options.add_held_out(parser)


def run(args: argparse.Namespace) -> int:
    """Draw for every sentence of the talks.

    Raises:
        ConfigError: options out of range.
        DataError: talks that cannot be read or that judge, or a file of another run.
        ModelError: a pack that cannot be used.
        OutputError: a file that cannot be written.
    """
    from simulst.rsft import jobs
    from simulst.rsft.cluster import opened
    from simulst.rsft.distributed import refuse_ranks

    refuse_ranks("simulst sample")
    drawing, held_out = options.drawing_of(args), options.held_out_of(args)
    policy = jobs.open_model(args.pack)
    talks = args.out.with_name(f"{args.out.stem}.talks.jsonl")
    sentences = sentences_of(
        args.talks,
        (policy.source_language, policy.target_language),
        held_out=held_out.sources,
        asr=args.asr or "",
        limit=args.limit,
        join=args.join,
        heard=args.out.with_name(f"{args.out.stem}.heard"),
    )
    facts = options.facts_of(args)
    count = jobs.talk_stage(sentences, talks, facts)
    with opened(args.ray, args.workers) as workers, shown("samples", count, Drawn()) as report:
        jobs.sample_stage(talks, args.out, args.pack, drawing, report, workers, args.device)
    print(f"wrote {args.out}")
    return 0
