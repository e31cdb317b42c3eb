"""BLEU against LAAL: a rule swept over one of its parameters.

Rules are only comparable at equal latency, so every rule is run at several settings and the
quality between two of its points is interpolated. `random`, which holds without looking, is
the control that a rule must beat to have shown anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from simulst.config import RULES, Config
from simulst.corpus import Pair
from simulst.errors import ConfigError, DataError
from simulst.evaluate import quality
from simulst.evaluate.latency import Latency, average
from simulst.evaluate.quality import Quality
from simulst.evaluate.simulate import Simulation, StepPolicy, simulate
from simulst.evaluate.tables import figure

__all__ = ["HEADER", "Point", "Sweep", "bleu_at", "cells", "measure", "parse_sweeps"]

PARAMETERS: dict[str, tuple[str, ...]] = {
    "k": RULES,
    "m": ("ratio", "learned", "auto"),
    "sharpness": ("ratio",),
    "entropy": ("entropy",),
    "rate": ("random",),
}
"""What can be swept, and the rules that read it."""

FEW = 300
"""Judged tokens; with fewer, a true coin may well fall on one side only."""

SHOWN = {"k": "k", "m": "M", "sharpness": "sharpness", "entropy": "entropy", "rate": "rate"}

HEADER = (
    *("rule", "parameters", "BLEU", "chrF", "AL", "LAAL", "AP", "DAL", "ATD", "CW"),
    *("before end", "accepted", "forced", "hold", "n", "skipped"),
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A rule and the settings it is run at.

    Attributes:
        rule: its name.
        parameter: what changes, or "" for a single run as configured.
        values: of the parameter.
    """

    rule: str
    parameter: str = ""
    values: tuple[float, ...] = ()

    @property
    def label(self) -> str:
        """Name of the curve."""
        return f"{self.rule}, {SHOWN[self.parameter]} varied" if self.parameter else self.rule

    def configs(self, config: Config) -> list[Config]:
        """One configuration a point; `k` sets k_min and moves k_max along with it.

        Raises:
            ConfigError: a value out of the parameter's range.
        """
        accept = replace(config.accept, rule=self.rule)
        if not self.parameter:
            return [replace(config, accept=accept)]
        found = []
        for value in self.values:
            if self.parameter == "k":
                k, width = int(value), accept.k_max - accept.k_min
                changed = replace(accept, k_min=k, k_max=k + width)
            else:
                changes: dict[str, Any] = {self.parameter: value}
                changed = replace(accept, **changes)
            found.append(replace(config, accept=changed))
        return found


def parse_sweeps(rules: Sequence[str], texts: Sequence[str], default: str) -> list[Sweep]:
    """Read rules and sweeps of the form `k=1,2,3` or, for one rule alone, `ratio:m=0.5,1`.

    Args:
        rules: names; may be empty.
        texts: sweeps.
        default: the configured rule, run if neither names one.

    Raises:
        ConfigError: an unknown rule or parameter, no number, or a rule that does not read it.
    """
    texts_of: list[tuple[str, str, tuple[float, ...]]] = []
    for text in texts:
        name, _, listed = text.partition("=")
        rule, colon, parameter = name.strip().rpartition(":")
        if parameter not in PARAMETERS or (colon and rule not in RULES):
            raise ConfigError(
                f"--sweep {text!r}: write PARAMETER=VALUE,VALUE or RULE:PARAMETER=VALUE,VALUE; "
                f"parameters are {', '.join(PARAMETERS)}; rules are {', '.join(RULES)}"
            )
        try:
            values = tuple(float(value) for value in listed.split(","))
        except ValueError as error:
            raise ConfigError(f"--sweep {text!r}: the values must be numbers, by comma") from error
        if parameter == "k" and any(not value.is_integer() for value in values):
            raise ConfigError(f"--sweep {text!r}: k counts words, it must be whole")
        texts_of.append((rule, parameter, values))
    named = list(dict.fromkeys([*rules, *(rule for rule, _, _ in texts_of if rule)])) or [default]
    for rule in named:
        if rule not in RULES:
            raise ConfigError(f"--rule {rule!r} is unknown: use one of {', '.join(RULES)}")
    sweeps: list[Sweep] = []
    for rule in named:
        mine = [(p, v) for wanted, p, v in texts_of if wanted in ("", rule)]
        for parameter, values in mine:
            if rule not in PARAMETERS[parameter]:
                readers = PARAMETERS[parameter]
                raise ConfigError(
                    f"rule {rule!r} does not read {parameter}, it is for {' and '.join(readers)}: "
                    f"write --sweep {readers[0]}:{parameter}=... to sweep that rule alone"
                )
            sweeps.append(Sweep(rule, parameter, values))
        if not mine:
            sweeps.append(Sweep(rule))
    return sweeps


