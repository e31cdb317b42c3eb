"""Sweeps, curves and their tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from simulst.accept import rules
from simulst.config import Accept, Config
from simulst.corpus import Pair
from simulst.errors import ConfigError, DataError
from simulst.evaluate.curve import HEADER, Point, Sweep, bleu_at, cells, measure, parse_sweeps
from simulst.evaluate.tables import aligned, markdown
from simulst.translate.policy import Policy
from tests.evaluate.fakes import ShoutingTranslator

CONFIG = Config(accept=rules.settle(Accept(rule="ratio")))
SWEEP = Sweep("ratio")
PAIRS = [Pair("the cat sat on a mat", "THE CAT SAT ON A MAT"), Pair("a b c d", "A B X D")]


def point(config: Config = CONFIG, pairs: list[Pair] | None = None, sweep: Sweep = SWEEP) -> Point:
    """A setting measured over the shouting translator."""
    policy = Policy(
        ShoutingTranslator(), rules.build(config.accept), config.accept, config.translate
    )
    return measure(sweep, config, policy, pairs or PAIRS, "de")


def at(laal: float, bleu: float) -> Point:
    """A point somewhere on a curve."""
    made = point()
    return replace(
        made,
        latency=replace(made.latency, laal=laal),
        quality=replace(made.quality, bleu=bleu),
    )


def test_a_sweep_serves_every_rule_that_reads_it() -> None:
    """A sweep without a rule applies to all rules named."""
    found = parse_sweeps(["wait-k", "ratio"], ["k=1,2"], "ratio")
    assert found == [Sweep("wait-k", "k", (1, 2)), Sweep("ratio", "k", (1, 2))]


def test_a_sweep_may_be_for_one_rule_alone() -> None:
    """RULE:PARAMETER sweeps that rule and leaves the others to their own."""
    found = parse_sweeps(["la-2"], ["wait-k:k=1,2", "ratio:m=0.5,1"], "ratio")
    assert found == [
        Sweep("la-2"),
        Sweep("wait-k", "k", (1, 2)),
        Sweep("ratio", "m", (0.5, 1)),
    ]


def test_without_options_the_configured_rule_runs_once() -> None:
    """No rule and no sweep means a single run as configured."""
    assert parse_sweeps([], [], "entropy") == [Sweep("entropy")]


@pytest.mark.parametrize(
    ("rule", "text", "message"),
    [
        ([], "q=1", "parameters are k, m"),
        ([], "fast:k=1", "rules are auto, ratio"),
        ([], "k=one", "must be numbers"),
        ([], "k=", "must be numbers"),
        ([], "k=1.5", "must be whole"),
        (["wait-k"], "m=1,2", "read m, it is for ratio and learned"),
        (["slow"], "k=1", "--rule 'slow' is unknown"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(rule: list[str], text: str, message: str) -> None:
    """Unknown names, values that are no numbers and rules that do not listen are errors."""
    with pytest.raises(ConfigError, match=message):
        parse_sweeps(rule, [text], "ratio")


def test_k_moves_the_upper_bound_along() -> None:
    """Sweeping k keeps the width between k_min and k_max."""
    found = [c.accept for c in Sweep("ratio", "k", (1, 5)).configs(CONFIG)]
    assert [(a.k_min, a.k_max) for a in found] == [(1, 5), (5, 9)]


def test_a_value_out_of_range_is_refused() -> None:
    """The configuration's own limits hold for swept values."""
    with pytest.raises(ConfigError, match=r"accept\.m is -1"):
        Sweep("ratio", "m", (-1.0,)).configs(CONFIG)


def test_a_point_carries_all_figures() -> None:
    """A measured point has scores, delays and the acceptor's counts under every heading."""
    wait_k = replace(CONFIG, accept=replace(CONFIG.accept, rule="wait-k", k_min=2))
    row = dict(zip(HEADER, cells(point(wait_k)), strict=True))
    assert (row["rule"], row["parameters"], row["n"], row["skipped"]) == ("wait-k", "k=2", "2", "0")
    assert (row["AL"], row["LAAL"]) == ("2.00", "2.00")
    assert 50 < float(row["BLEU"]) < 100
    assert (row["accepted"], row["hold"], row["forced"]) == ("–", "–", "0")


