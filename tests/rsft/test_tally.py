"""What is counted of the drafts, against what can be enumerated."""

from __future__ import annotations

import math

import pytest

from simulst.accept.ratio import accepted_share, deficit
from simulst.protocols import Proposal
from simulst.rsft.acceptance import Selection, accept
from simulst.rsft.drawing import Drawing, draw
from simulst.rsft.talks import Sentence
from simulst.rsft.tally import Tally
from tests.fakes import ToySeq2Seq

POLICY, TEACHER = ToySeq2Seq("policy"), ToySeq2Seq("teacher")


@pytest.mark.parametrize(("temperature", "m"), [(1.0, 1.0), (0.6, 1.0), (1.0, 2.0)])
def test_figures_are_those_of_the_distributions(temperature: float, m: float) -> None:
    """Over many first tokens the mean ratio is 1, acceptance is A and the deficit is C_M."""
    drawing = Drawing(drafts=4000, lags=(2,), temperatures=(temperature,), seed=2)
    records = draw(POLICY, 0, [Sentence("t", "a b")], drawing)
    for record in records:  # the first token alone, whose q does not depend on others
        for draft in record["drafts"]:
            draft["tokens"], draft["log_q"] = draft["tokens"][:1], draft["log_q"][:1]
    selection = Selection("prefix", m, gates=None, seed=2)
    [record] = accept(POLICY, TEACHER, records, selection, ToySeq2Seq.eos)
    total = Tally()
    for counts in record["proposals"]:
        total.add(counts)
    q, p = (
        model.following([Proposal(("a", "b"), lag, warmth)])[0]
        for model, lag, warmth in ((POLICY, 2, temperature), (TEACHER, 0, 1.0))
    )
    assert total.weighed == 4000
    assert total.mean_ratio == pytest.approx(1.0, abs=0.06)
    assert total.acceptance == pytest.approx(accepted_share(p, q, m), abs=0.03)
    assert total.sure / total.weighed == pytest.approx(accepted_share(p, q, m), abs=0.02)
    assert total.deficit(m) == pytest.approx(deficit(p, q, m), abs=0.04)
    expected = 1 / float((p**2 / q).sum())
    assert total.sample_size == pytest.approx(expected, abs=0.06)


def test_counts_add_up() -> None:
    """Two tallies added give that of all tokens together; without any there is no figure."""
    one, two, both = Tally(drawn=1), Tally(drawn=2), Tally(drawn=3)
    one.weigh([0.0, -math.inf], 1.0)
    two.weigh([1.0], 1.0)
    both.weigh([0.0, -math.inf, 1.0], 1.0)
    one.add(two.record())
    assert one.record() == both.record()
    assert both.mean_ratio == pytest.approx((1 + math.e) / 3)
    empty = Tally()
    assert (empty.acceptance, empty.mean_ratio, empty.sample_size, empty.deficit(1)) == (None,) * 4
