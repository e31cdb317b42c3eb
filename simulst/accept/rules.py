"""The rules that decide how much of a draft may be written.

All answer the same question for one token after another, from the left, and stop at the first
"no". `RatioTest` is rejection sampling; the others are the rivals that it is measured against.

    rule            draft from          accepts a token when
    ratio           x without L words   u <= min(1, p^beta / (M q)), q = 1 of a greedy draft
    learned         x without L words   u <= min(1, alpha / M)
    la-2            x without L words   p's most likely token is the same
    wait-if-worse   x without L words   p >= q
    wait-k          all of x            always
    entropy         all of x            the entropy of q is low enough
    random          all of x            u < rate, whatever the token

`learned` is the ratio test with its quantity foretold: alpha is what a network expects of
min(1, P / q) with P the distribution given the whole source. It sees more than p and q say of
the token, so that L = 0 is no vacuous test. `random` is the ratio test with p = q: the control
that shows what holding alone does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from simulst import config
from simulst.accept.ratio import acceptance
from simulst.protocols import Acceptor, Translator
from simulst.types import Draft, Reason, Score, Verdict

__all__ = [
    "Agreement",
    "EntropyThreshold",
    "LearnedTest",
    "RandomHold",
    "RatioTest",
    "Schedule",
    "WaitIfWorse",
    "build",
    "settle",
]

LEARNED_M = 1.6
"""M of learned evidence: with u = 1/2 a word has to be expected to pass with 0.8."""
Answer = tuple[bool, float | None, float | None]
"""Accepted, the rule's figure, and the u it was compared with."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """What all rules share: walking a draft and writing the verdicts down."""

    lookback: int = 0
    sharpness: float = 1.0

    name = ""
    verifies = False
    learned = False
    reason = Reason.SCHEDULE

    @property
    def certain(self) -> bool:
        """Whether drafts count as proposed with certainty."""
        return False

    def _answer(self, draft: Draft, score: Score | None, i: int, u: float) -> Answer:
        raise AssertionError("a rule answers for itself")

    def _log_q(self, draft: Draft, i: int) -> float:
        """With which log-probability the token was proposed."""
        return draft.log_q[i]

    def judge(
        self,
        draft: Draft,
        score: Score | None,
        *,
        sentence: int,
        start: int,
        read: int,
        draw: Callable[[int], float],
    ) -> tuple[Verdict, ...]:
        """Judge tokens from the left, up to and including the first rejection."""
        assert score is not None or not self.verifies
        verdicts: list[Verdict] = []
        for i, token in enumerate(draft.tokens):
            accepted, figure, u = self._answer(draft, score, i, draw(start + i))
            verdicts.append(
                Verdict(
                    sentence=sentence,
                    position=start + i,
                    token=token,
                    read=read,
                    p=math.exp(score.log_p[i]) if score else None,
                    q=math.exp(self._log_q(draft, i)),
                    ratio=figure,
                    u=u,
                    accepted=accepted,
                    reason=self.reason,
                )
            )
            if not accepted:
                break
        return tuple(verdicts)


@dataclass(frozen=True, slots=True)
class RatioTest(_Rule):
    """Rejection sampling of the draft: u <= min(1, p^beta / (M q)).

    Args:
        lookback: L, source words that q does not see (evidence S1); 0 with a stronger p (S2).
        sharpness: beta; 1 is the bare ratio, large values approach argmax agreement.
        m: M > 0.
        certain: the draft was greedy: it proposes its tokens with certainty, so q = 1 and the
            target's own probability decides, as in speculative decoding with a greedy draft
            (Leviathan et al. 2023). Otherwise q is the drafting model's probability.
    """

    m: float = 1.0
    certain: bool = False

    name = "ratio"
    verifies = True
    reason = Reason.RATIO

    def _answer(self, draft: Draft, score: Score | None, i: int, u: float) -> Answer:
        assert score is not None
        ratio = acceptance(score.log_p[i], self._log_q(draft, i), self.m)
        return u <= ratio, ratio, u

    def _log_q(self, draft: Draft, i: int) -> float:
        return 0.0 if self.certain else draft.log_q[i]


