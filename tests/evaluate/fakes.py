"""A translator that shouts its source back, with doubts where a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulst.protocols import Request
from simulst.types import Draft, Score

__all__ = ["ShoutingTranslator"]

SURE, DOUBTFUL = -0.1, -5.0


class ShoutingTranslator:
    """Unit j of the target is source word j in capitals; one token a unit.

    A word that begins with "?" is believed by the verifier only once `patience` more words than
    its own position have been read. A sentence that begins with "mute" gets no translation.
    """

    source_language = "en"
    target_language = "de"
    vocabulary_id = "shout"
    learned_lookbacks: tuple[int, ...] = ()

    def __init__(self, space: str = " ", patience: int = 2) -> None:
        self.space = space
        self.patience = patience

    def draft(
        self,
        requests: Sequence[Request],
        limits: Sequence[int],
        draws: Sequence[Callable[[int], float] | None],
        temperature: float = 1.0,
    ) -> list[tuple[Draft, object]]:
        """The words that can be seen and have not been written."""
        drafts: list[tuple[Draft, object]] = []
        for request, limit in zip(requests, limits, strict=True):
            seen = request.source[: len(request.source) - request.withheld]
            begin = len(request.prefix.lengths)
            words = () if request.source[0] == "mute" else seen[begin : begin + limit]
            n = len(words)
            draft = Draft(
                tokens=tuple(range(begin, begin + n)),
                lengths=(1,) * n,
                units=tuple(word.upper() for word in words),
                log_q=(SURE,) * n,
                entropy=(0.5,) * n,
                finished=request.closed and begin + n == len(seen),
            )
            drafts.append((draft, None))
        return drafts

    def score(
        self, requests: Sequence[Request], drafts: Sequence[Draft], sharpness: float = 1.0
    ) -> list[tuple[Score, object]]:
        """Believe all but the doubtful words."""
        scores: list[tuple[Score, object]] = []
        for request, draft in zip(requests, drafts, strict=True):
            believed = [
                not request.source[j].startswith("?") or len(request.source) > j + self.patience
                for j in draft.tokens
            ]
            log_p = tuple(SURE if yes else DOUBTFUL for yes in believed)
            best = tuple(j if yes else -1 for j, yes in zip(draft.tokens, believed, strict=True))
            scores.append((Score(log_p, best, (0.5,) * len(best)), None))
        return scores
