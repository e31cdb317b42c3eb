"""The forms of acceptance, against what can be enumerated."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from simulst.errors import ModelError
from simulst.protocols import Proposal
from simulst.rsft.selection import (
    by_prefix,
    by_reward,
    by_sequence,
    log_ratios,
    whole,
)
from simulst.rsft.speculation import speculative
from simulst.translate.sentences import WaitkSeq2Seq
from tests.fakes import SENTENCES, ToySeq2Seq, translator

POLICY, TEACHER = ToySeq2Seq("policy"), ToySeq2Seq("teacher")
SOURCE = ("a", "b")
N = 6000


def proposals(count: int = N, temperature: float = 0.8) -> list[Proposal]:
    """Many drafts of one source under wait-2."""
    return [Proposal(SOURCE, 2, temperature, ("seed", i)) for i in range(count)]


@pytest.mark.parametrize("m", [1.0, 2.0])
def test_speculative_text_is_distributed_as_the_teacher(m: float) -> None:
    """Whatever the policy's lag and temperature, accepted and replaced tokens together are ~ P."""
    wanted = proposals()
    found = speculative(POLICY, TEACHER, wanted, POLICY.sample(wanted), m, ToySeq2Seq.eos)
    counts = Counter(accepted.tokens for accepted in found)
    expected = TEACHER.every(SOURCE)
    assert sum(expected.values()) == pytest.approx(1)
    for tokens, mass in expected.items():
        spread = math.sqrt(mass * (1 - mass) / N)
        assert counts[tokens] / N == pytest.approx(mass, abs=4 * spread + 1e-3), tokens


@pytest.mark.parametrize("sharpness", [0.5, 4.0])
def test_a_sharpened_teacher_is_followed_as_exactly(sharpness: float) -> None:
    """Text is ~ P^beta, renormalised at every token, whatever was drafted."""
    wanted = proposals(4000)
    found = speculative(
        POLICY, TEACHER, wanted, POLICY.sample(wanted), 1.0, ToySeq2Seq.eos, sharpness
    )
    counts = Counter(accepted.tokens for accepted in found)
    expected = TEACHER.every(SOURCE, 1 / sharpness)
    assert expected != pytest.approx(TEACHER.every(SOURCE), abs=0.05)
    for tokens, mass in expected.items():
        spread = math.sqrt(mass * (1 - mass) / len(wanted))
        assert counts[tokens] / len(wanted) == pytest.approx(mass, abs=4 * spread + 1e-3), tokens


def test_speculative_tells_its_own_from_the_inserted() -> None:
    """Tokens are marked; their number is that of the tests passed; a strict M inserts more."""
    wanted = proposals(400)
    shares = []
    for m in (1.0, 3.0):
        found = speculative(POLICY, TEACHER, wanted, POLICY.sample(wanted), m, ToySeq2Seq.eos)
        for accepted in found:
            assert len(accepted.tokens) == len(accepted.learned)
            assert sum(accepted.learned) == accepted.passed <= accepted.judged
            # every test ends in a token that stays: the one accepted or the one inserted
            assert accepted.judged == len(accepted.tokens)
        shares.append(sum(a.passed for a in found) / sum(a.judged for a in found))
    assert shares[0] > shares[1] > 0


def test_acceptance_does_not_depend_on_the_neighbours() -> None:
    """A sample alone meets the same fate as among others."""
    wanted = proposals(40)
    together = speculative(POLICY, TEACHER, wanted, POLICY.sample(wanted), 1.0, ToySeq2Seq.eos)
    for proposal, expected in zip(wanted, together, strict=True):
        [alone] = speculative(
            POLICY, TEACHER, [proposal], POLICY.sample([proposal]), 1.0, ToySeq2Seq.eos
        )
        assert alone == expected


def test_a_teacher_equal_to_the_policy_accepts_everything() -> None:
    """At M = 1 and without lag or temperature P = q: nothing is rejected, so nothing is learnt."""
    wanted = [Proposal(SOURCE, 0, 1.0, ("same", i)) for i in range(50)]
    samples = POLICY.sample(wanted)
    found = speculative(POLICY, POLICY, wanted, samples, 1.0, ToySeq2Seq.eos)
    assert [a.tokens for a in found] == [s.tokens for s in samples]
    assert all(all(a.learned) for a in found)


