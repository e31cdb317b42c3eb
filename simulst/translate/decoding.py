"""The wait-k Transformer as a `Translator`: drafting and scoring with a cache.

A request takes from its cache the longest run of positions that match and computes the rest,
so that a stale cache costs time but never changes a result, and the draft (which sees less
source) and its verification keep a track each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from simulst.errors import ModelError
from simulst.protocols import Request
from simulst.translate.cache import Cache, pad, stack
from simulst.translate.cache import mask as attention_mask
from simulst.translate.evidence import EvidenceHead, Facts, features
from simulst.translate.model import Past, WaitkTransformer
from simulst.translate.rows import LONGEST_UNIT, Row, caches_of, open_rows
from simulst.translate.source import encode_sources
from simulst.translate.vocabulary import Vocabulary
from simulst.types import Draft, Score

__all__ = ["LONGEST_UNIT", "WaitkTranslator"]

BARRED = -1e9  # added to a logit; finite, so that 0 x log 0 stays 0 in the entropy


def _at(mass: Tensor, u: float) -> int:
    """The token at which the cumulated probabilities (V,) pass u in [0, 1)."""
    sums = mass.double().cumsum(0)
    return int(torch.searchsorted(sums, sums[-1] * u, right=True))


class WaitkTranslator:
    """Drafts and scores with a wait-k Transformer. Implements `Translator`.

    Args:
        model: the weights.
        vocabulary: its subwords.
        source_language, target_language: ISO 639-1.
        evidence: expects acceptance by the full source, learnt with these weights; it makes
            `score` give `Score.expected`.

    Raises:
        ModelError: the evidence reads states of another width.
    """

    def __init__(
        self,
        model: WaitkTransformer,
        vocabulary: Vocabulary,
        source_language: str,
        target_language: str,
        evidence: EvidenceHead | None = None,
    ) -> None:
        if evidence is not None and evidence.width != model.dim.width:
            raise ModelError(
                f"the learned evidence reads states of width {evidence.width}, the model's have "
                f"{model.dim.width}: train it again for this model"
            )
        self.model = model.eval()
        self.evidence = None if evidence is None else evidence.eval()
        self.learned_lookbacks = () if evidence is None else evidence.lookbacks
        self.vocabulary = vocabulary
        self.source_language = source_language
        self.target_language = target_language
        self.vocabulary_id = vocabulary.id
        self.space = " " if vocabulary.unit == "word" else ""
        bias = torch.zeros(4, vocabulary.size)
        bias[:, vocabulary.never] = BARRED
        bias[:2, vocabulary.eos] = BARRED  # rows: inside a unit, at its start while open,
        bias[1:, vocabulary.never_first] = BARRED  # at its start when closed
        self.bias = bias[:3]

    def spell(self, text: str) -> list[tuple[str, tuple[int, ...]]]:
        """Text and subwords of each unit of a text."""
        units = self.vocabulary.encode_units(text)
        return [(self.vocabulary.text(unit), unit) for unit in units]

    # -- what both share ----------------------------------------------------------------

    def _rows(self, requests: Sequence[Request], drafts: Sequence[Draft] | None) -> list[Row]:
        encoded = encode_sources(self.model, self.vocabulary, requests)
        return open_rows(self.vocabulary, requests, encoded, drafts)

    def _memory(self, rows: Sequence[Row]) -> Past:
        """Keys and values of the source, (B, H, S, D / H) per layer."""
        if len(rows) == 1:
            end = max(row.visible for row in rows)
            return [(k[None, :, :end], v[None, :, :end]) for k, v in rows[0].cache.memory]
        stacked, _ = stack([row.cache.memory for row in rows], len(self.model.decoder))
        assert stacked is not None
        return stacked

    def _source_mask(self, sights: Sequence[Sequence[int]], memory: Past) -> Tensor | None:
        """(B, 1, n, S): which source tokens each position sees; None if all see everything."""
        size = memory[0][0].shape[2]
        if len(sights) == 1 and all(sight == size for sight in sights[0]):
            return None
        width = max(len(row) for row in sights)
        seen = torch.tensor([[*row, *[1] * (width - len(row))] for row in sights])
        return (torch.arange(size) < seen.unsqueeze(-1)).unsqueeze(1)

    def _advance(
        self,
        rows: Sequence[Row],
        memory: Past,
        past: Past | None,
        valid: Tensor | None,
    ) -> tuple[Tensor, Past, Tensor | None]:
        """Compute each row's open positions; return states (B, n, D) and the longer past."""
        ids, fresh = pad([[token for token, _ in row.todo] for row in rows])
        start = torch.tensor([len(row.entries) for row in rows])
        width = 0 if past is None else past[0][0].shape[2]
        source_mask = self._source_mask([[s for _, s in row.todo] for row in rows], memory)
        mask = attention_mask(valid, fresh, ids.shape[1], width)
        states, now = self.model.decode(ids, start, memory, source_mask, past, mask)
        if valid is not None:
            new = torch.ones_like(ids, dtype=torch.bool) if fresh is None else fresh
            valid = torch.cat([valid, new], dim=1)
        for row in rows:
            row.entries += row.todo
            row.todo = []
        return states, now, valid

    def _distribution(
        self, states: Tensor, at_start: Sequence[bool], closed: Sequence[bool]
    ) -> Tensor:
        """Logits (N, V) with what may not come masked."""
        kinds = [0 if not a else 2 if c else 1 for a, c in zip(at_start, closed, strict=True)]
        return self.model.logits(states) + self.bias[kinds]

    # -- drafting -----------------------------------------------------------------------

    @torch.inference_mode()
    def draft(
        self,
        requests: Sequence[Request],
        limits: Sequence[int],
        draws: Sequence[Callable[[int], float] | None],
        temperature: float = 1.0,
    ) -> list[tuple[Draft, object]]:
        """Propose up to `limits[i]` further units; see `Translator`."""
        if not requests:
            return []
        rows = self._rows(requests, None)
        done: dict[int, Cache] = {}
        batch = list(range(len(rows)))  # the rows that the tensors hold
        memory = self._memory(rows)
        past, valid = stack([row.past for row in rows], len(self.model.decoder))
        live = batch
        while live:
            going_on = set(live)
            inside = [rows[i] for i in batch]
            last = torch.tensor([max(len(row.todo), 1) - 1 for row in inside])
            states, past, valid = self._advance(inside, memory, past, valid)
            places = [place for place, i in enumerate(batch) if i in going_on]
            ends = states[places, last[places]]
            at_start = [rows[i].lengths[-1] == 0 for i in live]
            logits = self._distribution(ends, at_start, [rows[i].closed for i in live])
            logs = torch.log_softmax(logits / temperature, dim=-1)  # (live, V)
            mass = logs.exp()
            best = logs.argmax(dim=-1).tolist()
            spread = (mass * logs).sum(dim=-1).neg().tolist()
            going = []
            for j, i in enumerate(live):
                draw, token = draws[i], best[j]
                if draw is not None:
                    position = len(requests[i].prefix.tokens) + len(rows[i].tokens)
                    token = _at(mass[j], draw(position))
                log_q = float(logs[j, token])
                if rows[i].write(token, log_q, spread[j], limits[i], self.vocabulary):
                    going.append(i)
            live = going
            if 2 * len(live) <= len(batch):
                # finished rows have cost enough: keep what they computed and let them go
                done |= caches_of(rows, batch, past, valid)
                places = [batch.index(i) for i in live]
                past = [(key[places], value[places]) for key, value in past]
                memory = [(key[places], value[places]) for key, value in memory]
                valid = None if valid is None else valid[places]
                batch = live
        return [
            (row.draft(self.vocabulary, request.withheld), done[i])
            for i, (row, request) in enumerate(zip(rows, requests, strict=True))
        ]

    # -- scoring ------------------------------------------------------------------------

    def _verify(
        self, requests: Sequence[Request], drafts: Sequence[Draft]
    ) -> tuple[Facts, Tensor, dict[int, Cache]]:
        """One teacher-forced pass: what it found, the logits (N, V), and the new caches."""
        assert all(draft.tokens for draft in drafts), "an empty draft needs no score"
        rows = self._rows(requests, drafts)
        memory = self._memory(rows)
        past, valid = stack([row.past for row in rows], len(self.model.decoder))
        counts = [len(row.todo) for row in rows]
        states, past, valid = self._advance(rows, memory, past, valid)
        wanted = torch.cat(
            [
                states[i, count - len(draft.tokens) : count]
                for i, (count, draft) in enumerate(zip(counts, drafts, strict=True))
            ]
        )  # (N, D), all drafts one after another
        at_start: list[bool] = []
        for draft in drafts:
            at_start += [j == 0 for length in draft.lengths for j in range(length)]
        closed = [r.closed for r, d in zip(rows, drafts, strict=True) for _ in d.tokens]
        logits = self._distribution(wanted, at_start, closed)
        chosen = torch.tensor([token for draft in drafts for token in draft.tokens])
        facts = Facts(wanted, torch.log_softmax(logits, dim=-1), chosen)
        return facts, logits, caches_of(rows, range(len(rows)), past, valid)

    @torch.inference_mode()
    def score(
        self, requests: Sequence[Request], drafts: Sequence[Draft], sharpness: float = 1.0
    ) -> list[tuple[Score, object]]:
        """Score whole drafts in one pass; see `Translator`."""
        if not requests:
            return []
        facts, logits, caches = self._verify(requests, drafts)
        logs = facts.logs
        spread = (-(logs.exp() * logs).sum(dim=-1)).tolist()
        sharp = logs if sharpness == 1 else torch.log_softmax(logits * sharpness, dim=-1)
        log_p = sharp.gather(1, facts.chosen.unsqueeze(1)).squeeze(1).tolist()
        best = logs.argmax(dim=-1).tolist()
        expected = None
        if self.evidence is not None:
            expected = self.evidence(features(requests, drafts, facts)).sigmoid().tolist()
        results: list[tuple[Score, object]] = []
        end = 0
        for i, (request, draft) in enumerate(zip(requests, drafts, strict=True)):
            begin, end = end, end + len(draft.tokens)
            part = slice(begin, end)
            # once the source is whole there is nothing left to expect
            alphas = None if expected is None or request.closed else tuple(expected[part])
            score = Score(tuple(log_p[part]), tuple(best[part]), tuple(spread[part]), alphas)
            results.append((score, caches[i]))
        return results

    @torch.inference_mode()
    def features(self, requests: Sequence[Request], drafts: Sequence[Draft]) -> list[Tensor]:
        """What an `EvidenceHead` reads of each draft, (n, F) for its n tokens.

        Args:
            requests: open sentences, as `score` gets them.
            drafts: as many.
        """
        if not requests:
            return []
        seen = features(requests, drafts, self._verify(requests, drafts)[0])
        return list(torch.split(seen, [len(draft.tokens) for draft in drafts]))
