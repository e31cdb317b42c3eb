"""The streaming policy over parallel text: one source word a READ, many sentences side by side.

There is no sound and no clock here, so delays are source words and computing time is not
measured; the policy is the one that a live session runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulst.corpus import Pair
from simulst.evaluate.logs import Instance
from simulst.evaluate.session import TESTED
from simulst.translate.policy import SentenceState, Written
from simulst.types import Reason

__all__ = ["Simulation", "StepPolicy", "simulate"]

BATCH = 128


class StepPolicy(Protocol):
    """What of `simulst.translate.policy.Policy` is needed."""

    def open(self, sentence: int = 0) -> SentenceState:
        """A sentence of which nothing has been read."""
        ...

    def step(
        self,
        states: Sequence[SentenceState],
        words: Sequence[str | None],
        closed: Sequence[bool],
    ) -> list[tuple[SentenceState, Written]]:
        """READ one word of each sentence, then WRITE what may be written."""
        ...


@dataclass(frozen=True, slots=True)
class Simulation:
    """Sentences translated word by word, and what the acceptor did.

    Attributes:
        instances: in the order of the pairs, delays in source words.
        units: target units written.
        forced: of them, those written because the lag had reached k_max.
        judged: tokens that a rule judged; wait-k judges none.
        accepted: of them, those let through.
        holds: runs of READs after each of which nothing was written because all was held back.
        held: READs in all of those runs.
    """

    instances: tuple[Instance, ...]
    units: int
    forced: int
    judged: int
    accepted: int
    holds: int
    held: int

    @property
    def acceptance(self) -> float | None:
        """Share of the judged tokens that were accepted."""
        return self.accepted / self.judged if self.judged else None

    @property
    def mean_hold(self) -> float | None:
        """Mean length of a hold in source words."""
        return self.held / self.holds if self.holds else None


@dataclass(slots=True)
class _Counts:
    judged: int = 0
    accepted: int = 0
    holds: int = 0
    held: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)

    def add(self, written: Written, holding: bool) -> bool:
        """Count one step of a sentence; return whether it ends in a hold."""
        tested = [v for v in written.verdicts if v.reason in TESTED]
        self.judged += len(tested)
        self.accepted += sum(v.accepted for v in tested)
        # a step that writes, be it by force, ends the hold even if what follows is held again
        held = not written.units and any(not v.accepted for v in tested)
        self.held += held
        self.holds += held and not holding
        return held


def simulate(
    policy: StepPolicy,
    pairs: Sequence[Pair],
    space: str = " ",
    *,
    batch: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> Simulation:
    """Translate every source sentence as if it were heard word by word.

    The result does not depend on the batch: the policy's draws are fixed by the index of the
    sentence.

    Args:
        policy: decides.
        pairs: sentences with their references.
        space: the translator's; "" makes the units characters.
        batch: sentences side by side, >= 1.
        progress: told the number of sentences done, as it grows.
    """
    sources = [pair.source.split() for pair in pairs]
    # neighbours of one length finish together, which keeps the batch full
    order = sorted(range(len(pairs)), key=lambda i: len(sources[i]))
    instances: dict[int, Instance] = {}
    counts = _Counts()
    for begin in range(0, len(order), batch):
        rows = order[begin : begin + batch]
        opened = {i: policy.open(i) for i in rows}
        holding = dict.fromkeys(rows, False)
        turn = 0
        while rows:
            closed = [turn + 1 == len(sources[i]) for i in rows]
            found = policy.step([opened[i] for i in rows], [sources[i][turn] for i in rows], closed)
            for i, (state, written) in zip(rows, found, strict=True):
                opened[i] = state
                holding[i] = counts.add(written, holding[i])
            for i, last in zip(rows, closed, strict=True):
                if last:  # its state holds tensors and is let go
                    state = opened.pop(i)
                    counts.reasons.update(state.reasons)
                    instances[i] = _instance(i, pairs[i], state, space)
            rows = [i for i in rows if i in opened]
            turn += 1
            if progress:
                progress(len(instances))
    return Simulation(
        instances=tuple(instances[i] for i in range(len(pairs))),
        units=counts.reasons.total(),
        forced=counts.reasons[Reason.FORCED],
        judged=counts.judged,
        accepted=counts.accepted,
        holds=counts.holds,
        held=counts.held,
    )


def _instance(index: int, pair: Pair, state: SentenceState, space: str) -> Instance:
    character = space == ""
    delays: list[float] = []
    for unit, delay in zip(state.units, state.delays, strict=True):
        # a unit of a script without spaces may be a piece of several characters
        delays += [delay] * (len(unit) if character else 1)
    return Instance(
        index=index,
        prediction=space.join(state.units),
        delays=tuple(delays),
        elapsed=(),
        reference=pair.target,
        source=pair.source,
        source_length=len(state.source),
        character=character,
    )
