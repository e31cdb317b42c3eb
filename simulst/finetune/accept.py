"""`simulst accept`: the second stage by itself, what of the drafts may be learnt from."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulst.finetune import options
from simulst.finetune.progress import Judged, say, shown

__all__ = ["ACCEPTED", "SAMPLES", "add_arguments", "refusals", "run", "sentence"]

SAMPLES, ACCEPTED = "samples.jsonl", "accepted.jsonl"
"""Names of the stage files in the folder of a round."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("samples", type=Path, help="stage file of `simulst sample`")
    parser.add_argument("--out", type=Path, required=True, help="stage file to make or go on with")
    options.add_workers(parser)
    options.add_device(parser)
    options.add_accepting(parser)


def run(args: argparse.Namespace) -> int:
    """Select from all samples.

    Raises:
        ConfigError: options out of range, or that do not go together.
        DataError: a file that is none of samples, or of another run.
        ModelError: a teacher that cannot be used, or reads other subwords.
        OutputError: a file that cannot be written.
    """
    from simulst.rsft import jobs
    from simulst.rsft.cluster import opened
    from simulst.rsft.distributed import refuse_ranks
    from simulst.rsft.stages import read_records

    refuse_ranks("simulst accept")
    selection = options.selection_of(args)
    count = sum(1 for _ in read_records(args.samples))
    with (
        opened(args.ray, args.workers) as workers,
        shown("accepted", count, Judged()) as report,
    ):
        figures = jobs.accept_stage(
            args.samples,
            args.out,
            args.teacher,
            selection,
            report,
            workers,
            device=args.device,
        )
    say(sentence(figures))
    print(f"wrote {args.out}")
    return 0


def refusals(figures: Mapping[str, Any]) -> str:
    """What the gates refused, by reason."""
    found = sorted(figures["refused"].items())
    return ", ".join(f"{reason} {count}" for reason, count in found) or "none"


def sentence(figures: Mapping[str, Any]) -> str:
    """The figures of the accept stage in one line."""
    parts = [f"{figures['drawn']} drafts", f"{figures['distinct']} distinct texts passed"]
    if figures["mean_ratio"] is not None:
        size = figures["sample_size"]
        told = f", effective sample size {size:.0%}" if size is not None else ""
        parts.insert(
            1,
            f"{figures['acceptance']:.1%} of judged tokens accepted, mean ratio "
            f"{figures['mean_ratio']:.2f}{told}",
        )
    if "effective_sample_size" in figures:
        parts.append(
            f"as whole sequences {figures['effective_sample_size']:.1f} of "
            f"{figures['samples_weighed']}, log M {figures['log_m']:.2f}"
        )
    parts.append(f"refused: {refusals(figures)}")
    parts.append(f"{figures['kept']} targets of {figures['sources']} sentences to learn from")
    return "accepted: " + "; ".join(parts)