def test_prefixes_are_the_speculative_beginnings() -> None:
    """The prefix form keeps what the speculative form accepts before its first replacement."""
    wanted = proposals(300)
    samples = POLICY.sample(wanted)
    whole_ones = speculative(POLICY, TEACHER, wanted, samples, 1.0, ToySeq2Seq.eos)
    prefixes = {a.proposal.key: a for a in by_prefix(TEACHER, wanted, samples, 1.0)}
    for accepted in whole_ones:
        own = (*accepted.learned, False).index(False)
        if own == 0:
            assert (
                prefixes[accepted.proposal.key].tokens,
                prefixes[accepted.proposal.key].judged,
            ) == (
                (),
                1,
            )
        else:
            assert prefixes[accepted.proposal.key].tokens == accepted.tokens[:own]


def test_sequences_follow_the_teacher() -> None:
    """With a true bound M, accepted whole samples are distributed as P."""
    wanted = [Proposal(SOURCE, 2, 1.0, ("whole", i)) for i in range(N)]
    samples = POLICY.sample(wanted)
    ratios = log_ratios(TEACHER, wanted, samples)
    log_m = max(sum(values) for values in ratios)  # all 15 sentences occur among so many
    found = by_sequence(wanted, samples, ratios, log_m)
    counts = Counter(a.tokens for a in found)
    for tokens, mass in TEACHER.every(SOURCE).items():
        spread = math.sqrt(mass * (1 - mass) / len(found))
        assert counts[tokens] / len(found) == pytest.approx(mass, abs=4 * spread + 1e-3)
    # a tempered ratio wants a smaller M and lets more through
    tempered = by_sequence(wanted, samples, ratios, 0.3 * log_m, 0.3)
    assert len(tempered) > len(found)


def test_rewards() -> None:
    """The reward form takes whole samples, the best ones when it is cold."""
    wanted = proposals(8)
    samples = POLICY.sample(wanted)
    found = by_reward(wanted, samples, [float(i) for i in range(8)], 1e-3, 3)
    assert found == [whole(wanted[i], samples[i]) for i in (7, 6, 5)]
    assert by_reward([], [], [], 1.0, 4) == []


def test_other_subwords_are_refused() -> None:
    """A teacher of another vocabulary cannot judge tokens; the message says what can be done."""
    stranger = ToySeq2Seq("teacher")
    stranger.vocabulary_id = "other"
    wanted = proposals(1)
    with pytest.raises(ModelError, match="--vocabulary, or use the form 'reward'"):
        speculative(POLICY, stranger, wanted, POLICY.sample(wanted), 1.0, ToySeq2Seq.eos)


@pytest.mark.parametrize(("m", "sharpness"), [(1.0, 1.0), (2.0, 1.0), (1.0, 4.0)])
def test_two_ways_to_the_same_outcome(
    m: float, sharpness: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models followed token by token accept and insert what drafting again and again gives."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 3)
    monkeypatch.setattr("simulst.rsft.speculation.ROWS", 7)
    policy, teacher = WaitkSeq2Seq(translator()), WaitkSeq2Seq(translator(3, bidirectional=True))
    wanted = [
        Proposal(tuple(source.split()[:3]), lag, warmth, (source, lag, str(warmth)))
        for source in SENTENCES[:4:2]
        for lag in (1, 3)
        for warmth in (0.4, 0.7, 1.0)
    ]
    samples = policy.sample(wanted)
    followed = speculative(policy, teacher, wanted, samples, m, policy.eos, sharpness)
    monkeypatch.setattr("simulst.rsft.speculation.Stepwise", type("Nobody", (), {}))
    again = speculative(policy, teacher, wanted, samples, m, policy.eos, sharpness)
    assert sum(a.passed for a in followed) > 0 < sum(a.judged - a.passed for a in followed)
    for one, other in zip(followed, again, strict=True):
        assert (one.tokens, one.learned) == (other.tokens, other.learned)
        assert one.log_ratios == pytest.approx(other.log_ratios, abs=1e-3)
