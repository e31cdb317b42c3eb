"""When to READ and when to WRITE: a sentence translated while it is still being heard.

After every source word the policy drafts what the lag allows, asks the acceptor how much of
the draft may be written, writes that prefix in whole units and reads on. k_min bounds the lag
from below, k_max from above: there the verifier's own choice is written and marked as forced,
so that every hold ends. Once the sentence is closed nothing is tested any more: the rest is
decoded from p with the whole source. What is written is never changed.

A sentence is a value; the policy itself holds weights and rules only, and takes any number of
sentences a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from simulst import config
from simulst.draws import uniform
from simulst.errors import ConfigError, ModelError
from simulst.protocols import Acceptor, Prefix, Request, Translator
from simulst.translate.state import SentenceState, Written, reasons_of
from simulst.types import Draft, Reason, Score, Verdict

__all__ = ["Policy", "SentenceState", "Written"]


@dataclass(slots=True)
class _Row:
    """A sentence while a step works on it."""

    state: SentenceState
    units: list[str]
    reasons: list[Reason]
    verdicts: list[Verdict]
    tentative: str = ""


def _check_evidence(acceptor: Acceptor, p: Translator) -> None:
    """Refuse learned evidence that is not there, or that knows other drafts."""
    known = p.learned_lookbacks
    if not known:
        raise ModelError(
            f"rule {acceptor.name!r} needs learned evidence, and the translator pack holds none: "
            "train it with `simulst train evidence`, or choose another accept.rule"
        )
    if acceptor.lookback not in known:
        raise ModelError(
            f"accept.lookback is {acceptor.lookback}, but the pack's evidence was learnt from "
            f"drafts with {' or '.join(map(str, known))} words withheld: use one of these, or "
            "train it with `simulst train evidence --lookback`"
        )


class Policy:
    """The wait-k schedule with an acceptor in its gaps.

    Args:
        translator: q, which drafts; without a verifier also p, which sees more source.
        acceptor: decides how much of a draft may be written.
        accept: k_min, k_max, determinism and temperature.
        limits: the longest translation of a sentence.
        seed: of every draw.
        verifier: another p.

    Raises:
        ModelError: the verifier has another vocabulary or language pair than the translator, or
            the acceptor needs learned evidence that p has not.
        ConfigError: p and q would be the same distribution.
    """

    def __init__(
        self,
        translator: Translator,
        acceptor: Acceptor,
        accept: config.Accept,
        limits: config.Translate,
        seed: int = 0,
        verifier: Translator | None = None,
    ) -> None:
        if verifier is not None:
            for name in ("vocabulary_id", "source_language", "target_language"):
                ours, theirs = getattr(translator, name), getattr(verifier, name)
                if ours != theirs:
                    raise ModelError(
                        f"the verifier's {name} is {theirs}, the translator's {ours}: p can only "
                        "score q's draft in the same subwords; choose a verifier trained with them"
                    )
        if acceptor.learned:
            _check_evidence(acceptor, verifier or translator)
        elif (
            verifier is None
            and acceptor.verifies
            and acceptor.lookback == 0
            and not acceptor.certain
        ):
            raise ConfigError(
                "the draft would be tested against its own distribution: with p = q the ratio is "
                "1/M for every word; withhold source words (lookback >= 1) or give a verifier"
            )
        self.translator = translator
        self.verifier = verifier or translator
        self.acceptor = acceptor
        self.accept = accept
        self.limits = limits
        self.seed = seed

    def open(self, sentence: int = 0) -> SentenceState:
        """A sentence of which nothing has been read."""
        return SentenceState(sentence)

    def step(
        self,
        states: Sequence[SentenceState],
        words: Sequence[str | None],
        closed: Sequence[bool],
    ) -> list[tuple[SentenceState, Written]]:
        """READ at most one word of each sentence, then WRITE what may be written.

        Args:
            states: the sentences; none may be closed already.
            words: the next word of each, or None.
            closed: the sentence ends after it.
        """
        rows = []
        for state, word, last in zip(states, words, closed, strict=True):
            assert not state.closed, "a closed sentence is complete"
            source = state.source if word is None else (*state.source, word)
            rows.append(_Row(replace(state, source=source, closed=last), [], [], []))
        reading = [row for row in rows if row.state.source and not row.state.closed]
        self._accept(reading)
        self._force(reading)
        self._finish([row for row in rows if row.state.source and row.state.closed])
        return [
            (
                row.state,
                Written(tuple(row.units), tuple(row.reasons), tuple(row.verdicts), row.tentative),
            )
            for row in rows
        ]

    # -- the three ways to write -----------------------------------------------------------

    def _accept(self, rows: Sequence[_Row]) -> None:
        """Draft what the lag allows and write what the acceptor lets through."""
        allowed: list[tuple[_Row, int]] = []
        for row in rows:
            state = row.state
            room = len(state.source) - self.accept.k_min + 1 - len(state.units)
            room = min(room, self._longest(state) - len(state.units))
            if room > 0 and len(state.source) > self.acceptor.lookback:
                allowed.append((row, room))
        busy = [row for row, _ in allowed]
        deterministic = self.accept.deterministic
        drafts = self._draft(
            busy,
            [room for _, room in allowed],
            [None if deterministic else self._draw(row, "draft") for row in busy],
        )
        busy, drafts = self._with_text(busy, drafts)
        # a coin that always shows 1/2 would be no coin: the random control draws in any case
        fixed = deterministic and self.acceptor.reason is not Reason.RANDOM
        scores: list[Score | None] = [None] * len(busy)
        if self.acceptor.verifies:
            scores = self._score(busy, drafts)
        for row, draft, score in zip(busy, drafts, scores, strict=True):
            start = len(row.state.prefix.tokens)
            verdicts = self.acceptor.judge(
                draft,
                score,
                sentence=row.state.sentence,
                start=start,
                read=len(row.state.source),
                draw=(lambda _: 0.5) if fixed else self._draw(row, "accept"),
            )
            _, reasons = reasons_of(draft, self.acceptor.reason)
            row.verdicts += [
                replace(verdict, reason=reason) if verdict.accepted else verdict
                for verdict, reason in zip(verdicts, reasons, strict=False)
            ]
            passed = sum(verdict.accepted for verdict in verdicts)
            ends = accumulate(draft.lengths)
            whole = sum(end <= passed for end in ends)
            self._write(row, draft, whole, self.acceptor.reason)
            row.tentative = self.translator.space.join(draft.units[whole:])

    def _force(self, rows: Sequence[_Row]) -> None:
        """Write p's choice where the lag has reached k_max."""
        if self.acceptor.reason is Reason.SCHEDULE:
            return
        late: list[tuple[_Row, int]] = []
        for row in rows:
            state = row.state
            due = len(state.source) - self.accept.k_max + 1 - len(state.units)
            due = min(due, self._longest(state) - len(state.units))
            if due > 0:
                late.append((row, due))
        drafts = self._finish_drafts([row for row, _ in late], [due for _, due in late])
        for (row, _), draft in zip(late, drafts, strict=True):
            row.tentative = ""
            self._write_all(row, draft, Reason.FORCED)

    def _finish(self, rows: Sequence[_Row]) -> None:
        """Decode the rest with the whole source."""
        open_rows = [row for row in rows if self._longest(row.state) > len(row.state.units)]
        limits = [self._longest(row.state) - len(row.state.units) for row in open_rows]
        for row, draft in zip(open_rows, self._finish_drafts(open_rows, limits), strict=True):
            self._write_all(row, draft, Reason.FINISH)

    # -- their parts -----------------------------------------------------------------------

    def _longest(self, state: SentenceState) -> int:
        """Target units that so much source may get."""
        return math.floor(self.limits.max_ratio * len(state.source) + self.limits.max_extra)

    def _draw(self, row: _Row, purpose: str) -> Callable[[int], float]:
        sentence = row.state.sentence
        return lambda position: uniform(self.seed, sentence, position, purpose)

    def _request(self, row: _Row, withheld: int, cache: object) -> Request:
        state = row.state
        return Request(state.source, state.closed, state.prefix, withheld, cache)

    def _drafter_cache(self, row: _Row) -> object:
        return row.state.caches[self.verifier is not self.translator]

    def _keep(self, row: _Row, cache: object, drafter: bool) -> None:
        p, q = row.state.caches
        if drafter and self.verifier is not self.translator:
            row.state = replace(row.state, caches=(p, cache))
        else:
            row.state = replace(row.state, caches=(cache, q))

    def _draft(
        self,
        rows: Sequence[_Row],
        limits: Sequence[int],
        draws: Sequence[Callable[[int], float] | None],
    ) -> list[Draft]:
        found = self.translator.draft(
            [self._request(r, self.acceptor.lookback, self._drafter_cache(r)) for r in rows],
            limits,
            draws,
            self.accept.temperature,
        )
        for row, (_, cache) in zip(rows, found, strict=True):
            self._keep(row, cache, drafter=True)
        return [draft for draft, _ in found]

    def _score(self, rows: Sequence[_Row], drafts: Sequence[Draft]) -> list[Score | None]:
        found = self.verifier.score(
            [self._request(row, 0, row.state.caches[0]) for row in rows],
            drafts,
            self.acceptor.sharpness,
        )
        for row, (_, cache) in zip(rows, found, strict=True):
            self._keep(row, cache, drafter=False)
        return [score for score, _ in found]

    def _finish_drafts(self, rows: Sequence[_Row], limits: Sequence[int]) -> list[Draft]:
        """p's most likely continuation."""
        found = self.verifier.draft(
            [self._request(row, 0, row.state.caches[0]) for row in rows],
            limits,
            [None] * len(rows),
        )
        for row, (_, cache) in zip(rows, found, strict=True):
            self._keep(row, cache, drafter=False)
        return [draft for draft, _ in found]

    @staticmethod
    def _with_text(rows: Sequence[_Row], drafts: Sequence[Draft]) -> tuple[list[_Row], list[Draft]]:
        kept = [(row, draft) for row, draft in zip(rows, drafts, strict=True) if draft.tokens]
        return [row for row, _ in kept], [draft for _, draft in kept]

    def _write_all(self, row: _Row, draft: Draft, reason: Reason) -> None:
        state = row.state
        _, reasons = reasons_of(draft, reason)
        for i, (token, log_q, why) in enumerate(
            zip(draft.tokens, draft.log_q, reasons, strict=True)
        ):
            row.verdicts.append(
                Verdict(
                    sentence=state.sentence,
                    position=len(state.prefix.tokens) + i,
                    token=token,
                    read=len(state.source),
                    p=math.exp(log_q),
                    q=None,
                    ratio=None,
                    u=None,
                    accepted=True,
                    reason=why,
                )
            )
        self._write(row, draft, len(draft.units), reason)

    def _write(self, row: _Row, draft: Draft, units: int, reason: Reason) -> None:
        """Make the first units of a draft part of the sentence."""
        if units == 0:
            return
        state = row.state
        tokens = sum(draft.lengths[:units])
        reasons = reasons_of(draft, reason)[0][:units]
        read = len(state.source)
        row.state = replace(
            state,
            units=state.units + draft.units[:units],
            delays=state.delays + (read,) * units,
            reasons=state.reasons + reasons,
            prefix=Prefix(
                state.prefix.tokens + draft.tokens[:tokens],
                state.prefix.lengths + draft.lengths[:units],
                state.prefix.seen + (read + state.closed,) * units,
                state.prefix.terms + draft.terms[:units],
            ),
        )
        row.units += draft.units[:units]
        row.reasons += reasons
