"""Target units of models whose tokens say where a word begins, not where it ends.

Only the token after a word tells that the word is over. So the end of a word is an event of its
own: its probability is that of all tokens that begin another word and of the end of the sentence
together, and it is counted into the word's last token; the first token of the next word is then
judged among those that may begin one (Pimentel and Meister 2024, "How to Compute the Probability
of a Word"). What has been written is therefore whole, and nothing is ever added to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from simulst.translate.decoding import BARRED
from simulst.translate.rows import LONGEST_UNIT
from simulst.translate.subwords import MARKS, Subwords
from simulst.types import Draft

__all__ = ["Growth", "Place", "Units", "places"]


class Place(Enum):
    """What may come next."""

    FIRST = "first"  # the first token of a sentence: any
    NEXT = "next"  # the first token of a further unit: one that begins a unit
    BARE = "bare"  # after a mark without text: whatever gives the unit its text
    INSIDE = "inside"  # what goes on with the unit, or its end
    FULL = "full"  # a unit too long to be one: its end


class Units:
    """Which tokens begin, go on with and end units.

    Args:
        subwords: of the model.
        size: numbers in its logits, V; the end of a unit stands behind them, at V.

    Attributes:
        end: V.
    """

    def __init__(self, subwords: Subwords, size: int) -> None:
        self.subwords = subwords
        self.end = size
        names = [subwords.names.get(i, "") for i in range(size)]
        spelling = torch.tensor([i in subwords.names for i in range(size)])
        spelling[sorted(subwords.silent)] = False
        marked = torch.tensor([name[:1] in MARKS and bool(name) for name in names])
        begins = torch.tensor([subwords.begins.get(i, False) for i in range(size)])
        self._bare = {i for i, name in enumerate(names) if name and not name.strip(MARKS)}
        closing = torch.zeros(size, dtype=torch.bool)
        closing[subwords.eos] = True
        self._ends = (begins & spelling) | closing
        self._known = spelling | closing
        self._may = {
            Place.FIRST: spelling,
            Place.NEXT: begins & spelling,
            Place.BARE: spelling & ~marked,
            Place.INSIDE: spelling & ~begins,
            Place.FULL: torch.zeros_like(spelling),
        }
        self._closing = closing

    def place(self, unit: Sequence[int], first: bool) -> Place:
        """What may come after the tokens of a unit, none for one that begins.

        Args:
            unit: its tokens so far.
            first: it is the sentence's first.
        """
        if not unit:
            return Place.FIRST if first else Place.NEXT
        if len(unit) >= LONGEST_UNIT:
            return Place.FULL
        return Place.BARE if all(token in self._bare for token in unit) else Place.INSIDE

    def logs(self, logits: Tensor, place: Place, closed: bool, sharpness: float = 1.0) -> Tensor:
        """Log-probabilities (V + 1,) of the tokens and, last, of the end of the unit.

        Args:
            logits: (V,) of the model.
            place: what may come.
            closed: the sentence may end where a unit may begin.
            sharpness: beta of p^beta renormalised.
        """
        full = torch.log_softmax(logits.masked_fill(~self._known, BARRED), dim=-1)
        may = self._may[place]
        if closed and place in (Place.FIRST, Place.NEXT):
            may = may | self._closing
        end = torch.full((1,), BARRED)
        if place is Place.INSIDE:
            # that the sentence would end says that the word does, also while it may not
            end = torch.logsumexp(full[self._ends], dim=0, keepdim=True)
        elif place is Place.FULL:
            end = torch.zeros(1)
        logs = torch.cat([full.masked_fill(~may, BARRED), end])
        return torch.log_softmax(logs * sharpness, dim=-1)

    def likeliest(self, logits: Tensor, place: Place, logs: Tensor) -> int:
        """The token, or `end`, that greedy decoding takes: of tokens, not of ends together."""
        if place is Place.INSIDE:
            best = int(logits.masked_fill(~self._known, BARRED).argmax())
            return self.end if self._ends[best] else best
        return int(logs.argmax())

    def drawn(self, logs: Tensor, draw: Callable[[int], float], position: int) -> int:
        """The token, or `end`, that the numbers of a position pick.

        Whether the unit ends before the position has a number of its own, ~position: what begins
        the next unit is drawn alike in this draft or in a later one.
        """
        if draw(~position) < float(logs[self.end].exp()):
            return self.end
        sums = logs[: self.end].double().exp().cumsum(0)
        return int(torch.searchsorted(sums, sums[-1] * draw(position), right=True))


@dataclass(slots=True)
class Growth:
    """A draft while it grows.

    Attributes:
        start: tokens of the sentence before it.
        closed: the source sentence is complete.
        limit: units at most.
        tokens, lengths, log_q, entropy, finished: as of `Draft`; the last length may still be 0.
    """

    start: int
    closed: bool
    limit: int
    tokens: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=lambda: [0])
    log_q: list[float] = field(default_factory=list)
    entropy: list[float] = field(default_factory=list)
    finished: bool = False

    def take(
        self,
        logits: Tensor,
        units: Units,
        draw: Callable[[int], float] | None,
        temperature: float,
    ) -> int | None:
        """Choose the next token from logits (V,); None ends the draft."""
        while True:
            unit = self.tokens[len(self.tokens) - self.lengths[-1] :]
            position = self.start + len(self.tokens)
            place = units.place(unit, first=position == 0)
            logs = units.logs(logits, place, self.closed, 1 / temperature)
            if draw is None:
                token = units.likeliest(logits, place, logs)
            else:
                token = units.drawn(logs, draw, position)
            log_q = float(logs[token])
            if token != units.end:
                break
            self.log_q[-1] += log_q
            if len(self.lengths) == self.limit:
                return None
            self.lengths.append(0)
        if token == units.subwords.eos:
            self.finished = True
            return None
        self.tokens.append(token)
        self.log_q.append(log_q)
        self.entropy.append(float(-(logs.exp() * logs).sum()))
        self.lengths[-1] += 1
        return token

    def break_off(self) -> None:
        """Let go of a unit that has no room to be finished."""
        begun = len(self.tokens) - self.lengths.pop()
        del self.tokens[begun:], self.log_q[begun:], self.entropy[begun:]

    def draft(self, units: Units, withheld: int) -> Draft:
        """What has been drafted, `withheld` source words unseen."""
        lengths = tuple(length for length in self.lengths if length)
        ends = accumulate(lengths, initial=0)
        texts = tuple(units.subwords.text(self.tokens[a:b]) for a, b in pairwise(ends))
        return Draft(
            tuple(self.tokens),
            lengths,
            texts,
            tuple(self.log_q),
            tuple(self.entropy),
            self.finished,
            withheld,
        )


def places(draft: Draft, units: Units, first: bool) -> list[tuple[int, int, Place]]:
    """The choices that a draft was made by: token or `end`, index of its logits, and place.

    Args:
        draft: to be scored.
        units: of the model.
        first: nothing stands before it.
    """
    found = []
    end = 0
    for length in draft.lengths:
        begin, end = end, end + length
        for at in range(begin, end):
            place = units.place(draft.tokens[begin:at], first=first and at == 0)
            found.append((draft.tokens[at], at, place))
        found.append((units.end, end, units.place(draft.tokens[begin:end], first=False)))
    return found
