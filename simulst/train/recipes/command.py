"""`simulst train recipe`: make a pack from beginning to end, as the one that ships was made.

    simulst train recipe en-fr --data DATA --work WORK --out PACK

runs every command of a recipe in its turn. What is done is not done again, and a command that was
stopped goes on where it was, so that the same line is given again after a kill. With `--list` the
commands are only shown, to be run by hand or changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from simulst.errors import ConfigError, DataError, OutputError
from simulst.locks import held
from simulst.train.recipes.book import Recipe, Run, Stage, check_data, load, names

__all__ = ["add_arguments", "run"]

PLAIN = (Path("DATA"), Path("WORK"), Path("OUT"))  # a stage is the same wherever its files are
DONE = "recipe.json"  # in the work folder: the stages that are done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "recipe", metavar="RECIPE", help=f"{', '.join(names())}, or a .toml of your own"
    )
    parser.add_argument("--data", type=Path, help="folder of the data")
    parser.add_argument("--work", type=Path, help="what the stages leave")
    parser.add_argument("--out", type=Path, help="folder of the finished pack")
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="of every budget (1): 0.01 tries a recipe from end to end, 4 gives it four times the "
        "steps and hours",
    )
    parser.add_argument("--stages", nargs="+", metavar="STAGE", help="only these (all)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (1)")
    parser.add_argument("--list", action="store_true", help="show the commands, run none")


def run(args: argparse.Namespace) -> int:
    """Run the stages that are not done yet.

    Raises:
        ConfigError: an unknown recipe or stage, an option out of range, or a work folder of
            other settings.
        DataError: data that is missing, or a stage that failed.
        OutputError: the work folder cannot be written.
    """
    if not 0 < args.share < math.inf:
        raise ConfigError(f"--share is {args.share}: it must be above 0")
    if args.threads < 1:
        raise ConfigError(f"--threads is {args.threads}: at least 1 is needed")
    from simulst.train.translator import pick_device

    recipe = load(args.recipe)
    stages = _asked(recipe, args.stages)
    device = pick_device(args.device).type
    folders = [args.data, args.work, args.out]
    if args.list:
        data, work, out = (given or name for given, name in zip(folders, PLAIN, strict=True))
        _show(Run(data, work, out, args.share, device, args.threads), recipe, stages)
        return 0
    options = [f"--{name}".lower() for name in PLAIN]
    if missing := [option for option, given in zip(options, folders, strict=True) if not given]:
        raise ConfigError(f"{', '.join(missing)}: give a folder, or --list to see the commands")
    data, work, out = (folder.absolute() for folder in folders)
    check_data(recipe, data)
    with held(work):
        _run_all(Run(data, work, out, args.share, device, args.threads), recipe, stages)
    return 0


def _show(run: Run, recipe: Recipe, stages: Sequence[Stage]) -> None:
    """Print commands, to be run by hand."""
    print(f"# {recipe.about}; {recipe.hours * run.share:.3g} h")
    for stage in stages:
        words = shlex.join(run.command(recipe, stage))
        print(f"# {stage.name}, {stage.hours * run.share:.3g} h\nsimulst {words}")


def _run_all(run: Run, recipe: Recipe, stages: Sequence[Stage]) -> None:
    """Run what is not done yet, and remember what is."""
    plain = Run(*PLAIN, run.share)
    done = _done(run.work)
    for number, stage in enumerate(stages, 1):
        mark = _mark(plain.command(recipe, stage))
        if done.get(stage.name, mark) != mark:
            raise ConfigError(
                f"{run.work} has stage {stage.name} of other settings: give those, or another "
                "--work"
            )
        if stage.name in done and run.made(recipe, stage).path.exists():
            _say(f"{number}/{len(stages)} {stage.name}: done before")
            continue
        _say(f"{number}/{len(stages)} {stage.name}, about {stage.hours * run.share:.2g} h")
        _run_one(run, recipe, stage)
        done[stage.name] = mark
        _keep(run.work, done)
    print(f"wrote {run.made(recipe, stages[-1]).path}")


def _asked(recipe: Recipe, wanted: Sequence[str] | None) -> list[Stage]:
    """The stages to run, in the recipe's order."""
    if wanted is None:
        return list(recipe.stages)
    known = [stage.name for stage in recipe.stages]
    if unknown := [name for name in wanted if name not in known]:
        raise ConfigError(
            f"--stages {' '.join(unknown)}: recipe {recipe.name} has {', '.join(known)}"
        )
    return [stage for stage in recipe.stages if stage.name in wanted]


def _run_one(run: Run, recipe: Recipe, stage: Stage) -> None:
    """Run one command in a process of its own, which gives back all of its memory."""
    for other in run.wanted(recipe, stage):
        if not (path := run.made(recipe, other).path).exists():
            raise ConfigError(
                f"stage {stage.name} goes on from {path}, which is not there: run stage "
                f"{other.name} first"
            )
    words = run.command(recipe, stage)
    _say(f"simulst {shlex.join(words)}")
    try:
        run.made(recipe, stage).work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{error.filename} cannot be made: {error.strerror}") from error
    threads = {"OMP_NUM_THREADS": str(run.threads)}
    command = [sys.executable, "-m", "simulst", *words]
    code = subprocess.run(command, env={**os.environ, **threads}, check=False).returncode
    if code:
        raise DataError(
            f"stage {stage.name} ended with code {code}, for the reason above; what is done is "
            f"kept in {run.work}: the same command goes on from there"
        )


def _mark(words: Sequence[str]) -> str:
    """A fingerprint of a command."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def _done(work: Path) -> dict[str, str]:
    """The stages that an earlier run finished, with the marks of their commands."""
    path = work / DONE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): str(mark) for name, mark in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; remove it to start anew") from error


def _keep(work: Path, done: dict[str, str]) -> None:
    """Say that a stage is done; a kill while writing leaves what was there."""
    path = work / DONE
    fresh = path.with_suffix(".new")
    try:
        fresh.write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)
