"""Models of transformers: drawn as they generate, scored as they were drawn, learnt from."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from simulst import config
from simulst.draws import uniform
from simulst.errors import ModelError
from simulst.protocols import Lesson, Proposal, TrainableSeq2Seq
from simulst.translate.checkpoints import load_model, read_facts
from simulst.translate.huggingface import HuggingFaceSeq2Seq
from simulst.translate.schedule import seen
from tests.fakes import SENTENCES
from tests.translate import tiny

LIMITS = config.Translate(max_ratio=0.2, max_extra=4)  # random weights seldom end by themselves
SOURCES = [tuple(text.split()) for text in SENTENCES[::2]]
SOURCES += [("A", "friend"), ("money",)]
KINDS: dict[str, tuple[Callable[[Path], Path], tuple[str, str] | None]] = {
    "marian": (tiny.marian, None),
    "m2m100": (tiny.m2m100, ("en", "de")),
    "bart": (tiny.bart, None),
    "t5": (tiny.t5, ("en", "de")),
}


@pytest.fixture(scope="module", params=KINDS)
def policy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> HuggingFaceSeq2Seq:
    """A model of each kind."""
    make, languages = KINDS[request.param]
    folder = make(tmp_path_factory.mktemp("hub") / request.param)
    return HuggingFaceSeq2Seq(*load_model(folder, languages), LIMITS)


def proposals(lag: int = 0, temperature: float = 1.0) -> list[Proposal]:
    """Three drafts of every source."""
    return [
        Proposal(source, lag, temperature, ("seed", i, n))
        for i, source in enumerate(SOURCES)
        for n in range(3)
    ]


def test_it_is_one(policy: HuggingFaceSeq2Seq) -> None:
    """It offers what the protocol names, and text survives the way there and back."""
    assert isinstance(policy, TrainableSeq2Seq)
    for sentence in SENTENCES:
        tokens = policy.tokens(sentence)
        assert tokens[-1] == policy.eos
        assert policy.eos not in tokens[:-1]
        assert policy.text(tokens) == sentence


def test_greedy_is_what_the_model_generates(policy: HuggingFaceSeq2Seq) -> None:
    """At temperature 0 the sample is that of transformers' own `generate`, start tokens and all."""
    [mass] = policy.following([Proposal(SOURCES[0])])
    barred = np.flatnonzero(mass == 0).tolist()
    for source in SOURCES:
        [sample] = policy.sample([Proposal(source, 0, 0.0)])
        ids = torch.tensor([policy.subwords.source(source)])
        forced = policy.subwords.forced
        written = policy.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            num_beams=1,
            do_sample=False,
            forced_bos_token_id=forced[0] if forced else None,
            forced_eos_token_id=None,
            suppress_tokens=barred,
            max_new_tokens=len(sample.tokens) + len(forced),
        )
        start = 1 + len(forced)
        assert tuple(written[0, start:].tolist()) == sample.tokens


@pytest.mark.parametrize("lag", [0, 2])
def test_what_was_drawn_is_scored_alike(policy: HuggingFaceSeq2Seq, lag: int) -> None:
    """At temperature 1 log q of a draft is its score under the same lag."""
    wanted = proposals(lag)
    samples = policy.sample(wanted)
    assert len({sample.tokens for sample in samples}) > len(SOURCES)
    scores = policy.score(
        [p.source for p in wanted], [s.tokens for s in samples], [lag] * len(wanted)
    )
    for sample, score in zip(samples, scores, strict=True):
        assert score == pytest.approx(sample.log_q, abs=1e-4)