def test_parameters_shown_are_those_the_rule_reads() -> None:
    """M and sharpness stand beside the ratio test only, the rate beside the random hold."""
    texts = {
        rule: point(replace(CONFIG, accept=replace(CONFIG.accept, rule=rule))).parameters
        for rule in ("ratio", "random", "entropy", "la-2")
    }
    assert texts == {
        "ratio": "k=2–6 L=1 q=1 M=1 sharpness=1",
        "random": "k=2–6 rate=0.7",
        "entropy": "k=2–6 entropy=1.5",
        "la-2": "k=2–6 L=1",
    }


def test_a_curve_is_named_by_what_its_points_share() -> None:
    """The varied parameter stands at the point, the others in the name of the curve."""
    swept = point(sweep=Sweep("ratio", "m", (1.0,)))
    assert (swept.varied, swept.curve) == ("M=1", "ratio, M varied: k=2–6 L=1 q=1 sharpness=1")
    alone = point()
    assert (alone.varied, alone.curve) == ("", "ratio: k=2–6 L=1 q=1 M=1 sharpness=1")


def test_skipped_sentences_are_shown() -> None:
    """A sentence without translation is in the table's count of skipped ones."""
    row = dict(zip(HEADER, cells(point(pairs=[*PAIRS, Pair("mute", "STUMM")])), strict=True))
    assert (row["n"], row["skipped"]) == ("2", "1")


def test_a_set_without_any_translation_is_an_error() -> None:
    """Nothing written at all is told, not scored as 0."""
    with pytest.raises(DataError, match="none of the 1 sentences"):
        point(pairs=[Pair("mute", "STUMM")])


class StuckPolicy(Policy):
    """Judges with the same u whatever the token, as a fixed u = 1/2 does."""

    def _draw(self, row: object, purpose: str) -> Callable[[int], float]:
        return lambda position: 0.5


@pytest.mark.parametrize("rate", [0.3, 0.8])
def test_a_random_hold_without_draws_is_no_control(rate: float) -> None:
    """A coin that always falls on the same side is refused instead of plotted."""
    accept = replace(CONFIG.accept, rule="random", rate=rate, deterministic=False)
    config = replace(CONFIG, accept=accept)
    words = " ".join("abcdefghij") + " k"
    pairs = [Pair(words, words.upper())] * 60
    stuck = StuckPolicy(ShoutingTranslator(), rules.build(accept), accept, config.translate)
    with pytest.raises(ConfigError, match=f"at rate {rate}"):
        measure(SWEEP, config, stuck, pairs, "de")
    drawn = Policy(ShoutingTranslator(), rules.build(accept), accept, config.translate)
    found = measure(SWEEP, config, drawn, pairs, "de").simulation
    assert found.acceptance is not None and 0.05 < found.acceptance < 0.95


def test_quality_between_points_is_interpolated() -> None:
    """BLEU at a LAAL between two points lies on the line between them, in any order."""
    curve = [at(3, 30), at(1, 10), at(2, 24)]
    assert bleu_at(curve, 1.5) == 17
    assert bleu_at(curve, 2) == 24
    assert bleu_at(curve, 2.5) == 27


def test_quality_outside_the_curve_is_not_made_up() -> None:
    """There is no BLEU beyond the ends of a curve, nor on an empty one."""
    curve = [at(1, 10), at(2, 24)]
    assert bleu_at(curve, 0.9) is None and bleu_at(curve, 2.1) is None
    assert bleu_at([at(1, 10)], 1) == 10
    assert bleu_at([], 1) is None


def test_tables_line_up() -> None:
    """Text tables align their columns, Markdown tables have a rule and escape bars."""
    header, rows = ("rule", "BLEU"), [("a|b", "7.00"), ("longer", "12.50")]
    assert aligned(header, rows).splitlines() == [
        "rule     BLEU",
        "a|b      7.00",
        "longer  12.50",
    ]
    assert markdown(header, rows).splitlines() == [
        "| rule | BLEU |",
        "| :-- | --: |",
        "| a\\|b | 7.00 |",
        "| longer | 12.50 |",
    ]
