"""Cached decoding equals decoding from scratch, alone and in a batch."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.corpus import Pair
from simulst.draws import uniform
from simulst.protocols import Prefix, Request
from simulst.train.parallel import collate, encode
from simulst.translate.decoding import WaitkTranslator
from simulst.types import Draft
from tests.fakes import SENTENCES, translator, vocabulary

WORDS = [word for sentence in SENTENCES for word in sentence.split()]
requests_of = st.lists(st.sampled_from(WORDS), min_size=2, max_size=9)


def grow(
    model: WaitkTranslator, words: list[str], plan: list[int], withheld: int, seed: int
) -> list[tuple[Request, Draft]]:
    """Read and write as the plan says, with the cache handed on; return every request made."""
    prefix = Prefix()
    cache: object = None
    made = []
    for i, count in enumerate(plan):
        source = tuple(words[: i + 1 + withheld])
        if len(source) <= withheld or count == 0:
            continue
        request = Request(source, False, prefix, withheld, cache)
        [(draft, cache)] = model.draft([request], [count], [lambda t: uniform(seed, t)])
        made.append((request, draft))
        kept = len(draft.units) - (i % 2)  # now and then the last unit is rejected
        tokens = sum(draft.lengths[:kept])
        prefix = Prefix(
            prefix.tokens + draft.tokens[:tokens],
            prefix.lengths + draft.lengths[:kept],
            prefix.seen + (len(source),) * kept,
        )
    return made


@settings(max_examples=25, deadline=None)
@given(
    requests_of,
    st.lists(st.integers(0, 2), min_size=2, max_size=7),
    st.integers(0, 1),
    st.booleans(),
)
def test_cached_equals_fresh(
    words: list[str], plan: list[int], withheld: int, bidirectional: bool
) -> None:
    """With a cache that grew over many steps, log-probabilities equal those without, to 1e-4."""
    model = translator(bidirectional=bidirectional)
    for request, draft in grow(model, words, plan, withheld, seed=len(words)):
        bare = dataclasses.replace(request, cache=None)
        [(again, _)] = model.draft([bare], [len(draft.units)], [lambda t: uniform(len(words), t)])
        assert again.tokens == draft.tokens
        assert again.log_q == pytest.approx(draft.log_q, abs=1e-4)
        [(cached, _)] = model.score([request], [draft])
        [(fresh, _)] = model.score([bare], [draft])
        assert cached.log_p == pytest.approx(fresh.log_p, abs=1e-4)
        assert fresh.log_p == pytest.approx(draft.log_q, abs=1e-4)
        assert cached.entropy == pytest.approx(draft.entropy, abs=1e-3)


def test_cached_equals_the_training_pass() -> None:
    """Scores of the incremental decoder are those of the teacher-forced pass used in training."""
    model, pieces = translator(), vocabulary()
    source = pieces.encode_words(SENTENCES[0].split())
    units = pieces.encode_units(SENTENCES[1])
    read = [min(2 + j, len(source) + 1) for j in range(len(units))]
    read = [n if n < len(source) else len(source) + 1 for n in read]
    tokens = [t for word in source for t in word] + [pieces.eos]
    ends = torch.tensor([len(w) for w in source] + [1]).cumsum(0).tolist()
    target = [t for unit in units for t in unit]
    sights = [ends[n - 1] for n, unit in zip(read, units, strict=True) for _ in unit]
    keep = torch.ones(1, len(target), dtype=torch.bool)
    with torch.no_grad():
        logits = model.model(
            torch.tensor([tokens]),
            torch.tensor([[pieces.bos, *target[:-1]]]),
            torch.tensor([sights]),
            keep,
        )
    prefix, cache, done = Prefix(), None, 0
    words = tuple(SENTENCES[0].split())
    for unit, n in zip(units, read, strict=True):
        closed = n > len(words)
        request = Request(words[:n], closed, prefix, 0, cache)
        draft = Draft(unit, (len(unit),), (pieces.text(unit),), (0.0,) * len(unit), ())
        [(score, cache)] = model.score([request], [draft])
        for j, token in enumerate(unit):
            row = logits[done + j].clone()
            row[pieces.never] = -torch.inf
            if j or not closed:
                row[pieces.eos] = -torch.inf
            if j == 0:
                row[pieces.never_first] = -torch.inf
            expected = float(torch.log_softmax(row, dim=0)[token])
            assert score.log_p[j] == pytest.approx(expected, abs=1e-4)
        done += len(unit)
        prefix = Prefix(prefix.tokens + unit, (*prefix.lengths, len(unit)), (*prefix.seen, n))


def test_a_teacher_looks_both_ways() -> None:
    """Its padded training pass scores a sentence as alone, and words to come matter."""
    model, pieces = translator(bidirectional=True), vocabulary()
    rows = [
        e
        for p in zip(SENTENCES[::2], SENTENCES[1::2], strict=True)
        if (e := encode(Pair(*p), pieces, 200))
    ]
    batch = collate(rows, [99] * len(rows), pieces)
    with torch.no_grad():
        logits = model.model(batch.source, batch.inputs, batch.visible, batch.keep)
        chosen = torch.log_softmax(logits, dim=-1).gather(1, batch.labels[batch.keep][:, None])
        states = [
            model.model.encode(batch.source[:1, :n], torch.zeros(1).long())[0] for n in (4, 5)
        ]
    together = torch.split(chosen.squeeze(1), [len(row.target) for row in rows])
    for row, expected in zip(rows, together, strict=True):
        alone = collate([row], [99], pieces)
        with torch.no_grad():
            logits = model.model(alone.source, alone.inputs, alone.visible, alone.keep)
        found = torch.log_softmax(logits, dim=-1).gather(1, alone.labels[alone.keep][:, None])
        assert found.squeeze(1).tolist() == pytest.approx(expected.tolist(), abs=1e-4)
    assert not torch.allclose(states[0], states[1][:, :4], atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.lists(requests_of, min_size=2, max_size=5), st.booleans(), st.booleans())
def test_batch_equals_alone(sources: list[list[str]], closed: bool, bidirectional: bool) -> None:
    """A row's draft does not depend on the rows beside it."""
    model = translator(bidirectional=bidirectional)
    requests = [Request(tuple(words), closed, Prefix()) for words in sources]
    limits = [1 + len(words) % 4 for words in sources]
    together = model.draft(requests, limits, [None] * len(requests))
    for request, limit, (draft, _) in zip(requests, limits, together, strict=True):
        [(alone, _)] = model.draft([request], [limit], [None])
        assert alone.tokens == draft.tokens
        assert alone.log_q == pytest.approx(draft.log_q, abs=1e-4)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_source_ahead_is_not_seen(bidirectional: bool) -> None:
    """A draft with words withheld equals the draft made before those words were read."""
    model = translator(bidirectional=bidirectional)
    words = tuple(SENTENCES[0].split())
    [(early, _)] = model.draft([Request(words[:4], False, Prefix())], [3], [None])
    [(late, _)] = model.draft([Request(words[:7], False, Prefix(), 3)], [3], [None])
    assert late.tokens == early.tokens
    assert late.log_q == pytest.approx(early.log_q, abs=1e-4)