@pytest.mark.parametrize("lag", [0, 2])
def test_neighbours_do_not_matter(policy: HuggingFaceSeq2Seq, lag: int) -> None:
    """A draft alone is the draft among others of other lengths and with other prefixes."""
    wanted = proposals(lag, 0.7)
    given = policy.sample(wanted)
    wanted += [
        replace(p, prefix=s.tokens[: 1 + n % 4])
        for n, (p, s) in enumerate(zip(wanted, given, strict=True))
    ]
    together = policy.sample(wanted)
    for proposal, sample in list(zip(wanted, together, strict=True))[::7]:
        [alone] = policy.sample([proposal])
        assert alone.tokens == sample.tokens
        assert alone.log_q == pytest.approx(sample.log_q, abs=1e-4)
    for whole, gone_on in zip(given, together[len(given) :], strict=True):
        assert gone_on.tokens == whole.tokens  # the same random numbers at the same positions
    scores = policy.score(
        [p.source for p in wanted], [s.tokens for s in together], [lag] * len(wanted)
    )
    for proposal, sample, score in list(zip(wanted, together, scores, strict=True))[::7]:
        [alone_score] = policy.score([proposal.source], [sample.tokens], [lag])
        assert alone_score == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("lag", [0, 3])
def test_tokens_come_from_the_keyed_numbers(policy: HuggingFaceSeq2Seq, lag: int) -> None:
    """Every token is the one that its number picks from `following`, with the log q of it."""
    [wanted] = [Proposal(SOURCES[0], lag, 0.6, ("one", 7))]
    [sample] = policy.sample([wanted])
    beginnings = [replace(wanted, prefix=sample.tokens[:t]) for t in range(len(sample.tokens))]
    mass = policy.following(beginnings)
    assert mass.sum(axis=1) == pytest.approx(1)
    for t, (token, log_q) in enumerate(zip(sample.tokens, sample.log_q, strict=True)):
        picked = np.searchsorted(mass[t].cumsum(), uniform("one", 7, t), side="right")
        assert int(picked) == token
        assert np.log(mass[t, token]) == pytest.approx(log_q, abs=1e-4)


def test_some_tokens_are_never_written(policy: HuggingFaceSeq2Seq) -> None:
    """Padding and rows beyond the subwords have no mass, nor the end while the source is open."""
    [closed, still_open] = policy.following([Proposal(SOURCES[0]), Proposal(SOURCES[0], 2)])
    pad = policy.model.config.pad_token_id
    strangers = [i for i in range(len(closed)) if i not in policy.subwords.names]
    assert closed[[pad, *strangers]].max() == 0
    assert closed[policy.eos] > 0
    assert still_open[policy.eos] == 0
    assert policy.following([]).shape == (0, len(closed))


def test_a_lag_is_the_model_on_the_beginning_of_the_source(policy: HuggingFaceSeq2Seq) -> None:
    """Under lag k a token has the probability that it has after the words it may see, unended."""
    source, target = SOURCES[0], policy.tokens(SENTENCES[1])
    shown = seen(len(source), target, 2, policy.subwords.begins)
    assert shown[0] == 2
    assert len(set(shown)) > 4
    [score] = policy.score([source], [target], [2])
    for t, token in enumerate(target):
        [mass] = policy.following([Proposal(source[: shown[t]], prefix=target[:t])])
        if shown[t] < len(source):
            mass[policy.eos] = 0
            mass /= mass.sum()
        if mass[token]:
            assert score[t] == pytest.approx(np.log(mass[token]), abs=1e-4)
        else:
            assert score[t] < -1e6
    [long] = policy.score([source], [target], [len(source)])
    [whole] = policy.score([source], [target], [0])
    assert long == pytest.approx(whole, abs=1e-4)


