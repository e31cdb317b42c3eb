"""The accept stage: every form, the gates, and what of a source is kept."""

from __future__ import annotations

import math
from typing import Any

import pytest

from simulst.errors import ConfigError
from simulst.protocols import Proposal, Sample
from simulst.rsft.acceptance import FORMS, Selection, accept
from simulst.rsft.anticipation import anticipations
from simulst.rsft.drawing import Drawing, draw
from simulst.rsft.gates import Gates, units_of
from simulst.rsft.selection import whole
from simulst.rsft.talks import Sentence
from simulst.rsft.tally import Tally
from tests.fakes import ToySeq2Seq

POLICY, TEACHER = ToySeq2Seq("policy"), ToySeq2Seq("teacher")
DRAWING = Drawing(drafts=10, lags=(1, 2), temperatures=(1.0,), seed=1)
RECORDS = draw(POLICY, 0, [Sentence("t", f"x {i}", "1 2") for i in range(12)], DRAWING)


def run(form: str, **settings: Any) -> list[dict[str, Any]]:
    """Select from the records above."""
    selection = Selection(form, seed=DRAWING.seed, **{"gates": None, **settings})
    return accept(POLICY, TEACHER, RECORDS, selection, ToySeq2Seq.eos)


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form: str) -> None:
    """A record for each source, in order; targets are distinct, few, and spell their texts."""
    found = run(form, log_m=1.0)
    assert [record["id"] for record in found] == list(range(12))
    assert sum(len(record["accepted"]) for record in found) > 0
    for record in found:
        lag = {"beam": "lag"}.get(form, "")  # the teacher's own text may be learnt under each
        kinds = [(target["text"], target.get(lag)) for target in record["accepted"]]
        assert len(kinds) == len(set(kinds)) <= 4
        for target in record["accepted"]:
            assert POLICY.text(target["tokens"]) == target["text"]
            assert len(target["learned"]) == len(target["tokens"])
        assert record["passed"] <= record["judged"]
        tested = [pair for rows in record["positions"].values() for pair in rows]
        assert sum(pair[0] for pair in tested) == record["judged"]
        assert sum(pair[1] for pair in tested) == record["passed"]
        texts = {target["text"] for target in record["accepted"]}
        assert len(texts) <= record["distinct"] <= 10
        total = Tally()
        for counts in record["proposals"]:
            total.add(counts)
        for name in ("drawn", "passed_whole", "judged", "passed"):
            assert getattr(total, name) == record[name]
        assert total.kept == len(record["accepted"]) <= total.passed_whole
        assert {(row["lag"], row["temperature"]) for row in record["proposals"]} == {
            (lag, 1.0) for lag in DRAWING.lags
        }


def test_a_chunk_may_be_cut_anywhere() -> None:
    """Sources alone give the records that they give together."""
    whole = run("speculative")
    selection = Selection("speculative", gates=None, seed=DRAWING.seed)
    for record, expected in zip(RECORDS, whole, strict=True):
        assert accept(POLICY, TEACHER, [record], selection, ToySeq2Seq.eos) == [expected]


def test_lags_are_balanced() -> None:
    """Where targets of two lags passed, both are among the first two kept."""
    for record in run("all", keep=2):
        lags = {target["lag"] for target in record["accepted"]}
        if len(record["accepted"]) == 2:
            assert lags == {1, 2}


def test_random_has_its_rate() -> None:
    """The coin of the P = q control falls at its rate, whatever the sample."""
    passed = sum(record["passed_whole"] for record in run("random", rate=0.3))
    assert 0.15 * 120 < passed < 0.45 * 120
    assert not any(record["accepted"] for record in run("random", rate=0.0))


def test_best_is_best() -> None:
    """Best-of-N keeps one target, and it is the one closest to the reference."""
    from simulst.rsft.gates import chrf

    for record, every in zip(run("best"), run("all", keep=99), strict=True):
        [target] = record["accepted"]
        scores = [chrf(other["text"], "1 2") for other in every["accepted"]]
        assert chrf(target["text"], "1 2") == max(scores)


def test_rescored_is_what_the_teacher_likes_best() -> None:
    """One sample of each source is kept, and none of the others is likelier a token."""
    for record, source in zip(run("rescored"), RECORDS, strict=True):
        [target] = record["accepted"]
        words = tuple(source["source"].split())
        drawn = [tuple(draft["tokens"]) for draft in source["drafts"]]
        scores = TEACHER.score([words] * len(drawn), drawn, [0] * len(drawn))
        means = {tokens: sum(row) / len(row) for tokens, row in zip(drawn, scores, strict=True)}
        assert means[tuple(target["tokens"])] == max(means.values())


def test_beam_is_the_teachers_own() -> None:
    """The target is the teacher's translation, once under each lag that was drawn for."""
    for record in run("beam"):
        target, other = record["accepted"]
        assert [target["lag"], other["lag"]] == list(DRAWING.lags)
        assert target["tokens"] == other["tokens"]
        words = tuple(record["source"].split())
        [scores] = TEACHER.score([words], [tuple(target["tokens"])], [0])
        every = TEACHER.every(words).items()
        best = max(math.log(p) / len(t) for t, p in every if t[-1] == TEACHER.eos)
        assert sum(scores) / len(scores) >= best - 1e-9


