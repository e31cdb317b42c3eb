"""Each rule on drafts whose numbers are given."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from simulst import config
from simulst.accept import rules
from simulst.protocols import Acceptor
from simulst.types import Draft, Reason, Score, Verdict
from tests.fakes import expectant, translator

DRAFT = Draft(
    tokens=(5, 6, 7),
    lengths=(1, 2),
    units=("eins", "zwei"),
    log_q=(math.log(0.5), math.log(0.4), math.log(0.8)),
    entropy=(0.5, 1.0, 2.0),
)
SCORE = Score(
    log_p=(math.log(0.6), math.log(0.2), math.log(0.9)), best=(5, 6, 9), entropy=(0.1, 0.1, 0.1)
)


def judge(rule: Acceptor, u: float = 0.5) -> tuple[Verdict, ...]:
    """The verdicts on the draft above, with the same u everywhere."""
    score = SCORE if rule.verifies else None
    return rule.judge(DRAFT, score, sentence=2, start=10, read=4, draw=lambda _: u)


def accepted(rule: Acceptor, u: float = 0.5) -> list[bool]:
    """Only the answers."""
    return [verdict.accepted for verdict in judge(rule, u)]


def test_ratio_stops_at_the_first_rejection() -> None:
    """p/q = 1.2, 0.5, 1.125: u = 0.6 stops at the second token, u = 0.5 passes all."""
    assert accepted(rules.RatioTest(1, m=1.0), 0.6) == [True, False]
    assert accepted(rules.RatioTest(1, m=1.0), 0.5) == [True, True, True]


def test_a_greedy_draft_is_proposed_with_certainty() -> None:
    """q = 1, so p alone meets u: 0.6 passes a half, 0.2 does not, and M = 0.5 doubles
    both."""
    assert accepted(rules.RatioTest(1, m=1.0, certain=True)) == [True, False]
    assert accepted(rules.RatioTest(1, m=0.5, certain=True), 0.39) == [True, True, True]
    verdict = judge(rules.RatioTest(1, m=1.0, certain=True))[1]
    assert (verdict.p, verdict.q, verdict.ratio) == pytest.approx((0.2, 1.0, 0.2))


def test_only_a_greedy_draft_is_certain() -> None:
    """Settings decide what q is: 1, or the model's where drafts are drawn or where it is asked."""
    cases: list[tuple[dict[str, Any], bool]] = [
        ({}, True),
        ({"proposal": "model"}, False),
        ({"deterministic": False}, False),
    ]
    for fields, certain in cases:
        rule = rules.build(config.Accept(**fields))
        assert isinstance(rule, rules.RatioTest) and rule.certain is certain


def test_m_makes_it_strict_or_lenient() -> None:
    """M = 3 rejects at once what M = 0.5 lets through whole."""
    assert accepted(rules.RatioTest(1, m=3.0)) == [False]
    assert accepted(rules.RatioTest(1, m=0.5), 0.99) == [True, True, True]


def test_verdicts_carry_their_numbers() -> None:
    """A verdict holds position, p, q, ratio, u and reason."""
    verdict = judge(rules.RatioTest(1, m=1.0), 0.6)[1]
    assert (verdict.sentence, verdict.position, verdict.token, verdict.read) == (2, 11, 6, 4)
    assert (verdict.p, verdict.q, verdict.ratio) == pytest.approx((0.2, 0.4, 0.5))
    assert (verdict.u, verdict.accepted, verdict.reason) == (0.6, False, Reason.RATIO)


EXPECTING = replace(SCORE, expected=(0.9, 0.45, 0.8))


def expecting(m: float, u: float) -> tuple[Verdict, ...]:
    """The verdicts of learned evidence that expects the three values above."""
    rule = rules.LearnedTest(0, m=m)
    return rule.judge(DRAFT, EXPECTING, sentence=2, start=10, read=4, draw=lambda _: u)


def test_learned_evidence_is_compared_with_u() -> None:
    """u = 1/2 stops at an expectation of 0.45; M scales it; the ratio is what u met."""
    assert [v.accepted for v in expecting(1.0, 0.5)] == [True, False]
    assert [v.accepted for v in expecting(0.9, 0.5)] == [True, True, True]
    assert [v.accepted for v in expecting(2.0, 0.5)] == [False]
    verdict = expecting(1.5, 0.5)[0]
    assert verdict.ratio == pytest.approx(0.6)
    assert (verdict.u, verdict.reason) == (0.5, Reason.LEARNED)
    assert expecting(0.5, 0.99)[0].ratio == 1.0


def test_agreement_needs_the_same_choice() -> None:
    """LA-2 accepts until p's own choice differs, whatever u is."""
    assert accepted(rules.Agreement(1), 0.99) == [True, True, False]


def test_wait_if_worse() -> None:
    """A token whose probability fell with more source is held."""
    assert accepted(rules.WaitIfWorse(1)) == [True, False]


def test_entropy_threshold() -> None:
    """Tokens pass while the entropy of their distribution is at most the limit."""
    assert accepted(rules.EntropyThreshold(limit=1.0)) == [True, True, False]


def test_random_hold_looks_at_nothing_but_u() -> None:
    """The control accepts exactly where u lies below its rate."""
    assert accepted(rules.RandomHold(rate=0.7), 0.69) == [True] * 3
    assert accepted(rules.RandomHold(rate=0.7), 0.71) == [False]


def test_schedule_accepts_all() -> None:
    """Plain wait-k holds nothing back."""
    assert accepted(rules.Schedule()) == [True] * 3


@pytest.mark.parametrize(
    ("name", "lookback", "verifies"),
    [
        ("ratio", 2, True),
        ("learned", 2, True),
        ("la-2", 2, True),
        ("wait-if-worse", 2, True),
        ("wait-k", 0, False),
        ("entropy", 0, False),
        ("random", 0, False),
    ],
)
def test_settings_choose_the_rule(name: str, lookback: int, verifies: bool) -> None:
    """The settings' rule is built under its own name, with lookback where it compares."""
    rule = rules.build(config.Accept(rule=name, lookback=2))
    assert (rule.name, rule.lookback, rule.verifies) == (name, lookback, verifies)
    assert rule.learned is (name == "learned")
    assert isinstance(rule, Acceptor)


def test_the_rule_suits_the_pack() -> None:
    """Learned evidence decides where a pack has it and nothing is in its way."""
    known, plain = expectant(), translator()
    asked = config.Accept()
    assert rules.settle(asked) == replace(asked, rule="ratio", m=1.0, lookback=1)
    assert rules.settle(asked, plain) == rules.settle(asked)
    assert rules.settle(asked, known, plain) == rules.settle(asked), "another pack verifies"
    learned = replace(asked, rule="learned", m=rules.LEARNED_M, lookback=0)
    assert rules.settle(asked, known) == learned
    assert rules.build(asked, known) == rules.LearnedTest(0, m=rules.LEARNED_M)
    drawn = replace(asked, deterministic=False)
    assert rules.settle(drawn, known).rule == "ratio", "of drawn drafts the ratio is exact"
    assert rules.settle(replace(asked, lookback=2), known).rule == "ratio", "it knows 0 and 1"


def test_what_is_given_stays() -> None:
    """Only what the settings leave open is filled in."""
    asked = config.Accept(rule="learned", m=1.2, lookback=1)
    assert rules.settle(asked, expectant()) == asked
    assert rules.settle(config.Accept(m=0.5, lookback=0), expectant()) == config.Accept(
        rule="learned", m=0.5, lookback=0
    )
    asked = config.Accept(rule="wait-k", m=2.0)
    assert rules.settle(asked, expectant()) == replace(asked, lookback=1)
