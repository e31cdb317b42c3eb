"""Drawing: what is drawn for a source depends on its number and the settings alone."""

from __future__ import annotations

import json
import math
from collections import Counter

import pytest

from simulst.errors import ConfigError, DataError
from simulst.rsft.drawing import CHUNK, Drawing, chunks, draw, proposals, samples_of
from simulst.rsft.talks import Sentence
from tests.fakes import ToySeq2Seq

POLICY = ToySeq2Seq("policy")
SENTENCES = [Sentence("talk", f"a b {i}", "1 2") for i in range(CHUNK + 5)]
DRAWING = Drawing(drafts=6, lags=(1, 3), temperatures=(0.5, 1.0, 2.0), seed=3)


def test_proposals_are_spread() -> None:
    """Every lag and temperature comes as often as any other, and each draft has its own key."""
    found = [p for i in range(50) for p in proposals("a b", i, DRAWING)]
    assert Counter(p.lag for p in found) == {1: 150, 3: 150}
    assert Counter(p.temperature for p in found) == {0.5: 100, 1.0: 100, 2.0: 100}
    assert len({p.key for p in found}) == len(found)
    first = {proposals("a b", i, DRAWING)[0].lag for i in range(50)}
    assert first == {1, 3}, "which lag comes first must change from source to source"


def test_records_give_the_samples_back() -> None:
    """Through JSON and back, proposals and samples are what they were."""
    [record] = draw(POLICY, 7, SENTENCES[:1], DRAWING)
    wanted, samples = samples_of(json.loads(json.dumps(record)), DRAWING.seed)
    assert wanted == proposals(SENTENCES[0].source, 7, DRAWING)
    drawn = POLICY.sample(wanted)
    assert [s.tokens for s in samples] == [s.tokens for s in drawn]
    for sample, expected in zip(samples, drawn, strict=True):
        assert sample.log_q == pytest.approx(expected.log_q, abs=1e-6)


@pytest.mark.parametrize("skip", [0, 1, CHUNK - 1, CHUNK, CHUNK + 3])
def test_chunks_keep_their_boundaries(skip: int) -> None:
    """A resumed run computes the same chunks, so that its numbers are the same."""
    whole = list(chunks(iter(SENTENCES), 0))
    assert [first for first, _ in whole] == [0, CHUNK]
    assert sum(len(chunk) for _, chunk in whole) == len(SENTENCES)
    assert list(chunks(iter(SENTENCES), skip)) == whole[skip // CHUNK :]


def test_bad_settings() -> None:
    """No draft, no lag and a temperature that is no distribution are refused."""
    with pytest.raises(ConfigError, match="0 drafts"):
        Drawing(drafts=0)
    with pytest.raises(ConfigError, match="lags"):
        Drawing(lags=())
    for cold in (0.0, 0.001):
        with pytest.raises(ConfigError, match="give probability 0 to all but one token"):
            Drawing(temperatures=(1.0, cold))


@pytest.mark.parametrize("log_q", [[-1.0], [-1.0, -math.inf], [-1.0, math.nan], [0.5, -1.0]])
def test_drafts_that_cannot_have_been_drawn(log_q: list[float]) -> None:
    """A draft needs a probability above 0 for each token; else the message names it."""
    [record] = draw(POLICY, 7, SENTENCES[:1], DRAWING)
    record["drafts"][2] |= {"tokens": [1, 0], "log_q": log_q}
    with pytest.raises(DataError, match=r"draft 2 of sentence 7 \(talk\) has not a probability"):
        samples_of(record, DRAWING.seed)
