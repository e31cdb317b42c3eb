"""Recipes: the commands that make a pack, in their order, each with its budget.

A recipe is a TOML file:

    about = "what it makes"
    data = ["en-fr/train.tsv.gz"]        # files that must be there, in the folder of the data

    [words]
    text = "--data {data}/en-fr/train.tsv.gz --to fr"

    [[stage]]
    name = "first"
    hours = 1.2                          # set aside for it, a limit where the command has one
    budget = { steps = 900 }             # more numbers that --share changes
    run = "train translator {text} --steps {steps} --hours {hours} --work {work} --out {out}"

    [[stage]]
    name = "second"
    run = "train translator {text} --start {first} --work {work} --out {out}"
    ...

In a command stand `{data}`; `{work}`, a folder of the stage's own; `{out}`, what it makes, which
is that of the whole recipe for the last stage; by the names of earlier stages what those made;
`{NAME.work}` for the folder of one; the numbers of the budget; `{device}` and `{threads}`; and
the `[words]`. A stage that names a file with `makes` leaves its result under that name in its
folder. What it has under `trial` is added to its command where the share is too small for what
comes before to be of any use: `trial = "--no-gates"`.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulst.errors import ConfigError, DataError

__all__ = ["Made", "Recipe", "Run", "Stage", "check_data", "load", "names"]

FOLDER = Path(__file__).parent
KEYS = {"about", "data", "words", "stage"}
STAGE_KEYS = {"name", "run", "hours", "budget", "makes", "trial"}
TRIAL = 0.1
"""Share of the budgets below which a run only tries whether a recipe can be run."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of a recipe.

    Attributes:
        name: by which later ones call what it makes.
        run: words of the command, with placeholders.
        hours: set aside for it, on a core like those that the card names.
        budget: numbers of the command that --share changes; hours are among them.
        makes: file that it leaves in its folder; empty where it is told what to write.
        trial: more words for a run that only tries the recipe.
    """

    name: str
    run: tuple[str, ...]
    hours: float = 0.0
    budget: Mapping[str, float] = field(default_factory=dict)
    makes: str = ""
    trial: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes a pack.

    Attributes:
        name: of the pack.
        about: a line on it.
        data: files that it needs, in the folder of the data.
        stages: in their order.
    """

    name: str
    about: str
    data: tuple[str, ...]
    stages: tuple[Stage, ...]

    @property
    def hours(self) -> float:
        """Of all stages."""
        return sum(stage.hours for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Made:
    """What a stage makes, as a command calls it: `{NAME}`, and `{NAME.work}` for its folder."""

    path: Path
    work: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Run:
    """Where and how a recipe is run.

    Attributes:
        data: folder of the data.
        work: folder of what the stages leave.
        out: what the last stage makes.
        share: of every budget, above 0.
        device: cpu or cuda.
        threads: of the CPU.
    """

    data: Path
    work: Path
    out: Path
    share: float = 1.0
    device: str = "cpu"
    threads: int = 1

    def made(self, recipe: Recipe, stage: Stage) -> Made:
        """Where a stage leaves what it makes."""
        work = self.work / f"{stage.name}-work"
        if stage.makes:
            return Made(work / stage.makes, work)
        return Made(self.out if stage is recipe.stages[-1] else self.work / stage.name, work)

    def command(self, recipe: Recipe, stage: Stage) -> list[str]:
        """The words of a stage's command, for `simulst`.

        Raises:
            ConfigError: a placeholder that means nothing there.
        """
        before = recipe.stages[: recipe.stages.index(stage)]
        mine = self.made(recipe, stage)
        meanings: dict[str, Any] = {
            "data": self.data,
            "work": mine.work,
            "out": mine.path,
            "device": self.device,
            "threads": self.threads,
            **{other.name: self.made(recipe, other) for other in before},
            **{name: self._share_of(value) for name, value in stage.budget.items()},
        }
        try:
            words = stage.run + (stage.trial if self.share < TRIAL else ())
            return [word.format_map(meanings) for word in words]
        except (KeyError, ValueError, AttributeError, IndexError) as error:
            raise ConfigError(
                f"recipe {recipe.name}, stage {stage.name}: {error} means nothing there; it knows "
                f"{', '.join(sorted(meanings))}"
            ) from error

    def wanted(self, recipe: Recipe, stage: Stage) -> list[Stage]:
        """The earlier stages whose results a stage goes on from."""
        text = " ".join(stage.run)
        return [
            other
            for other in recipe.stages[: recipe.stages.index(stage)]
            if f"{{{other.name}}}" in text or f"{{{other.name}." in text
        ]

    def _share_of(self, value: float) -> float:
        """A number of a budget; whole ones stay whole, and do not come to nothing."""
        if isinstance(value, int):
            return max(1, round(value * self.share))
        return float(f"{value * self.share:.4g}")


def names() -> list[str]:
    """The recipes that are here."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Recipe:
    """Read a recipe by name, or from a file of one's own.

    Raises:
        ConfigError: no such recipe, or one that is not in the form above.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no recipe {name}: use one of {', '.join(names())}, or a .toml of your own"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"recipe {path} cannot be read: {error}") from error
    if unknown := raw.keys() - KEYS:
        raise ConfigError(f"recipe {path}: unknown {', '.join(sorted(unknown))}")
    words = {key: shlex.split(text) for key, text in raw.get("words", {}).items()}
    stages = tuple(_stage(entry, words, path) for entry in raw.get("stage", ()))
    if not stages:
        raise ConfigError(f"recipe {path} has no [[stage]]")
    called = [stage.name for stage in stages]
    if twice := {one for one in called if called.count(one) > 1}:
        raise ConfigError(f"recipe {path}: two stages are called {', '.join(sorted(twice))}")
    return Recipe(path.stem, raw.get("about", ""), tuple(raw.get("data", ())), stages)


def _stage(entry: Mapping[str, Any], words: Mapping[str, list[str]], path: Path) -> Stage:
    """A stage as the file has it."""
    if unknown := entry.keys() - STAGE_KEYS:
        raise ConfigError(f"recipe {path}: a stage with unknown {', '.join(sorted(unknown))}")
    if missing := {"name", "run"} - entry.keys():
        raise ConfigError(f"recipe {path}: a stage without {', '.join(sorted(missing))}")
    run: list[str] = []
    for word in shlex.split(entry["run"]):
        run += words.get(word[1:-1], [word]) if word.startswith("{") else [word]
    hours = float(entry.get("hours", 0.0))
    budget = {"hours": hours, **entry.get("budget", {})}
    if wrong := [name for name, value in budget.items() if not isinstance(value, int | float)]:
        raise ConfigError(f"recipe {path}: {', '.join(wrong)} in a budget must be numbers")
    trial = tuple(shlex.split(entry.get("trial", "")))
    return Stage(entry["name"], tuple(run), hours, budget, entry.get("makes", ""), trial)


def check_data(recipe: Recipe, data: Path) -> None:
    """See that a recipe's files are there.

    Raises:
        DataError: some are not.
    """
    if missing := [name for name in recipe.data if not (data / name).is_file()]:
        raise DataError(
            f"recipe {recipe.name} needs {', '.join(missing)} in {data}, given as --data"
        )