@dataclass(frozen=True, slots=True)
class LearnedTest(_Rule):
    """Rejection sampling by learned evidence (S3): u <= min(1, alpha / M).

    Args:
        lookback: L, source words that q does not see; 0 is allowed.
        m: M > 0. It divides the expectation of min(1, P / q), which for M > 1 is at most the
            expectation of min(1, P / (M q)); with u = 1/2 a token needs alpha >= M / 2.
    """

    m: float = 1.0

    name = "learned"
    verifies = True
    learned = True
    reason = Reason.LEARNED

    def _answer(self, draft: Draft, score: Score | None, i: int, u: float) -> Answer:
        assert score is not None and score.expected is not None
        ratio = min(1.0, score.expected[i] / self.m)
        return u <= ratio, ratio, u


@dataclass(frozen=True, slots=True)
class Agreement(_Rule):
    """LA-2 on the target: two consecutive views must choose the same (Liu et al. 2020)."""

    name = "la-2"
    verifies = True
    reason = Reason.AGREEMENT

    def _answer(self, draft: Draft, score: Score | None, i: int, u: float) -> Answer:
        assert score is not None
        return score.best[i] == draft.tokens[i], None, None


@dataclass(frozen=True, slots=True)
class WaitIfWorse(_Rule):
    """Hold a token that became less likely with more source (Cho and Esipova 2016)."""

    name = "wait-if-worse"
    verifies = True
    reason = Reason.WORSE

    def _answer(self, draft: Draft, score: Score | None, i: int, u: float) -> Answer:
        assert score is not None
        change = score.log_p[i] - draft.log_q[i]
        return change >= 0, math.exp(min(change, 0.0)), None


@dataclass(frozen=True, slots=True)
class Schedule(_Rule):
    """Plain wait-k: the schedule alone decides (Ma et al. 2019)."""

    name = "wait-k"

    def _answer(self, draft: Draft, score: Score | None, i: int, u: float) -> Answer:
        return True, None, None


@dataclass(frozen=True, slots=True)
class EntropyThreshold(_Rule):
    """Write while the model is sure: entropy of q at most `limit` nats."""

    limit: float = 1.5

    name = "entropy"
    reason = Reason.ENTROPY

    def _answer(self, draft: Draft, score: Score | None, i: int, u: float) -> Answer:
        return draft.entropy[i] <= self.limit, draft.entropy[i], None


@dataclass(frozen=True, slots=True)
class RandomHold(_Rule):
    """A coin for each position, of the same weight for every token."""

    rate: float = 0.7

    name = "random"
    reason = Reason.RANDOM

    def _answer(self, draft: Draft, score: Score | None, i: int, u: float) -> Answer:
        return u < self.rate, self.rate, u


def settle(
    accept: config.Accept, translator: Translator | None = None, verifier: Translator | None = None
) -> config.Accept:
    """The settings with a rule, an M and an L of their own, where they leave these open.

    Args:
        accept: settings.
        translator: drafts; its learned evidence decides what suits. None: it has none.
        verifier: another p, whose verdict on the drafts no network has learnt.
    """
    known = translator.learned_lookbacks if translator and not verifier else ()
    rule = accept.rule
    if rule == "auto":
        fits = known if accept.lookback < 0 else accept.lookback in known
        rule = "learned" if fits and accept.deterministic else "ratio"
    m, lookback = (LEARNED_M, min(known, default=0)) if rule == "learned" else (1.0, 1)
    lookback = lookback if accept.lookback < 0 else accept.lookback
    return replace(accept, rule=rule, m=accept.m or m, lookback=lookback)


def build(
    accept: config.Accept, translator: Translator | None = None, verifier: Translator | None = None
) -> Acceptor:
    """The rule that the settings name, or that suits the packs (`settle`)."""
    accept = settle(accept, translator, verifier)
    rules: dict[str, Callable[[], Acceptor]] = {
        "ratio": lambda: RatioTest(accept.lookback, accept.sharpness, accept.m, accept.certain),
        "learned": lambda: LearnedTest(accept.lookback, m=accept.m),
        "la-2": lambda: Agreement(accept.lookback),
        "wait-if-worse": lambda: WaitIfWorse(accept.lookback),
        "wait-k": Schedule,
        "entropy": lambda: EntropyThreshold(limit=accept.entropy),
        "random": lambda: RandomHold(rate=accept.rate),
    }
    return rules[accept.rule]()
