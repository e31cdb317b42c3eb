"""Options of the stages: those of `simulst finetune` are those of the single stages together."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulst.corpus import Pair, read_pairs
from simulst.errors import ConfigError
from simulst.options import numbers

if TYPE_CHECKING:
    from simulst.rsft.acceptance import Selection
    from simulst.rsft.drawing import Drawing
    from simulst.rsft.gates import Gates
    from simulst.rsft.training import Learning

__all__ = [
    "HeldOut",
    "add_accepting",
    "add_device",
    "add_drawing",
    "add_gates",
    "add_held_out",
    "add_join",
    "add_lags",
    "add_learning",
    "add_talks",
    "add_workers",
    "drawing_of",
    "facts_of",
    "gates_of",
    "held_out_of",
    "learning_of",
    "selection_of",
    "whole_numbers",
]

SHARPNESS = 4.0
"""Of the speculative form: a step then learns from text that the teacher thinks likely, and not
from all that it thinks possible."""
JOIN = 0.3
EMBEDDED = "local"  # Ray's word for one that is not there yet


def whole_numbers(text: str) -> tuple[int, ...]:
    """Those of a list by comma.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: give whole numbers by comma") from error


def add_talks(parser: argparse.ArgumentParser) -> None:
    """What is learnt from."""
    parser.add_argument(
        "talks",
        nargs="+",
        type=Path,
        metavar="TALKS",
        help="folder of talks, as `interpret --record` keeps them or of transcripts, references "
        "and sound, or a parallel TSV; several are read one after another",
    )
    parser.add_argument("--asr", help="listener for talks without text")
    parser.add_argument("--limit", type=int, default=0, help="first sentences only; 0: all")
    add_join(parser)


def add_join(parser: argparse.ArgumentParser) -> None:
    """How the sentences of a talk make lines."""
    parser.add_argument(
        "--join",
        type=float,
        default=JOIN,
        metavar="SHARE",
        help=f"of lines that are two or three neighbouring sentences of a talk ({JOIN:g}; 0: each "
        "sentence by itself); without any, a policy forgets how long lines go on",
    )


def facts_of(args: argparse.Namespace) -> dict[str, Any]:
    """What the lines of the talks depend on."""
    return {
        "talks": [str(path) for path in args.talks],
        "limit": args.limit,
        "join": args.join,
    }


