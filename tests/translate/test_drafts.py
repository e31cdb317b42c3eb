"""Targets while they are drawn."""

from __future__ import annotations

import math

import torch

from simulst.draws import uniform
from simulst.protocols import Proposal
from simulst.translate import drafts
from simulst.translate.drafts import Drafts, batches, choose


def test_numbers_pick_by_cumulated_mass() -> None:
    """Each row's number picks from its own distribution; temperature 0 takes the most likely."""
    mass = torch.tensor([0.2, 0.0, 0.5, 0.3])
    wanted = [Proposal(("a",), key=(i,)) for i in range(200)]
    wanted.append(Proposal(("a",), temperature=0.0))
    chosen = choose(mass.log().expand(201, -1), wanted, [3] * 201).tolist()
    for i, token in enumerate(chosen[:200]):
        u = uniform(i, 3)
        assert token == (0 if u < 0.2 else 2 if u < 0.7 else 3)
    assert set(chosen[:200]) == {0, 2, 3}
    assert chosen[200] == 2


def test_drafts_end_by_themselves_or_at_their_greatest_length() -> None:
    """What is finished is not drawn for; log q is that of the warmed distribution."""
    wanted = [
        Proposal(("a",), temperature=0.0),
        Proposal(("a",), prefix=(1, 2), temperature=0.0),
        Proposal(("a",), prefix=(1, 0)),
        Proposal(("a",), temperature=2.0),
    ]
    work = Drafts(wanted, [1, 3, 9, 2], eos=0)
    assert work.live == [0, 1, 3]
    logits = torch.tensor([[0.0, 0.0, 5.0], [5.0, 0.0, 0.0], [-1e9, 2.0, 0.0]])
    work.take(logits, [0, 1, 3])
    assert work.live == [3]
    samples = work.samples()
    assert [s.tokens for s in samples[:3]] == [(2,), (1, 2, 0), (1, 0)]
    assert [s.finished for s in samples[:3]] == [False, True, True]
    assert samples[2].log_q == ()
    [log_q] = samples[3].log_q
    scaled = [2 / 2, 0 / 2]
    total = math.log(sum(map(math.exp, scaled)))
    assert math.isclose(log_q, scaled[samples[3].tokens[0] - 1] - total, abs_tol=1e-6)


def test_batches_hold_what_fits() -> None:
    """All rows in order, none more than memory allows; a row too large stands alone."""
    assert list(batches([], 10)) == []
    assert list(batches([1] * 600, 10)) == [slice(0, 256), slice(256, 512), slice(512, 600)]
    size = drafts.CELLS // 10
    assert list(batches([4, 6, 99, 5, 5], size)) == [
        slice(0, 1),
        slice(1, 2),
        slice(2, 3),
        slice(3, 5),
    ]
