"""The command line: finds the command, and turns what the user can mend into one line.

A command's module is imported when it is the one asked for, so that `simulst --help` does not
wait for the models' libraries.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from simulst import __version__, packs
from simulst.errors import SimulstError

__all__ = ["main"]

COMMANDS = {
    "interpret": ("simulst.interpret", "translate speech while it is being spoken"),
    "devices": ("simulst.devices", "list the microphones of this machine"),
    "serve": ("simulst.server.command", "interpret for many clients over websockets"),
    "finetune": ("simulst.finetune.command", "learn from recorded talks (RSFT)"),
    "sample": ("simulst.finetune.sample", "draw translations of talks, RSFT's first stage"),
    "accept": ("simulst.finetune.accept", "choose what to learn from, RSFT's second stage"),
    "study": ("simulst.study", "measure what RSFT itself is worth, against its controls"),
    "evaluate": ("simulst.rehearsal.command", "measure latency and quality"),
    "compare": ("simulst.evaluate.comparison", "test curves against each other at equal latency"),
    "evidence": ("simulst.evaluate.evidence", "measure the evidence that acceptance rests on"),
    "train recipe": (
        "simulst.train.recipes.command",
        "make a pack from beginning to end, as the one that ships was made",
    ),
    "train translator": ("simulst.train.command", "train a translator pack from parallel text"),
    "train subset": ("simulst.train.subset", "draw pairs of training text at random"),
    "train distillation": (
        "simulst.train.distillation",
        "translate training text with a pack, for another to learn from",
    ),
    "train mishearing": (
        "simulst.train.mishearing",
        "let a listener hear the sources of training text, for a translator to learn from",
    ),
    "train evidence": (
        "simulst.train.evidence",
        "teach a translator pack to expect what the full source will accept",
    ),
    "train policy": (
        "simulst.finetune.learn",
        "let a translator pack learn what was accepted, RSFT's last stage",
    ),
    "train listener": ("simulst.train.listener.command", "train a listener pack"),
    "report": ("simulst.report.command", "show what happened in a talk, as one page"),
    "packs": ("simulst.cli", "list the packs that are found"),
    "models list": ("simulst.hub.inventory", "list the models here, and those to be had by name"),
    "models pull": ("simulst.hub.pull", "fetch a model from the hub"),
    "models show": ("simulst.hub.card", "describe a model and check its files"),
}
"""Words of the command, the module with `add_arguments` and `run`, and what it does."""

GROUPS = {"train": ("train a model", "MODEL"), "models": ("list, fetch or show models", "ACTION")}
"""What the commands of two words do, by their first."""

SILENT = {"train": "policy"}
"""The command that a group means where none is named: `simulst train --from accepted.jsonl`."""


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """A parser that knows every command by name and the one asked for in full."""
    parser = argparse.ArgumentParser(
        prog="simulst", description="Simultaneous interpretation on your own machine."
    )
    parser.add_argument("--version", action="version", version=f"simulst {__version__}")
    groups = {"": parser.add_subparsers(required=True, metavar="COMMAND")}
    for command, (module, purpose) in COMMANDS.items():
        group, _, name = command.rpartition(" ")
        if group not in groups:
            does, metavar = GROUPS[group]
            inner = groups[""].add_parser(group, help=does, description=f"{does.capitalize()}.")
            groups[group] = inner.add_subparsers(required=True, metavar=metavar)
        sub = groups[group].add_parser(name, help=purpose, description=purpose.capitalize() + ".")
        if list(words[: len(command.split())]) == command.split():
            part = importlib.import_module(module)
            part.add_arguments(sub)
            sub.set_defaults(run=part.run)
    return parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `simulst packs`: none."""


def run(args: argparse.Namespace) -> int:
    """List the packs that can be found by name: `simulst packs`."""
    found = packs.available()
    if not found:
        print("no packs found")
    from simulst.hub.inventory import languages_of

    for name, manifest in found.items():
        kind, languages = packs.KINDS[manifest["kind"]], languages_of(manifest)
        print(f"{name}  {kind}  {languages}  {_title(manifest['path'])}".rstrip())
    return 0


def _title(folder: Path) -> str:
    """The first line of a pack's card that says anything."""
    try:
        lines = (folder / "CARD.md").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.strip("# ") for line in lines if line.strip("# ")), "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code, 2 for what the user can mend."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    match words:
        case [group, option, *_] if option.startswith("-") and option not in ("-h", "--help"):
            words[1:1] = [SILENT[group]] if group in SILENT else []
    args = _parser(words).parse_args(words)
    code, message = 2, ""
    try:
        code = args.run(args)
    except SimulstError as error:
        message = str(error)
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        message = f"output cannot be written: {error.strerror}"
    if (lost := _lost_output()) and not message:
        code, message = 2, lost
    if message:
        print(f"simulst: error: {' '.join(message.split())}", file=sys.stderr)
    return code


def _lost_output() -> str:
    """Why standard output cannot take what it was given, or nothing.

    It is let go of then, else Python would complain about it once more at the very end.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return f"standard output cannot be written: {error.strerror}"
    return ""