def add_workers(parser: argparse.ArgumentParser) -> None:
    """How many share the work."""
    parser.add_argument("--workers", type=int, default=1, help="processes that draw and accept")
    parser.add_argument(
        "--ray",
        nargs="?",
        const=EMBEDDED,
        metavar="ADDRESS",
        help="they are actors of the Ray at this address; without one, of a Ray that this command "
        "starts on this machine and ends",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Where the models compute."""
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of torch (cpu)")


def add_lags(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """k of all that is drawn, learnt and judged."""
    parser.add_argument("--lags", type=whole_numbers, default=(1, 2, 3, 5, 7), help="k (1,2,3,5,7)")


def add_drawing(parser: argparse.ArgumentParser) -> None:
    """The proposal."""
    group = parser.add_argument_group("drawing")
    group.add_argument("--drafts", type=int, default=8, help="N of each sentence (8)")
    add_lags(group)
    group.add_argument("--temperatures", type=numbers, default=(0.5, 0.7, 1.0), help="(0.5,0.7,1)")
    group.add_argument("--seed", type=int, default=0, help="of all random numbers")


def add_accepting(parser: argparse.ArgumentParser) -> None:
    """The test and the gates."""
    group = parser.add_argument_group("accepting")
    group.add_argument(
        "--teacher",
        default="",
        help="pack that sees the whole source (P), of the policy's subwords, or several by comma; "
        "the policy itself will do, as it drafts with less in sight, but not with 0 (the whole "
        "source) among --lags",
    )
    group.add_argument(
        "--form",
        default="",
        help="speculative (default with a teacher), prefix, sequence, rescored, beam; "
        "reward (default without), best, random, all",
    )
    group.add_argument("--m", type=float, default=1.0, help="M of min(1, P / (M q)) (1)")
    group.add_argument(
        "--sharpness",
        type=float,
        default=None,
        help=f"beta: P^beta takes the place of P ({SHARPNESS:g} with --form speculative, else 1)",
    )
    group.add_argument("--keep", type=int, default=4, help="targets of a sentence at most (4)")
    add_gates(group)


def add_gates(parser: argparse._ActionsContainer) -> None:
    """What an accepted target must be besides."""
    parser.add_argument(
        "--margin",
        type=float,
        default=3.0,
        help="chrF with the reference that a target may lose against the most likely one (3)",
    )
    parser.add_argument(
        "--anticipation",
        type=float,
        default=0.3,
        help="nats a token that the whole source may tell of a target beyond what had been heard; "
        "what needs more would teach to guess (0.3; 0: any)",
    )
    parser.add_argument("--no-gates", action="store_true", help="accept whatever passes")


def add_learning(parser: argparse.ArgumentParser) -> None:
    """The update."""
    group = parser.add_argument_group("learning")
    group.add_argument("--steps", type=int, default=300)
    group.add_argument("--tokens", type=int, default=2048, help="accepted ones a step")
    group.add_argument("--rate", type=float, default=5e-5, help="peak learning rate (5e-5)")
    group.add_argument("--accepted-share", type=float, default=0.8, help="rho of the loss (0.8)")
    group.add_argument("--inserted", type=float, default=1.0, help="weight of teacher's tokens (1)")
    group.add_argument("--smoothing", type=float, default=0.1, help="of the labels (0.1)")
    group.add_argument("--pull", type=float, default=0.1, help="eta, towards the start")
    group.add_argument(
        "--average",
        type=float,
        default=0.97,
        help="kept of a running average of the weights (0.97; 0: the weights themselves)",
    )
    group.add_argument(
        "--last",
        action="store_true",
        help="keep the weights of the last step, not those that scored best on the dev text",
    )


def add_held_out(parser: argparse.ArgumentParser) -> None:
    """Text that judges and is never learnt from."""
    group = parser.add_argument_group("judging")
    group.add_argument(
        "--dev",
        type=Path,
        action="append",
        default=[],
        help="parallel TSV that chooses the step at which learning ends; repeatable",
    )
    group.add_argument("--dev-limit", type=int, default=200, help="sentences of each (200)")
    group.add_argument(
        "--test",
        type=Path,
        action="append",
        default=[],
        help="parallel TSV of the curves before and after; default: the dev text",
    )


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Text that judges.

    Attributes:
        dev: chooses the step.
        test: tells before from after; empty where dev has to do.
    """

    dev: tuple[Pair, ...]
    test: tuple[Pair, ...]

    @property
    def sources(self) -> Iterator[str]:
        """Sentences that must not be learnt from."""
        return (pair.source for pair in (*self.dev, *self.test))


def held_out_of(args: argparse.Namespace) -> HeldOut:
    """Read the text that judges.

    Raises:
        ConfigError: a limit below 1.
        DataError: it cannot be read.
    """
    if args.dev_limit < 1:
        raise ConfigError(f"--dev-limit is {args.dev_limit}: at least 1 sentence is needed")
    dev = tuple(pair for path in args.dev for pair in read_pairs(path)[: args.dev_limit])
    return HeldOut(dev, tuple(pair for path in args.test for pair in read_pairs(path)))


def drawing_of(args: argparse.Namespace) -> Drawing:
    """The proposal that the options make.

    Raises:
        ConfigError: one is out of range.
    """
    from simulst.rsft.drawing import Drawing

    return Drawing(args.drafts, args.lags, args.temperatures, args.seed)


def selection_of(args: argparse.Namespace) -> Selection:
    """The test that the options make; its seed is that of the samples.

    Raises:
        ConfigError: one is out of range, or a teacher is missing.
    """
    from simulst.rsft.acceptance import JUDGED, Selection

    form = args.form or ("speculative" if args.teacher else "reward")
    sharpness = args.sharpness
    if sharpness is None:
        sharpness = SHARPNESS if form == "speculative" else 1.0
    selection = Selection(form, args.m, sharpness, keep=args.keep, gates=gates_of(args))
    if form in JUDGED and not args.teacher:
        raise ConfigError(f"--form {form} tests against a teacher: name one with --teacher")
    if form not in JUDGED and args.teacher:
        raise ConfigError(
            f"--form {form} asks no teacher: leave --teacher out, or use one of {', '.join(JUDGED)}"
        )
    return selection


def gates_of(args: argparse.Namespace) -> Gates | None:
    """The gates that the options make.

    Raises:
        ConfigError: one is out of range, or set beside --no-gates.
    """
    from simulst.rsft.gates import Gates

    gates = Gates(margin=args.margin, anticipation=args.anticipation)
    if not args.no_gates:
        return gates
    if gates != Gates():
        raise ConfigError("--margin and --anticipation are gates: leave them out, or --no-gates")
    return None


def learning_of(args: argparse.Namespace) -> Learning:
    """How to update, as the options say.

    Raises:
        ConfigError: one is out of range.
    """
    from simulst.rsft.training import Learning

    settings = {f.name: getattr(args, f.name) for f in fields(Learning) if hasattr(args, f.name)}
    return Learning(**settings)