def test_equal_sources_are_encoded_once(policy: HuggingFaceSeq2Seq) -> None:
    """Twelve drafts of two sources cost the encoder two rows."""
    rows: list[int] = []
    encoder = policy.model.get_encoder()
    hook = encoder.register_forward_pre_hook(
        lambda module, args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    policy.sample([Proposal(SOURCES[i % 2], key=(i,)) for i in range(12)])
    policy.score([SOURCES[0]] * 5, [policy.tokens("Das alte Haus")] * 5, [0] * 5)
    hook.remove()
    assert rows == [2, 1]


@pytest.mark.parametrize("lag", [0, 2])
def test_the_loss_weighs_tokens(policy: HuggingFaceSeq2Seq, lag: int) -> None:
    """It is the weighted mean of -log p, and a token without weight does not count."""
    targets = [policy.tokens(SENTENCES[1])[:-1], policy.tokens("Ein Freund")[:-1]]
    logs = [
        torch.log_softmax(policy.logits([Lesson(SOURCES[i], t, (1.0,) * len(t), lag)]), -1)
        for i, t in enumerate(targets)
    ]
    weights = [tuple(float(i % 3) for i in range(len(t))) for t in targets]
    total = sum(
        weight * -float(rows[i, token].detach())
        for rows, target, row in zip(logs, targets, weights, strict=True)
        for i, (token, weight) in enumerate(zip(target, row, strict=True))
    )
    lessons = [Lesson(SOURCES[i], targets[i], weights[i], lag) for i in range(2)]
    mean = total / sum(map(sum, weights))
    assert float(policy.loss(lessons).detach()) == pytest.approx(mean, abs=1e-4)
    flat = sum(
        weight * -float(rows[i].mean().detach())
        for rows, row in zip(logs, weights, strict=True)
        for i, weight in enumerate(row)
    ) / sum(map(sum, weights))
    smooth = float(policy.loss(lessons, smoothing=0.25).detach())
    assert smooth == pytest.approx(0.75 * mean + 0.25 * flat, abs=1e-4)


def test_learning_and_the_pull(policy: HuggingFaceSeq2Seq, tmp_path: Path) -> None:
    """Steps on the loss make a target likelier; the pull is 0 at the start and holds back after."""
    model = HuggingFaceSeq2Seq(copy.deepcopy(policy.model), policy.subwords, LIMITS)
    target = model.tokens(SENTENCES[1])
    lesson = Lesson(SOURCES[0], target, (1.0,) * len(target))
    alone = float(model.loss([lesson]).detach())
    assert float(model.loss([lesson], policy, 0.5).detach()) == pytest.approx(alone, abs=1e-4)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    [before] = model.score([SOURCES[0]], [target], [0])
    for _ in range(5):
        optimiser.zero_grad()
        torch.autograd.backward(model.loss([lesson]))
        optimiser.step()
    [after] = model.score([SOURCES[0]], [target], [0])
    assert sum(after) > sum(before) + 1
    moved = float(model.loss([lesson]).detach())
    assert float(model.loss([lesson], policy, 0.5).detach()) > moved + 1e-3

    model.save(tmp_path / "learnt", {"training": "five steps"})
    again = HuggingFaceSeq2Seq(*load_model(tmp_path / "learnt"), LIMITS)
    assert again.score([SOURCES[0]], [target], [0])[0] == pytest.approx(after, abs=1e-5)
    assert (again.source_language, again.target_language) == (
        policy.source_language,
        policy.target_language,
    )
    assert again.vocabulary_id == policy.vocabulary_id
    assert read_facts(tmp_path / "learnt")["training"] == "five steps"


def test_many_batches_are_one(policy: HuggingFaceSeq2Seq, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little memory a pass may take, the outcome is the same."""
    wanted = [*proposals(0), *proposals(2)]
    samples = policy.sample(wanted)
    following = policy.following(wanted)
    monkeypatch.setattr("simulst.translate.drafts.CELLS", 20 * following.shape[1])
    assert [s.tokens for s in policy.sample(wanted)] == [s.tokens for s in samples]
    assert policy.following(wanted) == pytest.approx(following, abs=1e-5)


def test_what_cannot_be_read_is_refused(policy: HuggingFaceSeq2Seq) -> None:
    """A sentence beyond the model's positions is named, where the model has a limit."""
    if policy.model.config.model_type == "t5":
        pytest.skip("T5 has no greatest length")
    with pytest.raises(ModelError, match="reads 96 at most: split it"):
        policy.sample([Proposal(("house",) * 200)])