def test_gates_refuse_and_count() -> None:
    """What is too short, repeats itself or is worse than the policy's own best is not learnt."""
    gates = Gates(least=0.0, margin=0.0)
    assert gates.refuse("", "a b", "", None) == "length"
    assert gates.refuse("a b c d e f", "a b", "x y", None) == "length"
    assert gates.refuse("a b c " * 3, "w " * 9, "", None) == "repeats"
    assert gates.refuse("das Haus", "the house", "das Haus", "das Haus") == ""
    assert gates.refuse("das Maus", "the house", "das Haus", "das Haus") == "quality"
    assert gates.refuse("das Maus", "the house", "", "das Haus") == ""
    assert Gates(least=90.0).refuse("das Maus", "the house", "das Haus", None) == "quality"
    found = run("all", gates=gates)
    assert sum(sum(record["refused"].values()) for record in found) > 0
    with pytest.raises(ConfigError, match="must hold 1"):
        Gates(shortest=1.2)
    with pytest.raises(ConfigError, match="anticipation is -1"):
        Gates(anticipation=-1.0)


def test_what_had_to_be_guessed() -> None:
    """Anticipation is what the whole source adds to the lag's view; a bar keeps what needs less."""
    free = run("all", gates=Gates(least=0.0, margin=100.0), keep=99)
    for record in free:
        for target in record["accepted"]:
            words, tokens = tuple(record["source"].split()), tuple(target["tokens"])
            early, late = POLICY.score([words] * 2, [tokens] * 2, [target["lag"], 0])
            mean = sum(b - a for a, b in zip(early, late, strict=True)) / len(tokens)
            assert target["anticipation"] == pytest.approx(mean, abs=1e-4)
    nats = sorted(t["anticipation"] for record in free for t in record["accepted"])
    above = [value for value in nats if value > 0]
    bar = above[len(above) // 2]
    barred = run("all", gates=Gates(least=0.0, margin=100.0, anticipation=bar), keep=99)
    kept = [t["anticipation"] for record in barred for t in record["accepted"]]
    assert kept
    assert max(kept) <= bar + 1e-4
    refused = sum(record["refused"].get("anticipation", 0) for record in barred)
    assert refused >= sum(value > bar for value in nats)


def test_an_end_that_the_lag_bars_is_not_guessed() -> None:
    """A token without any likelihood under the lag does not count."""

    class Barred(ToySeq2Seq):
        def score(self, sources: Any, targets: Any, lags: Any) -> list[tuple[float, ...]]:
            found = super().score(sources, targets, lags)
            return [
                (*row[:-1], -math.inf) if lag else row for row, lag in zip(found, lags, strict=True)
            ]

    target = whole(Proposal(("x",), 1), Sample((1, 2, 0), (), True))
    at_once = whole(Proposal(("x",), 0), Sample((1, 2, 0), (), True))
    early, late = POLICY.score([("x",)] * 2, [(1, 2, 0)] * 2, [1, 0])
    ahead, none = anticipations(Barred("policy"), [target, at_once])
    assert ahead == pytest.approx((sum(late[:2]) - sum(early[:2])) / 2)
    assert none == 0


def test_gates_count_characters_where_there_are_no_spaces() -> None:
    """A Chinese sentence is not taken for a single word."""
    gates = Gates(least=0.0, margin=0.0)
    source, reference = "A good friend is worth more than money.", "好朋友比钱更重要。"
    assert units_of(reference) == list("好朋友比钱更重要")
    assert units_of("用 Python3写 2行。") == ["用", "Python3", "写", "2", "行"]
    assert gates.refuse("好朋友比金钱重要。", source, reference, None) == ""
    assert gates.refuse("好朋友比钱更重要。", source, "", None) == ""
    assert gates.refuse("好朋友。", source, reference, None) == "length"
    assert gates.refuse("好", source, "", None) == "length"
    assert gates.refuse("好朋友比钱更重要。" * 7, source, "", None) == "length"
    assert gates.refuse("朋友" * 10, source, "", None) == "repeats"


def test_bad_settings() -> None:
    """Unknown forms, figures out of range, a missing teacher and missing references are named."""
    with pytest.raises(ConfigError, match="use one of speculative"):
        Selection("magic")
    with pytest.raises(ConfigError, match="m is 0"):
        Selection(m=0.0)
    with pytest.raises(ConfigError, match="keep is 0"):
        Selection(keep=0)
    with pytest.raises(ConfigError, match="rate is 2"):
        Selection(rate=2.0)
    with pytest.raises(ConfigError, match="name one with --teacher"):
        accept(POLICY, None, RECORDS, Selection("prefix"), 0)
    bare = [{**RECORDS[0], "reference": ""}]
    with pytest.raises(ConfigError, match="sentence 0 of t has none"):
        accept(POLICY, None, bare, Selection("reward", gates=None, seed=1), 0)
