"""A translator that writes names and terms as a glossary says.

It wraps any translator. Where that one would write its own word for a term, the term's target is
written instead, once for each time the term was said: with probability one, as there is nothing
to choose, while everything else keeps its probability. Drafting and scoring follow the same rule,
so that an acceptor asks of a term what it asks of a word: whether the translation would still
begin it here with more of the source. What is written stays, so a term that no word gave away is
put in before the sentence ends, where it is likeliest.

Known ways to write given terms are a beam of hypotheses that hold them (Hokamp and Liu 2017; Post
and Vilar 2018), which takes back, and training with annotated sources (Song et al. 2019; Dinu et
al. 2019), which models that are given do not have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from simulst.errors import ModelError
from simulst.glossary import Terms, bare
from simulst.protocols import Request, Translator
from simulst.translate.counterfactual import Counterfactual
from simulst.translate.dues import Due, Ledger, Unit, beginning
from simulst.translate.growing import Growing, behind, cut, given, joined, without_first
from simulst.types import Draft, Score

__all__ = ["Spelling", "TermTranslator", "with_terms"]

ALONE = 1.0
"""Nats that a word must lose without a term to be taken for its translation where all others
lose less, in a sentence that would end without the term."""
MARKS = ("", ",", ".", "?", "!", ":", ";")
"""What may follow a term in scripts with spaces, where a mark belongs to the word before it."""

Place = tuple[int, Due, str]
"""Units that stand before a term, the term, and the word that it replaces, if any."""


@runtime_checkable
class Spelling(Translator, Protocol):
    """A translator that can be told words."""

    def spell(self, text: str) -> list[Unit]:
        """Text and subwords of each unit of a text."""
        ...


class TermTranslator:
    """Drafts and scores with the terms of a glossary. Implements `Translator`.

    Args:
        translator: writes everything else.
        terms: into its target language.
    """

    def __init__(self, translator: Spelling, terms: Terms) -> None:
        self.translator = translator
        self.source_language = translator.source_language
        self.target_language = translator.target_language
        self.vocabulary_id = translator.vocabulary_id
        self.space = translator.space
        self.learned_lookbacks = translator.learned_lookbacks
        self._own = Counterfactual(translator)
        self._ledger = Ledger(terms, translator.spell)

    # -- drafting ---------------------------------------------------------------------------

    def draft(
        self,
        requests: Sequence[Request],
        limits: Sequence[int],
        draws: Sequence[Callable[[int], float] | None],
        temperature: float = 1.0,
    ) -> list[tuple[Draft, object]]:
        """Propose up to `limits[i]` further units; see `Translator`."""
        rows = [self._own.open(*each) for each in zip(requests, limits, draws, strict=True)]
        while busy := [row for row in rows if row.going_on]:
            begun = [(row, rest) for row in busy if (rest := self._ledger.rest(row.request))]
            self._write([(row, due, count, "") for row, (due, count) in begun])
            if not begun:
                self._grow(busy, temperature)
        return [(row.draft(), self._own.cache(row, self._ledger.due(row.request))) for row in rows]

    def _grow(self, rows: Sequence[Growing], temperature: float) -> None:
        """Draft freely, as far as the first word that translates a term, and begin the term."""
        dues = [self._ledger.due(row.request) for row in rows]
        drafts = self._own.free(
            rows,
            # a unit more tells an article from the word behind it
            [row.left + bool(due) for row, due in zip(rows, dues, strict=True)],
            [row.draw for row in rows],
            temperature,
        )
        logs = [draft.log_q for draft in drafts]
        if temperature != 1:
            owing = [i for i, due in enumerate(dues) if due and drafts[i].tokens]
            seen = self._own.score([rows[i] for i in owing], [drafts[i] for i in owing])
            for i, score in zip(owing, seen, strict=True):
                logs[i] = score.log_p
        losses = self._own.losses(rows, drafts, dues, logs)
        begun: list[tuple[Growing, Due, int, str]] = []
        for row, draft, due, loss in zip(rows, drafts, dues, losses, strict=True):
            place = _place(draft, due, loss, len(row.request.prefix.lengths))
            here = place is not None and place[0] < row.left
            if due and not here and row.request.closed and not row.request.withheld:
                place = self._last_place(row, draft, due, loss)
            finished, room = draft.finished and len(draft.units) <= row.left, row.left
            row.take(cut(draft, room if place is None else min(room, place[0])))
            if place is None or place[0] >= room:
                row.end(finished)
            elif not place[1].target:  # its last words are not heard yet
                row.end(finished=False)
            else:
                begun.append((row, place[1], 0, place[2]))
        self._write(begun)

    def _last_place(
        self, row: Growing, draft: Draft, dues: Sequence[Due], losses: Sequence[Sequence[float]]
    ) -> Place:
        """Where a term goes that no word gave away, in the rest of a sentence that has its end."""
        found = [
            (loss, -unit, due)
            for due, each in zip(dues, losses, strict=True)
            for unit, loss in enumerate(each[: max(row.left - len(due.units) + 1, 1)])
        ]
        most, unit, due = max(found, key=lambda each: each[:2], default=(0.0, 0, dues[0]))
        if most >= ALONE:
            return -unit, due, draft.units[-unit]
        due = dues[0]
        term = given(due.units)
        tries = []
        # neither behind the mark of the last word, nor where there is no room
        last = min(len(draft.units), row.left - len(due.units) + 1)
        for place in range(max(last, 1)):
            tries.append(joined((cut(draft, place), term, without_first(draft, place))))
        likelihoods = [sum(score.log_p) for score in self._own.score([row] * len(tries), tries)]
        return likelihoods.index(max(likelihoods)), due, ""

    def _write(self, terms: Sequence[tuple[Growing, Due, int, str]]) -> None:
        """Write a unit of each term, with the mark that the translator would put behind it."""
        choices = [self._choices(due, count, word) for _, due, count, word in terms]
        tries = [
            (row, given([unit]))
            for (row, *_), units in zip(terms, choices, strict=True)
            for unit in (units if len(units) > 1 else ())
        ]
        scores = iter(self._own.score([row for row, _ in tries], [each for _, each in tries]))
        for (row, due, *_), units in zip(terms, choices, strict=True):
            best = units[0]
            if len(units) > 1:
                likelihoods = [sum(next(scores).log_p) for _ in units]
                best = units[likelihoods.index(max(likelihoods))]
            row.take(replace(given([best]), terms=(due.start,)))

    def _choices(self, due: Due, count: int, word: str) -> list[Unit]:
        """The ways in which a unit of a term may be written, in place of a word."""
        if not self.space:
            return [due.units[count]]
        before, after = _around(word)
        last = count + 1 == len(due.units)
        ends = ((after,) if after else MARKS) if last else ("",)
        found = []
        for end in ends:
            units = self.translator.spell(f"{'' if count else before}{due.target}{end}")
            if len(units) == len(due.units):
                found.append(units[count])
        return found or [due.units[count]]

    # -- scoring ----------------------------------------------------------------------------

    def score(
        self, requests: Sequence[Request], drafts: Sequence[Draft], sharpness: float = 1.0
    ) -> list[tuple[Score, object]]:
        """Score whole drafts; see `Translator`. A term has probability one or none."""
        rows = [self._own.open(request, 0, None) for request in requests]
        scores = self._own.score(rows, drafts, sharpness)
        dues = [self._ledger.due(row.request) for row in rows]
        owing = [i for i, due in enumerate(dues) if due and not requests[i].closed]
        plain = [scores[i] for i in owing]
        if sharpness != 1:
            plain = self._own.score([rows[i] for i in owing], [drafts[i] for i in owing])
        losses = self._own.losses(
            [rows[i] for i in owing],
            [drafts[i] for i in owing],
            [dues[i] for i in owing],
            [score.log_p for score in plain],
        )
        asked = []
        for i, loss in zip(owing, losses, strict=True):
            asked += [(i, unit) for unit in _doubtful(requests[i], drafts[i], dues[i], loss)]
        would = self._would_begin(
            [replace(rows[i], request=behind(rows[i].request, cut(drafts[i], u))) for i, u in asked]
        )
        answers = dict(zip(asked, would, strict=True))
        found: list[tuple[Score, object]] = []
        for i, (row, draft, score) in enumerate(zip(rows, drafts, scores, strict=True)):
            answer = {unit: due for (j, unit), due in answers.items() if j == i}
            found.append(
                (
                    _settled(draft, score, answer),
                    self._own.cache(row, self._ledger.due(row.request)),
                )
            )
        return found

    def _would_begin(self, rows: Sequence[Growing]) -> list[int | None]:
        """The term that the translator's own next word translates, by its first source word."""
        dues = [self._ledger.due(row.request) for row in rows]
        drafts = self._own.free(rows, [2] * len(rows), [None] * len(rows), 1.0)
        losses = self._own.losses(rows, drafts, dues, [draft.log_q for draft in drafts])
        places = [
            _place(draft, due, loss, len(row.request.prefix.lengths))
            for row, draft, due, loss in zip(rows, drafts, dues, losses, strict=True)
        ]
        return [place[1].start if place and place[0] == 0 else None for place in places]


