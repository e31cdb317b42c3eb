"""Whole sentences: drawn as the live policy would write, scored as they were drawn, learnt from."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst import config, packs
from simulst.accept import rules
from simulst.corpus import Pair
from simulst.errors import ModelError
from simulst.protocols import Lesson, Proposal, TrainableSeq2Seq
from simulst.train.parallel import collate, encode
from simulst.translate.policy import Policy
from simulst.translate.sentences import WaitkSeq2Seq
from simulst.translate.storage import load_translator
from tests.fakes import SENTENCES, translator

SOURCES = [tuple(text.split()) for text in SENTENCES[::2]]
LIMITS = config.Translate(max_ratio=0.5, max_extra=3)  # random weights seldom end by themselves
WORDS = [word for sentence in SENTENCES for word in sentence.split()]
sources_of = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(tuple)


@pytest.fixture(autouse=True)
def short_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights seldom end a word by themselves either."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 3)


def model(bidirectional: bool = False) -> WaitkSeq2Seq:
    """The random translator, for whole sentences."""
    return WaitkSeq2Seq(translator(bidirectional=bidirectional), LIMITS)


def test_it_is_one() -> None:
    """It offers what the protocol names, and text survives the way there and back."""
    policy = model()
    assert isinstance(policy, TrainableSeq2Seq)
    for sentence in SENTENCES:
        assert policy.text(policy.tokens(sentence)) == sentence


@settings(max_examples=12, deadline=None)
@given(st.lists(sources_of, min_size=1, max_size=4), st.integers(1, 6))
def test_greedy_is_what_the_live_policy_writes(sources: list[tuple[str, ...]], k: int) -> None:
    """At temperature 0 and lag k the sample is the output of wait-k, word by word."""
    accept = config.Accept(rule="wait-k", k_min=k, k_max=k)
    live = Policy(translator(), rules.build(accept), accept, LIMITS)
    samples = model().sample([Proposal(source, k, 0.0) for source in sources])
    for source, sample in zip(sources, samples, strict=True):
        state = live.open()
        for i, word in enumerate(source):
            [(state, _)] = live.step([state], [word], [i == len(source) - 1])
        tokens = sample.tokens[:-1] if sample.finished else sample.tokens
        if tokens != state.prefix.tokens:
            assert _tied(source, tokens, state.prefix.tokens, k)


def _tied(source: tuple[str, ...], one: tuple[int, ...], other: tuple[int, ...], k: int) -> bool:
    """Where two texts part ways, both tokens are as likely, to rounding: random weights tie."""
    at = next(i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    [a], [b] = (model().score([source], [text[: at + 1]], [k]) for text in (one, other))
    return a[-1] == pytest.approx(b[-1], abs=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_drawn_as_scored(bidirectional: bool) -> None:
    """At temperature 1 log q of a sample is its score; `following` has the same numbers."""
    policy = model(bidirectional)
    lags = [0] if bidirectional else [0, 1, 3]
    proposals = [
        Proposal(source, lag, 1.0, ("x", i)) for source in SOURCES for lag in lags for i in range(3)
    ]
    samples = policy.sample(proposals)
    assert len({sample.tokens for sample in samples}) > len(samples) // 2
    scores = policy.score(
        [p.source for p in proposals], [s.tokens for s in samples], [p.lag for p in proposals]
    )
    for sample, score in zip(samples, scores, strict=True):
        assert score == pytest.approx(sample.log_q, abs=1e-4)
    cut = [len(sample.tokens) // 2 for sample in samples]
    rows = policy.following(
        [
            Proposal(p.source, p.lag, 1.0, prefix=s.tokens[:n])
            for p, s, n in zip(proposals, samples, cut, strict=True)
        ]
    )
    assert rows.sum(axis=1) == pytest.approx(np.ones(len(rows)))
    for row, sample, n in zip(rows, samples, cut, strict=True):
        assert np.log(row[sample.tokens[n]]) == pytest.approx(sample.log_q[n], abs=1e-4)


def test_a_sample_depends_on_its_proposal_alone() -> None:
    """Alone, among others, or gone on with from any prefix, a proposal gives the same tokens."""
    policy = model()
    proposals = [
        Proposal(source, lag, t, ("y", i))
        for i, source in enumerate(SOURCES)
        for lag, t in ((2, 0.7), (0, 1.3))
    ]
    together = policy.sample(proposals)
    for proposal, sample in zip(proposals, together, strict=True):
        [alone] = policy.sample([proposal])
        assert alone.tokens == sample.tokens
        assert alone.log_q == pytest.approx(sample.log_q, abs=1e-4)
        for n in (0, 1, len(sample.tokens) // 2, len(sample.tokens)):
            known = Proposal(*_fields(proposal), prefix=sample.tokens[:n])
            [rest] = policy.sample([known])
            assert rest.tokens == sample.tokens
            assert rest.log_q == pytest.approx(sample.log_q[n:], abs=1e-4)


def _fields(proposal: Proposal) -> tuple[tuple[str, ...], int, float, tuple[int | str, ...]]:
    return proposal.source, proposal.lag, proposal.temperature, proposal.key


def test_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """More proposals than fit side by side are drawn in parts, with the same outcome."""
    policy = model()
    proposals = [Proposal(SOURCES[i % 3], 1 + i % 2, 1.0, ("z", i)) for i in range(10)]
    whole = policy.sample(proposals)
    monkeypatch.setattr("simulst.translate.sentences.ROWS", 4)
    assert [s.tokens for s in policy.sample(proposals)] == [s.tokens for s in whole]
    assert policy.sample([]) == [] and policy.score([], [], []) == []


def test_temperature_zero_and_heat() -> None:
    """Cold samples agree with the most likely one; hot ones differ; none passes the limit."""
    policy = WaitkSeq2Seq(translator(), config.Translate(max_ratio=0.1, max_extra=2))
    greedy, cold, hot = policy.sample(
        [Proposal(SOURCES[0], 2, t, ("t",)) for t in (0.0, 1e-3, 5.0)]
    )
    assert greedy.tokens == cold.tokens != hot.tokens
    assert len(policy.text(hot.tokens).split()) <= 2


def test_the_loss_is_the_cross_entropy_of_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """With equal weights it is what training a translator minimises; weights choose tokens."""
    policy = model()
    pair = Pair(SENTENCES[0], SENTENCES[1])
    monkeypatch.undo()
    example = encode(pair, policy.vocabulary, 200)
    assert example is not None
    batch = collate([example], [2], policy.vocabulary)
    logits = policy.model(batch.source, batch.inputs, batch.visible, batch.keep)
    expected = F.cross_entropy(logits, batch.labels[batch.keep])
    tokens = policy.tokens(pair.target)
    source = tuple(pair.source.split())
    found = policy.loss([Lesson(source, tokens, (1.0,) * len(tokens), 2)])
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    first = policy.loss([Lesson(source, tokens, (1.0, *[0.0] * (len(tokens) - 1)), 2)])
    alone = F.cross_entropy(logits[:1], batch.labels[batch.keep][:1])
    assert float(first.detach()) == pytest.approx(float(alone.detach()), abs=1e-4)


def test_smoothed_labels() -> None:
    """Weighted, with a share for all subwords alike."""
    policy = model()
    tokens = policy.tokens(SENTENCES[1])
    weights = tuple(float(i % 3) for i in range(len(tokens)))
    lessons = [Lesson(SOURCES[0], tokens, weights, 2)]
    logs = torch.log_softmax(policy.logits(lessons), -1).detach().numpy()
    each = [-(0.8 * row[t] + 0.2 * row.mean()) for row, t in zip(logs, tokens, strict=True)]
    expected = sum(w * loss for w, loss in zip(weights, each, strict=True)) / sum(weights)
    found = float(policy.loss(lessons, smoothing=0.2).detach())
    assert found == pytest.approx(expected, rel=1e-4)
    assert found > float(policy.loss(lessons).detach())


def test_learning_and_the_anchor() -> None:
    """A step raises the probability of a lesson; the pull to the anchor holds the model back."""
    moved = []
    for pull in (0.0, 50.0):
        anchor, policy = model(), WaitkSeq2Seq(copy.deepcopy(translator()), LIMITS)
        tokens = policy.tokens(SENTENCES[1])
        lesson = Lesson(SOURCES[0], tokens, (1.0,) * len(tokens), 2)
        optimiser = torch.optim.SGD(policy.parameters(), lr=0.02)
        before = sum(policy.score([lesson.source], [tokens], [2])[0])
        for _ in range(3):
            optimiser.zero_grad()
            policy.loss([lesson], anchor, pull).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        moved.append(sum(policy.score([lesson.source], [tokens], [2])[0]) - before)
    assert moved[0] > max(moved[1], 0.0)


def test_a_teacher_needs_the_whole_source() -> None:
    """A bidirectional model under a lag is refused with the reason."""
    with pytest.raises(ModelError, match="asked to work under wait-3: it needs the whole source"):
        model(bidirectional=True).sample([Proposal(SOURCES[0], 3)])


def test_it_is_saved_as_a_pack(tmp_path: Path) -> None:
    """What was learnt opens again as a translator, with what is said of it."""
    policy = model()
    policy.save(tmp_path / "mine", {"parent": "en-de"})
    pack = packs.open_pack(tmp_path / "mine", "translator")
    assert pack.fields["parent"] == "en-de"
    again = WaitkSeq2Seq(load_translator(pack), LIMITS)
    [a] = policy.sample([Proposal(SOURCES[0], 2, 0.0)])
    [b] = again.sample([Proposal(SOURCES[0], 2, 0.0)])
    assert a.tokens == b.tokens


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_what_the_cpu_gives() -> None:
    """Scores, samples and losses on a CUDA device are those on the CPU, to float32's precision."""
    here = model()
    there = WaitkSeq2Seq(copy.deepcopy(translator()), LIMITS, "cuda")
    proposals = [Proposal(source, lag, 0.0) for source in SOURCES for lag in (0, 2)]
    samples = here.sample(proposals)
    targets, lags = [s.tokens for s in samples], [p.lag for p in proposals]
    sources = [p.source for p in proposals]
    for ours, theirs in zip(
        here.score(sources, targets, lags), there.score(sources, targets, lags), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert [len(s.tokens) for s in there.sample(proposals)] == [len(t) for t in targets]
    lessons = [
        Lesson(source, target, (1.0,) * len(target), lag)
        for source, target, lag in zip(sources, targets, lags, strict=True)
    ]
    assert abs(float(here.loss(lessons)) - float(there.loss(lessons))) < 1e-3
    np.testing.assert_allclose(here.following(proposals), there.following(proposals), atol=1e-3)