def test_open_sentences_never_end() -> None:
    """While the source is open a draft fills its limit and ends no sentence."""
    model = translator()
    request = Request(tuple(SENTENCES[0].split()[:3]), False, Prefix())
    [(draft, _)] = model.draft([request], [12], [None])
    assert len(draft.units) == 12
    assert not draft.finished
    assert all(unit.strip() for unit in draft.units)


def test_a_foreign_cache_is_harmless() -> None:
    """A cache of another sentence costs time and changes nothing."""
    model = translator()
    ours = Request(tuple(SENTENCES[0].split()[:5]), False, Prefix())
    other = Request(tuple(SENTENCES[2].split()[:4]), False, Prefix())
    [(_, foreign)] = model.draft([other], [3], [None])
    [(clean, _)] = model.draft([ours], [4], [None])
    [(mixed, _)] = model.draft([dataclasses.replace(ours, cache=foreign)], [4], [None])
    assert mixed == clean


def test_draws_follow_the_distribution() -> None:
    """Drafts drawn with evenly spread numbers have the frequencies that log_q states."""
    model = translator()
    request = Request(tuple(SENTENCES[0].split()[:3]), False, Prefix())
    n = 400
    first: dict[int, tuple[int, float]] = {}
    for i in range(n):
        [(draft, _)] = model.draft([request], [1], [lambda t, i=i: (i + 0.5) / n])  # type: ignore[misc]
        count, _ = first.get(draft.tokens[0], (0, 0.0))
        first[draft.tokens[0]] = (count + 1, draft.log_q[0])
    for count, log_q in first.values():
        assert count / n == pytest.approx(torch.tensor(log_q).exp().item(), abs=2 / n)


def test_characters() -> None:
    """A translator into a script without spaces writes characters, with nothing between them."""
    model = translator(1, "character")
    [(draft, _)] = model.draft([Request(("good", "friend"), False, Prefix())], [5], [None])
    assert model.space == ""
    assert len(draft.units) == 5
