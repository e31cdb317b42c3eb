"""READ and WRITE: lag bounds, holds, forced writes, the end of the sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst import config
from simulst.accept import rules
from simulst.errors import ConfigError, ModelError
from simulst.protocols import Prefix, Request, Translator
from simulst.translate.policy import Policy, SentenceState
from simulst.types import Action, Reason
from tests.fakes import SENTENCES, ToyTranslator, expectant, translator

LIMITS = config.Translate()
RULES = ("ratio", "learned", "wait-k", "la-2", "wait-if-worse", "entropy", "random")


def policy(rule: str, model: Translator | None = None, seed: int = 0, **accept: object) -> Policy:
    """A policy over the random translator."""
    settings_ = config.Accept(rule=rule, **accept)  # type: ignore[arg-type]
    return Policy(model or expectant(), rules.build(settings_), settings_, LIMITS, seed)


def run(
    using: Policy, sentence: str, index: int = 0
) -> tuple[SentenceState, list[tuple[str, ...]], list[bool]]:
    """Translate one sentence word by word; return its end, the outputs, and what was accepted."""
    words = sentence.split()
    state, outputs, accepted = using.open(index), [], []
    for i, word in enumerate(words):
        before = state.units
        [(state, written)] = using.step([state], [word], [i == len(words) - 1])
        assert state.units == before + written.units
        assert written.action is (Action.WRITE if written.units else Action.READ)
        outputs.append(written.units)
        accepted += [v.accepted for v in written.verdicts]
    return state, outputs, accepted


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_wait_k_writes_on_schedule(k: int) -> None:
    """Plain wait-k writes unit t when min(k + t - 1, |x|) words were read."""
    state, _, _ = run(policy("wait-k", k_min=k, k_max=max(k, 6)), SENTENCES[0])
    n = len(state.source)
    assert list(state.delays) == [min(k + t, n) for t in range(len(state.delays))]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(RULES),
    st.integers(1, 3),
    st.integers(0, 3),
    st.booleans(),
    st.floats(0.2, 4),
    st.sampled_from(SENTENCES[::2]),
)
def test_lag_is_bounded(
    rule: str, k_min: int, more: int, deterministic: bool, m: float, sentence: str
) -> None:
    """Whatever the rule, a unit is never earlier than k_min nor, by holds, later than k_max."""
    using = policy(rule, k_min=k_min, k_max=k_min + more, m=m, deterministic=deterministic)
    state, _, _ = run(using, sentence)
    n = len(state.source)
    for t, delay in enumerate(state.delays):
        assert delay >= min(k_min + t, n)
        assert delay <= min(k_min + more + t, n)
    assert state.closed


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("deterministic", [True, False])
def test_batch_equals_alone(rule: str, deterministic: bool) -> None:
    """A sentence gets the same translation beside others as alone, and the same again."""
    using = policy(rule, deterministic=deterministic, seed=7)
    sentences = SENTENCES[::2]
    alone = [run(using, s, i)[0] for i, s in enumerate(sentences)]
    states = [using.open(i) for i in range(len(sentences))]
    words = [s.split() for s in sentences]
    for turn in range(max(map(len, words))):
        rows = [i for i in range(len(words)) if turn < len(words[i])]
        done = using.step(
            [states[i] for i in rows],
            [words[i][turn] for i in rows],
            [turn == len(words[i]) - 1 for i in rows],
        )
        for i, (state, _) in zip(rows, done, strict=True):
            states[i] = state
    assert [s.units for s in states] == [s.units for s in alone]
    assert [s.delays for s in states] == [s.delays for s in alone]


def test_seed_decides_the_draws() -> None:
    """The same seed gives the same words; other seeds give others somewhere."""
    texts = {
        seed: run(
            policy("ratio", deterministic=False, sharpness=1, k_min=2, seed=seed), SENTENCES[0]
        )[0].units
        for seed in (1, 1, 2, 3)
    }
    assert (
        run(policy("ratio", deterministic=False, sharpness=1, k_min=2, seed=1), SENTENCES[0])[
            0
        ].units
        == texts[1]
    )
    assert len(set(texts.values())) > 1


def test_everything_rejected_is_forced_out() -> None:
    """Where no draft ever passes, words come by force at k_max and the rest at the end."""
    using = policy("random", rate=0.0, k_min=1, k_max=3)
    state, outputs, accepted = run(using, SENTENCES[0])
    assert [len(units) for units in outputs[:-1]] == [0, 0] + [1] * (len(outputs) - 3)
    assert set(state.reasons) == {Reason.FORCED, Reason.FINISH}
    assert accepted.count(False) == len(outputs) - 1


def test_the_random_control_holds_some() -> None:
    """Random hold draws its coin even where everything else is deterministic."""
    using = policy("random", rate=0.5, k_min=1, k_max=4)
    tossed = [answer for s in range(6) for answer in run(using, SENTENCES[0], s)[2]]
    assert 0.1 < tossed.count(False) / len(tossed) < 0.9


def test_a_rejection_holds_until_more_is_read() -> None:
    """After the first rejected token nothing more is written at that step."""
    using = policy("la-2", k_min=1, k_max=9)
    words = SENTENCES[0].split()
    state = using.open()
    for word in words[:-1]:
        [(state, written)] = using.step([state], [word], [False])
        answers = [v.accepted for v in written.verdicts if v.reason is Reason.AGREEMENT]
        assert all(answers[:-1])
        if answers and not answers[-1]:
            assert written.tentative


def test_a_late_end_closes_the_sentence() -> None:
    """A sentence whose end is known only after its last word is finished by the end alone."""
    using = policy("wait-k", k_min=3)
    state = using.open()
    for word in SENTENCES[0].split():
        [(state, _)] = using.step([state], [word], [False])
    before = state.units
    [(state, written)] = using.step([state], [None], [True])
    assert state.closed
    assert state.units == before + written.units
    assert set(written.reasons) <= {Reason.FINISH}


def test_length_is_bounded() -> None:
    """A model that never ends its sentence is stopped at the length the settings allow."""
    endless = ToyTranslator([0.5, 0.3, 0.2], [0.5, 0.3, 0.2])
    limits = config.Translate(max_ratio=1.0, max_extra=1)
    accept = config.Accept(rule="wait-k", k_min=1)
    using = Policy(endless, rules.build(accept), accept, limits)
    state = using.open()
    for i in range(6):
        [(state, _)] = using.step([state], ["word"], [i == 5])
    assert len(state.units) <= 7


@pytest.mark.parametrize("m", [0.5, 1.0, 2.0])
def test_toy_frequencies_follow_the_formula(m: float) -> None:
    """Over 4000 draws the share of drafts accepted as y is min(q(y), p(y) / M) within 0.03."""
    p, q = [0.6, 0.3, 0.1], [0.2, 0.3, 0.5]
    toy = ToyTranslator(p, q)
    accept = config.Accept(rule="ratio", m=m, sharpness=1, k_min=2, k_max=9, deterministic=False)
    n = 4000
    counts = dict.fromkeys(toy.words, 0)
    using = Policy(toy, rules.build(accept), accept, LIMITS, seed=3)
    states = [using.open(i) for i in range(n)]
    states = [s for s, _ in using.step(states, ["x"] * n, [False] * n)]
    for state, _ in using.step(states, ["y"] * n, [False] * n):
        if state.units:
            counts[state.units[0]] += 1
    for word, p_y, q_y in zip(toy.words, p, q, strict=True):
        # 0.03 is over 3.7 standard errors of a share of 4000
        assert counts[word] / n == pytest.approx(min(q_y, p_y / m), abs=0.03)


def test_equal_p_and_q_are_refused() -> None:
    """Testing a draft against its own distribution is refused with the reason."""
    accept = config.Accept(rule="ratio")
    with pytest.raises(ConfigError, match="1/M for every word"):
        Policy(translator(), rules.RatioTest(lookback=0), accept, LIMITS)


def test_learned_evidence_holds_and_writes() -> None:
    """Its verdicts carry what the network expects over M, with nothing withheld from q, too."""
    for lookback in (0, 1):
        using = policy("learned", k_min=1, m=1.2, lookback=lookback)
        state, verdicts = using.open(), []
        words = SENTENCES[0].split()
        for i, word in enumerate(words):
            [(state, written)] = using.step([state], [word], [i == len(words) - 1])
            verdicts += [v for v in written.verdicts if v.reason is Reason.LEARNED]
        assert {v.accepted for v in verdicts} == {True, False}
        assert all(v.ratio is not None and v.accepted == (v.ratio >= 0.5) for v in verdicts)
        assert Reason.LEARNED in state.reasons


def test_learned_evidence_must_be_there() -> None:
    """A pack without evidence, and a lookback that its evidence does not know, are refused."""
    with pytest.raises(ModelError, match="simulst train evidence"):
        policy("learned", translator())
    with pytest.raises(ModelError, match="lookback is 2.*with 0 or 1 words withheld"):
        policy("learned", lookback=2)


def test_a_verifier_needs_the_same_subwords() -> None:
    """A verifier with another vocabulary is refused."""
    accept = config.Accept(rule="ratio")
    other = ToyTranslator([1, 0, 0], [1, 0, 0])
    with pytest.raises(ModelError, match="vocabulary_id is toy"):
        Policy(translator(), rules.build(accept), accept, LIMITS, verifier=other)


def test_a_stronger_verifier_decides() -> None:
    """With a verifier of its own nothing is written that the verifier would not choose."""
    drafter, judge = translator(0), translator(5)
    accept = config.Accept(rule="la-2", lookback=0, k_min=1, k_max=2)
    using = Policy(drafter, rules.build(accept), accept, LIMITS, verifier=judge)
    state, _, _ = run(using, SENTENCES[0])
    request = Request(tuple(SENTENCES[0].split()[: state.delays[0]]), False, Prefix())
    [(best, _)] = judge.draft([request], [1], [None])
    assert state.units[0] == best.units[0]