def _place(
    draft: Draft, dues: Sequence[Due], losses: Sequence[Sequence[float]], written: int
) -> Place | None:
    found = beginning(draft.units, dues, losses, written)
    return None if found is None else (found[0], dues[found[1]], draft.units[found[0]])


def _around(word: str) -> tuple[str, str]:
    """The punctuation before and after a word."""
    before, _, after = word.partition(bare(word)) if bare(word) else ("", "", "")
    return before, after


def _doubtful(
    request: Request, draft: Draft, dues: Sequence[Due], losses: Sequence[Sequence[float]]
) -> list[int]:
    """Units of a draft at which a term begins, or may have to."""
    found, before = [], request.prefix.terms[-1:] or (-1,)
    written: set[int] = set()
    for unit, term in enumerate(draft.terms or (-1,) * len(draft.units)):
        if term >= 0:
            if term != before[-1]:
                found.append(unit)
            written.add(term)
        else:
            left = [i for i, due in enumerate(dues) if due.start not in written]
            one = [losses[i][unit : unit + 1] for i in left]
            if beginning(draft.units[unit : unit + 1], [dues[i] for i in left], one):
                found.append(unit)
        before = (term,)
    return found


def _settled(draft: Draft, score: Score, would: dict[int, int | None]) -> Score:
    """A score in which terms are certain, or out of place.

    Args:
        draft, score: what was scored, without a glossary.
        would: for the units that were asked about, which term the translator would begin there.
    """
    log_p, best, entropy = list(score.log_p), list(score.best), list(score.entropy)
    expected = None if score.expected is None else list(score.expected)
    end = 0
    for unit, (length, term) in enumerate(
        zip(draft.lengths, draft.terms or (-1,) * len(draft.units), strict=True)
    ):
        begin, end = end, end + length
        if term < 0 and would.get(unit) is None:
            continue
        right = would.get(unit, term) == term
        for i in range(begin, end):
            log_p[i], entropy[i] = (0.0 if right else -math.inf), 0.0
            best[i] = draft.tokens[i] if right else -1
            if expected is not None:
                expected[i] = float(right)
    return Score(
        tuple(log_p), tuple(best), tuple(entropy), None if expected is None else tuple(expected)
    )


def with_terms(translator: Translator, terms: Terms) -> Translator:
    """The translator with the terms of a glossary.

    Raises:
        ModelError: it cannot be told words.
    """
    if not isinstance(translator, Spelling):
        raise ModelError(
            f"{type(translator).__name__} cannot spell a glossary's terms: leave the glossary out, "
            "or choose another translator"
        )
    return TermTranslator(translator, terms)
