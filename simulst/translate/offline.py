"""Translators of whole sentences, used live: test-time wait-k (Ma et al. 2019).

Such a model has never seen half a sentence. It is given the beginning of the source as if it were
a whole one, and goes on with what has been written; as its encoder looks both ways, all states are
computed anew when the source has grown. A draft without the last L words is therefore the model
on a shorter source, and what p computed at one step serves the draft of the next.

Everything depends on source, prefix and weights alone, so that a cache, which holds decoders'
states together with the source and the tokens that they belong to, only saves time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from simulst.protocols import Request
from simulst.translate.cache import common
from simulst.translate.subwords import Subwords
from simulst.translate.units import Growth, Units, places
from simulst.types import Draft, Score

__all__ = ["Decoder", "OfflineTranslator", "Reading"]

READINGS = 2  # one for p and one for q

UNSPACED = frozenset(
    ("zh", "zho", "cmn", "yue", "ja", "jpn", "th", "tha", "lo", "lao", "km", "khm", "my", "mya")
)
"""Languages written without spaces between words, in two letters or three."""


class Reading(Protocol):
    """A source and a beginning of its target, as a decoder has read them."""

    @property
    def source(self) -> tuple[str, ...]:
        """Words."""
        ...

    @property
    def tokens(self) -> tuple[int, ...]:
        """Of the target, what every target begins with included."""
        ...


class Decoder(Protocol):
    """What of a model is needed; its readings are values."""

    start: tuple[int, ...]
    """What every target begins with."""
    size: int
    """Numbers in its logits, V."""
    positions: int
    """Tokens that a target may have, those at its start included."""

    @property
    def subwords(self) -> Subwords:
        """Of the model."""
        ...

    def open(self, sources: Sequence[tuple[str, ...]]) -> Sequence[Reading]:
        """Readings of which nothing of the target has been read."""
        ...

    def cut(self, reading: Reading, end: int) -> Reading:
        """The first `end` tokens of a reading."""
        ...

    def advance(
        self, readings: Sequence[Reading], tokens: Sequence[Sequence[int]], wanted: Sequence[int]
    ) -> list[tuple[Reading, Tensor]]:
        """Read on; return the longer readings with logits (wanted, V) after their last tokens."""
        ...


class OfflineTranslator:
    """Drafts and scores with a model of whole sentences. Implements `Translator`.

    Args:
        decoder: of the model.
        source_language, target_language: ISO 639-1, or as the model names them.
    """

    learned_lookbacks: tuple[int, ...] = ()

    def __init__(self, decoder: Decoder, source_language: str, target_language: str) -> None:
        self._decoder = decoder
        self._units = Units(decoder.subwords, decoder.size)
        self.vocabulary_id = decoder.subwords.id
        self.source_language = source_language
        self.target_language = target_language
        self.space = "" if re.split("[-_]", target_language)[0] in UNSPACED else " "

    def spell(self, text: str) -> list[tuple[str, tuple[int, ...]]]:
        """Text and subwords of each unit of a text."""
        subwords, units = self._decoder.subwords, list[list[int]]()
        for token in subwords.target(text):
            if not units or subwords.begins.get(token, False):
                units.append([])
            units[-1].append(token)
        return [(subwords.text(unit), tuple(unit)) for unit in units]

    def _readings(
        self, requests: Sequence[Request]
    ) -> tuple[list[Reading], list[list[int]], list[tuple[Reading, ...]]]:
        """What is read already, the tokens of the prefix that are not, and the other readings."""
        found: list[Reading | None] = []
        others: list[tuple[Reading, ...]] = []
        sources = []
        for request in requests:
            count = len(request.source) - request.withheld
            assert count >= 1, "the writer may look at no source word"
            source = request.source[:count]
            known: tuple[Reading, ...] = ()
            if isinstance(request.cache, _Cache) and request.cache.owner is self._decoder:
                known = request.cache.readings
            mine = next((r for r in known if r.source == source), None)
            found.append(mine)
            others.append(tuple(r for r in known if r is not mine)[: READINGS - 1])
            sources.append(source)
        new = [i for i, reading in enumerate(found) if reading is None]
        for i, opened in zip(new, self._decoder.open([sources[i] for i in new]), strict=True):
            found[i] = opened
        readings, rest = [], []
        for request, reading in zip(requests, found, strict=True):
            assert reading is not None
            inputs = [*self._decoder.start, *request.prefix.tokens]
            # one token at least is read, if there is any: what follows it is wanted
            same = min(common(reading.tokens, inputs), max(len(inputs) - 1, 0))
            readings.append(self._decoder.cut(reading, same))
            rest.append(inputs[same:])
        return readings, rest, others

    @torch.inference_mode()
    def draft(
        self,
        requests: Sequence[Request],
        limits: Sequence[int],
        draws: Sequence[Callable[[int], float] | None],
        temperature: float = 1.0,
    ) -> list[tuple[Draft, object]]:
        """Propose up to `limits[i]` further units; see `Translator`.

        A draw is also asked, by ~position, whether the unit before a position is over.
        """
        if not requests:
            return []
        readings, todo, others = self._readings(requests)
        growths = [
            Growth(len(request.prefix.tokens), request.closed, limit)
            for request, limit in zip(requests, limits, strict=True)
        ]
        live = list(range(len(requests)))
        while live:
            advanced = self._decoder.advance(
                [readings[i] for i in live], [todo[i] for i in live], [1] * len(live)
            )
            going = []
            for i, (reading, logits) in zip(live, advanced, strict=True):
                readings[i] = reading
                if len(reading.tokens) >= self._decoder.positions:
                    growths[i].break_off()
                    continue
                token = growths[i].take(logits[0], self._units, draws[i], temperature)
                if token is not None:
                    todo[i] = [token]
                    going.append(i)
            live = going
        return [
            (growth.draft(self._units, request.withheld), self._cache(reading, rest))
            for growth, request, reading, rest in zip(
                growths, requests, readings, others, strict=True
            )
        ]

    @torch.inference_mode()
    def score(
        self, requests: Sequence[Request], drafts: Sequence[Draft], sharpness: float = 1.0
    ) -> list[tuple[Score, object]]:
        """Score whole drafts in one pass; see `Translator`."""
        if not requests:
            return []
        assert all(draft.tokens for draft in drafts), "an empty draft needs no score"
        readings, todo, others = self._readings(requests)
        advanced = self._decoder.advance(
            readings,
            [[*rest, *draft.tokens] for rest, draft in zip(todo, drafts, strict=True)],
            [len(draft.tokens) + 1 for draft in drafts],
        )
        return [
            (self._score(request, draft, logits, sharpness), self._cache(reading, rest))
            for request, draft, (reading, logits), rest in zip(
                requests, drafts, advanced, others, strict=True
            )
        ]

    def _score(self, request: Request, draft: Draft, logits: Tensor, sharpness: float) -> Score:
        """What logits (n + 1, V) say of the n tokens of a draft, and of the ends of its units."""
        units = self._units
        log_p: list[float] = []
        best: list[int] = []
        entropy: list[float] = []
        for token, at, place in places(draft, units, first=not request.prefix.tokens):
            logs = units.logs(logits[at], place, request.closed)
            sharp = logs
            if sharpness != 1:
                sharp = units.logs(logits[at], place, request.closed, sharpness)
            favourite = units.likeliest(logits[at], place, logs)
            if token == units.end:
                log_p[-1] += float(sharp[token])
                if favourite != units.end:
                    best[-1] = -1  # another word, which only begins like this one
                continue
            log_p.append(float(sharp[token]))
            best.append(-1 if favourite == units.end else favourite)
            entropy.append(float(-(logs.exp() * logs).sum()))
        return Score(tuple(log_p), tuple(best), tuple(entropy))

    def _cache(self, reading: Reading, others: tuple[Reading, ...]) -> _Cache:
        return _Cache(self._decoder, (reading, *others))


class _Cache:
    """The latest readings of a sentence, and whose they are."""

    __slots__ = ("owner", "readings")

    def __init__(self, owner: Decoder, readings: tuple[Reading, ...]) -> None:
        self.owner = owner
        self.readings = readings
