"""Beam search: the best of everything when it is wide, greedy when it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from simulst.config import Translate
from simulst.protocols import Proposal, Seq2Seq, Stepwise
from simulst.rsft.beam import beam_search
from simulst.rsft.ensemble import together
from simulst.translate.sentences import WaitkSeq2Seq
from tests.fakes import SENTENCES, ToySeq2Seq, translator

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


@pytest.mark.parametrize("seeds", [(1,), (1, 2)], ids=["one model", "the mean of two"])
@pytest.mark.parametrize("width", [1, 4])
def test_what_is_kept_changes_nothing(
    seeds: tuple[int, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys and values that are forked lead where asking about whole prefixes does."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 3)
    monkeypatch.setattr("simulst.rsft.beam.ROWS", 3 * width)  # more than one batch
    models: list[Seq2Seq] = [WaitkSeq2Seq(translator(seed)) for seed in seeds]
    steered = together(models)
    assert isinstance(steered, Stepwise)
    sources = [tuple(text.split()[:n]) for text in SENTENCES[::2] for n in (2, 5)]
    calls = []

    class Asked:
        """The same model, with nothing but `following`."""

        def following(self, proposals: Sequence[Proposal]) -> NDArray[np.float64]:
            calls.append(len(proposals))
            return steered.following(proposals)

    slow = beam_search(Asked(), sources, steered.eos, width=width, ratio=2)  # type: ignore[arg-type]
    count = len(calls)
    assert beam_search(steered, sources, steered.eos, width=width, ratio=2) == slow
    assert len(calls) == count > 0
    assert len(set(slow)) > 1


def test_a_sentence_that_the_model_cuts_off_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the model's own greatest length comes first, the end of sentence follows."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 1)
    limits = Translate(max_ratio=0.1, max_extra=2)
    model = WaitkSeq2Seq(translator(), limits)
    for tokens in beam_search(model, SOURCES, model.eos, width=3):
        assert tokens[-1] == model.eos
        assert len(tokens) <= 3