@dataclass(frozen=True, slots=True)
class Point:
    """A setting with its figures.

    Attributes:
        sweep: that it belongs to.
        config: the setting.
        quality, latency: of the whole set; delays in source words.
        simulation: the translations and what the acceptor did.
    """

    sweep: Sweep
    config: Config
    quality: Quality
    latency: Latency
    simulation: Simulation

    def _shown(self) -> dict[str, str]:
        accept = self.config.accept
        shown = {"k": str(accept.k_min)}
        if accept.rule != "wait-k":
            shown["k"] += f"–{accept.k_max}"
        if accept.rule in ("ratio", "learned", "la-2", "wait-if-worse"):
            shown["L"] = str(accept.lookback)
        if accept.certain:
            shown["q"] = "1"
        for name in ("m", "sharpness", "entropy", "rate"):
            if accept.rule in PARAMETERS[name]:
                shown[SHOWN[name]] = f"{getattr(accept, name):g}"
        if not accept.deterministic and accept.rule != "wait-k":
            shown["T"] = f"{accept.temperature:g}"
        return shown

    @property
    def parameters(self) -> str:
        """What of the setting the rule reads."""
        return " ".join(f"{name}={value}" for name, value in self._shown().items())

    @property
    def varied(self) -> str:
        """The parameter that sets this point apart from the others of its curve."""
        name = SHOWN.get(self.sweep.parameter, "")
        return f"{name}={self._shown()[name]}" if name else ""

    @property
    def curve(self) -> str:
        """Name of its curve with what all points of it share."""
        shared = (part for part in self.parameters.split() if part != self.varied)
        return " ".join((f"{self.sweep.label}:", *shared)).removesuffix(":")


def measure(
    sweep: Sweep,
    config: Config,
    policy: StepPolicy,
    pairs: Sequence[Pair],
    language: str,
    space: str = " ",
    progress: Callable[[int], None] | None = None,
) -> Point:
    """Translate the pairs at one setting and score them.

    Args:
        sweep: that the setting belongs to.
        config: what `policy` was built with, with rule, M and L of its own.
        policy: decides.
        pairs: sentences with references.
        language: of the target, ISO 639-1.
        space: the translator's.
        progress: told the number of sentences done.

    Raises:
        DataError: no sentence got any translation.
        ConfigError: the rule was to hold at random and did not.
    """
    simulation = simulate(policy, pairs, space, progress=progress)
    _check_coin(config, simulation)
    latency = average(instance.timing() for instance in simulation.instances)
    if latency is None:
        raise DataError(f"{sweep.label}: none of the {len(pairs)} sentences got a translation")
    texts = [instance.prediction for instance in simulation.instances]
    scores = quality.score(texts, [pair.target for pair in pairs], language)
    return Point(sweep, config, scores, latency, simulation)


def _check_coin(config: Config, found: Simulation) -> None:
    """Refuse a control that is none: a coin that always falls on the same side.

    With u = 1/2 for every token a rate up to one half holds everything and one above it nothing,
    so the curve would be wait-k under another name.
    """
    accept, share = config.accept, found.acceptance
    if accept.rule != "random" or found.judged < FEW:
        return
    # one draw that holds is judged again at every word, so few draws make many rejections
    if (share == 1 and accept.rate <= 0.95) or (share == 0 and accept.rate >= 0.2):
        raise ConfigError(
            f"rule 'random' at rate {accept.rate:g} accepted {found.accepted} of {found.judged} "
            "tokens: it compared a fixed u. Set accept.deterministic=false so that u is drawn "
            "(and a low accept.temperature to keep the drafts greedy)"
        )


def cells(point: Point) -> tuple[str, ...]:
    """A row under `HEADER`."""
    found, lag, quality = point.simulation, point.latency, point.quality
    return (
        point.config.accept.rule,
        point.parameters,
        *(figure(value) for value in (quality.bleu, quality.chrf, lag.al, lag.laal, lag.ap)),
        *(figure(value) for value in (lag.dal, lag.atd, lag.cw)),
        *(figure(value, 3) for value in (lag.before_end, found.acceptance)),
        str(found.forced),
        figure(found.mean_hold),
        str(lag.sentences),
        str(lag.skipped),
    )


def bleu_at(points: Sequence[Point], laal: float) -> float | None:
    """BLEU of a curve at a given LAAL, linear between its points; None outside them.

    Args:
        points: of one curve.
        laal: in source words.
    """
    known = sorted((point.latency.laal, point.quality.bleu) for point in points)
    for (x0, y0), (x1, y1) in pairwise([*known[:1], *known]):
        if x0 <= laal <= x1:
            return y1 if x0 == x1 else y0 + (y1 - y0) * (laal - x0) / (x1 - x0)
    return None
