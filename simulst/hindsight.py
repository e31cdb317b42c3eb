"""Drafts made while the source was open, and what the whole source says of them afterwards.

The streaming policy runs over sentences whose end is known. Whatever it drafts is scored again
with the complete source, which gives each token the acceptance that a session can only guess:
alpha = min(1, P_full(y | x, y_<t) / q(y)). Evidence is learned from it and measured against it.

Two choices make the drafts those of a live session without favouring any evidence. What is
written, and so stands before the next draft, is decided by a coin: a held position is held until
the lag forces it, as live, and every lag between k_min and k_max occurs. And a draft is followed
up to its first token with alpha < 1/2 and no further: live, what comes after a rejection is
never judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Generic, TypeVar

from simulst import config
from simulst.accept.ratio import acceptance
from simulst.accept.rules import RandomHold
from simulst.draws import uniform
from simulst.errors import ConfigError, ModelError
from simulst.protocols import Prefix, Request, Translator
from simulst.translate.policy import Policy
from simulst.translate.state import SentenceState
from simulst.types import Draft, Reason, Score, Verdict

__all__ = ["Observation", "Rehearsal", "observe"]

View = TypeVar("View")
Look = Callable[[Sequence[Request], Sequence[Draft]], Sequence[View]]

BATCH = 128
LIMITS = config.Translate()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How sentences are interpreted to be looked back at.

    Attributes:
        ks: each sentence draws its k_min from these.
        lookbacks: and its L from these.
        width: k_max - k_min.
        rate: the coin writes with this probability.
        drawn: share of sentences whose drafts are drawn at temperature 1; the rest is greedy.
        sharpness: beta of the full source's P^beta; 1 is the founding formula, math.inf asks
            whether P would have chosen the same token.
        seed: of all draws.
    """

    ks: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    lookbacks: tuple[int, ...] = (1,)
    width: int = 4
    rate: float = 0.7
    drawn: float = 0.0
    sharpness: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, values, least in (("k", self.ks, 1), ("lookback", self.lookbacks, 0)):
            if not values or min(values) < least:
                raise ConfigError(f"{name} is {values}: give numbers of {least} or more")
        if not 0 <= self.drawn <= 1:
            raise ConfigError(f"drawn is {self.drawn}: it is a share, in [0, 1]")
        if not self.sharpness > 0:
            raise ConfigError(f"sharpness is {self.sharpness}: beta must be above 0, or inf")

    def accept(self, sentence: int) -> config.Accept:
        """What one sentence has drawn."""
        k, lookback, drawn = (uniform(self.seed, sentence, what) for what in ("k", "L", "greedy"))
        k_min = self.ks[int(k * len(self.ks))]
        return config.Accept(
            rule="random",
            rate=self.rate,
            lookback=self.lookbacks[int(lookback * len(self.lookbacks))],
            k_min=k_min,
            k_max=k_min + self.width,
            deterministic=drawn >= self.drawn,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Observation(Generic[View]):
    """A draft with what was seen of it then, and what is known of it now.

    Attributes:
        sentence: index of its source.
        draft: as q made it.
        alpha: acceptance by the full source of its tokens, up to the first below 1/2.
        view: what `look` saw while the source was open.
    """

    sentence: int
    draft: Draft
    alpha: tuple[float, ...]
    view: View


@dataclass(slots=True)
class _Watch:
    """The coin as an acceptor that remembers what it was shown."""

    coin: RandomHold
    shown: dict[int, Draft] = field(default_factory=dict)

    name = "random"
    verifies = False
    learned = False
    certain = False
    sharpness = 1.0
    reason = Reason.RANDOM

    @property
    def lookback(self) -> int:
        """L of the coin."""
        return self.coin.lookback

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
        """Remember the draft and toss the coin."""
        self.shown[sentence] = draft
        return self.coin.judge(draft, score, sentence=sentence, start=start, read=read, draw=draw)


@dataclass(slots=True)
class _Retrospect:
    """Scores drafts at full source; keeps a cache for each sentence."""

    teacher: Translator
    sharpness: float
    caches: dict[int, object] = field(default_factory=dict)

    def alphas(
        self,
        sentences: Sequence[int],
        sources: Sequence[tuple[str, ...]],
        prefixes: Sequence[Prefix],
        drafts: Sequence[Draft],
    ) -> list[tuple[float, ...]]:
        """alpha of every token that a live session could have come to judge."""
        requests = []
        for i, source, prefix in zip(sentences, sources, prefixes, strict=True):
            # as an offline translator: what was written is seen with the whole source, too
            seen = (len(source) + 1,) * len(prefix.lengths)
            requests.append(
                Request(source, True, replace(prefix, seen=seen), 0, self.caches.get(i))
            )
        sharpness = self.sharpness if math.isfinite(self.sharpness) else 1.0
        found = self.teacher.score(requests, drafts, sharpness)
        results = []
        for i, (score, cache), draft in zip(sentences, found, drafts, strict=True):
            self.caches[i] = cache
            every = [self._alpha(score, draft, j) for j in range(len(draft.tokens))]
            passed = len(list(takewhile(lambda alpha: alpha >= 0.5, every)))
            results.append(tuple(every[: passed + 1]))
        return results

    def _alpha(self, score: Score, draft: Draft, j: int) -> float:
        if math.isinf(self.sharpness):
            return float(score.best[j] == draft.tokens[j])
        return acceptance(score.log_p[j], draft.log_q[j], 1.0)


def observe(
    translator: Translator,
    sources: Sequence[str],
    look: Look[View],
    rehearsal: Rehearsal,
    *,
    teacher: Translator | None = None,
    batch: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> list[Observation[View]]:
    """Interpret sentences, and look back at every draft.

    Args:
        translator: drafts, and writes.
        sources: whole sentences.
        look: what is to be kept of open requests, as p gets them, and their drafts.
        rehearsal: how to interpret.
        teacher: P_full; None for the translator itself.
        batch: sentences side by side, >= 1.
        progress: told the number of sentences done, as it grows.

    Raises:
        ModelError: the teacher has another vocabulary than the translator.
    """
    teacher = teacher or translator
    if teacher.vocabulary_id != translator.vocabulary_id:
        raise ModelError(
            f"the teacher's vocabulary is {teacher.vocabulary_id}, the translator's "
            f"{translator.vocabulary_id}: it can only score drafts in the same subwords; name one "
            "trained with --vocabulary of the translator"
        )
    words = [tuple(source.split()) for source in sources]
    groups: dict[config.Accept, list[int]] = {}
    for i in sorted(range(len(words)), key=lambda i: len(words[i])):
        groups.setdefault(rehearsal.accept(i), []).append(i)
    found: list[Observation[View]] = []
    done = 0
    for accept, members in groups.items():
        for begin in range(0, len(members), batch):
            rows = members[begin : begin + batch]
            watch = _Watch(RandomHold(accept.lookback, rate=accept.rate))
            policy = Policy(translator, watch, accept, LIMITS, rehearsal.seed)
            later = _Retrospect(teacher, rehearsal.sharpness)
            found += _interpret(policy, watch, later, {i: words[i] for i in rows}, look)
            done += len(rows)
            if progress:
                progress(done)
    return sorted(found, key=lambda seen: seen.sentence)


def _interpret(
    policy: Policy,
    watch: _Watch,
    later: _Retrospect,
    sources: dict[int, tuple[str, ...]],
    look: Look[View],
) -> list[Observation[View]]:
    """Read the sentences side by side, up to the word before the last: then nothing is judged."""
    states: dict[int, SentenceState] = {i: policy.open(i) for i in sources}
    found: list[Observation[View]] = []
    for turn in range(max(len(source) for source in sources.values()) - 1):
        rows = [i for i in sources if turn + 1 < len(sources[i])]
        before = {i: states[i].prefix for i in rows}
        watch.shown.clear()
        stepped = policy.step(
            [states[i] for i in rows], [sources[i][turn] for i in rows], [False] * len(rows)
        )
        states.update(zip(rows, (state for state, _ in stepped), strict=True))
        shown = list(watch.shown)
        drafts = [watch.shown[i] for i in shown]
        requests = [
            Request(states[i].source, False, before[i], 0, states[i].caches[0]) for i in shown
        ]
        prefixes = [before[i] for i in shown]
        alphas = later.alphas(shown, [sources[i] for i in shown], prefixes, drafts)
        views = look(requests, drafts)
        found += map(Observation, shown, drafts, alphas, views)
    return found
