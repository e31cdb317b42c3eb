"""Beam search: the best of everything when it is wide, greedy when it is not."""

from __future__ import annotations

import math

import pytest

from simulst.protocols import Proposal
from simulst.rsft.beam import beam_search
from tests.fakes import ToySeq2Seq

SOURCES = [("a",), ("b", "c"), ("d", "e", "f")]


@pytest.mark.parametrize("name", ["one", "two", "three"])
def test_a_wide_beam_finds_the_best(name: str) -> None:
    """Among all sentences that end by themselves, the one with the highest mean is found."""
    model = ToySeq2Seq(name)
    found = beam_search(model, SOURCES, model.eos, width=9, ratio=0, extra=3)
    for source, tokens in zip(SOURCES, found, strict=True):
        ended = {
            t: math.log(p) / len(t) for t, p in model.every(source).items() if t[-1] == model.eos
        }
        assert tokens[-1] == model.eos
        assert ended[tokens] == pytest.approx(max(ended.values()))


def test_a_beam_of_one_is_greedy() -> None:
    """With one hypothesis it takes the most likely token at every place."""
    model = ToySeq2Seq("one")
    greedy = model.sample([Proposal(source, 0, 0.0, ("x",)) for source in SOURCES])
    found = beam_search(model, SOURCES, model.eos, width=1, ratio=0, extra=4)
    for sample, tokens in zip(greedy, found, strict=True):
        assert tokens[: len(sample.tokens)] == sample.tokens


def test_it_ends_where_it_must() -> None:
    """At the greatest length the end of sentence is put, whatever the model would rather do."""
    model = ToySeq2Seq("one")
    for tokens in beam_search(model, SOURCES, model.eos, width=2, ratio=0, extra=2):
        assert len(tokens) <= 2
        assert tokens[-1] == model.eos
