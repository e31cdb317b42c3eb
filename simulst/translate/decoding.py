"""The wait-k Transformer as a `Translator`: drafting and scoring with a cache.

A request takes from its cache the longest run of positions that match and computes the rest,
so that a stale cache costs time but never changes a result, and the draft (which sees less
source) and its verification keep a track each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from simulst.protocols import Request
from simulst.translate.cache import Cache, Track, common, cut, pad, pick, stack
from simulst.translate.cache import mask as attention_mask
from simulst.translate.model import Past, WaitkTransformer
from simulst.translate.vocabulary import Vocabulary
from simulst.types import Draft, Score

__all__ = ["WaitkTranslator"]

TRACKS = 2  # one for p and one for q
LONGEST_UNIT = 24  # tokens; a "word" beyond that is a loop and is cut


@dataclass(slots=True)
class _Row:
    """A request while it is worked on."""

    closed: bool
    cache: Cache
    entries: list[tuple[int, int]]  # positions already in `past`
    past: Past
    others: tuple[Track, ...]
    todo: list[tuple[int, int]]  # positions to compute, the last one predicts the next token
    visible: int


class WaitkTranslator:
    """Drafts and scores with a wait-k Transformer. Implements `Translator`.

    Args:
        model: the weights.
        vocabulary: its subwords.
        source_language, target_language: ISO 639-1.
    """

    def __init__(
        self,
        model: WaitkTransformer,
        vocabulary: Vocabulary,
        source_language: str,
        target_language: str,
    ) -> None:
        self.model = model.eval()
        self.vocabulary = vocabulary
        self.source_language = source_language
        self.target_language = target_language
        self.vocabulary_id = vocabulary.id
        self.space = " " if vocabulary.unit == "word" else ""
        bias = torch.zeros(4, vocabulary.size)
        bias[:, vocabulary.never] = -torch.inf
        bias[:2, vocabulary.eos] = -torch.inf  # rows: inside a unit, at its start while open,
        bias[1:, vocabulary.never_first] = -torch.inf  # at its start when closed
        self._bias = bias[:3]

    # -- the source ---------------------------------------------------------------------

    def _source(self, request: Request) -> tuple[list[int], list[int]]:
        """Tokens, and how many of them are visible after 1, 2, ... units."""
        words = self.vocabulary.encode_words(request.source)
        tokens = [token for word in words for token in word]
        ends = list(accumulate(len(word) for word in words))
        if request.closed:
            tokens.append(self.vocabulary.eos)
            ends.append(len(tokens))
        return tokens, ends

    def _encode(self, requests: Sequence[Request]) -> list[tuple[Cache, list[int]]]:
        """Bring each row's source up to date, all new tokens in one pass."""
        rows: list[tuple[Cache, list[int], list[int]]] = []
        for request in requests:
            assert request.source, "nothing to translate before the first source word"
            tokens, ends = self._source(request)
            cache = request.cache if isinstance(request.cache, Cache) else Cache((), [], [], ())
            same = common(cache.tokens, tokens)
            if same < len(cache.tokens) and same < len(tokens):
                kept = Cache(
                    cache.tokens[:same], cut(cache.encoder, same), cut(cache.memory, same), ()
                )
                cache = kept if same else Cache((), [], [], ())
            rows.append((cache, tokens[len(cache.tokens) :], ends))
        busy = [i for i, (_, new, _) in enumerate(rows) if new]
        if busy:
            past, valid = stack([rows[i][0].encoder for i in busy], len(self.model.encoder))
            tokens_in, fresh = pad([rows[i][1] for i in busy])
            start = torch.tensor([len(rows[i][0].tokens) for i in busy])
            width = 0 if past is None else past[0][0].shape[2]
            mask = attention_mask(valid, fresh, tokens_in.shape[1], width)
            states, now = self.model.encode(tokens_in, start, past, mask)
            memory = self.model.memory(states)
            columns = None
            if valid is not None and fresh is not None:
                columns = torch.cat([valid, fresh], dim=1)
            for j, i in enumerate(busy):
                cache, new, ends = rows[i]
                mine = None if columns is None else columns[j]
                fresh_memory = pick(memory, j, None if fresh is None else fresh[j])
                if cache.memory:
                    fresh_memory = [
                        (torch.cat([a[0], b[0]], dim=1), torch.cat([a[1], b[1]], dim=1))
                        for a, b in zip(cache.memory, fresh_memory, strict=True)
                    ]
                done = Cache(
                    cache.tokens + tuple(new), pick(now, j, mine), fresh_memory, cache.tracks
                )
                rows[i] = (done, [], ends)
        return [(cache, ends) for cache, _, ends in rows]

    # -- the target ---------------------------------------------------------------------

    def _rows(self, requests: Sequence[Request], drafts: Sequence[Draft] | None) -> list[_Row]:
        rows = []
        for i, (request, (cache, ends)) in enumerate(
            zip(requests, self._encode(requests), strict=True)
        ):
            units = len(request.source) + request.closed - request.withheld
            assert units >= 1, "the writer may look at no source word"
            visible = ends[units - 1]
            prefix = request.prefix
            inputs = [self.vocabulary.bos, *prefix.tokens]
            sights: list[int] = []
            for length, seen in zip(prefix.lengths, prefix.seen, strict=True):
                sights += [ends[max(seen - request.withheld, 1) - 1]] * length
            if drafts is not None:
                inputs += drafts[i].tokens[:-1]
                sights += [visible] * (len(drafts[i].tokens) - 1)
            entries = list(zip(inputs, [*sights, visible], strict=True))
            best, overlap = None, 0
            for track in cache.tracks:
                # one position at least is computed: its prediction is wanted
                same = min(common(track.entries, entries), len(request.prefix.tokens))
                if same > overlap:
                    best, overlap = track, same
            rows.append(
                _Row(
                    closed=request.closed,
                    cache=cache,
                    entries=entries[:overlap],
                    past=cut(best.past, overlap) if best else [],
                    others=tuple(t for t in cache.tracks if t is not best)[: TRACKS - 1],
                    todo=entries[overlap:],
                    visible=visible,
                )
            )
        return rows

    def _memory(self, rows: Sequence[_Row]) -> Past:
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
        rows: Sequence[_Row],
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
        if valid is not None and fresh is not None:
            valid = torch.cat([valid, fresh], dim=1)
        for row in rows:
            row.entries += row.todo
            row.todo = []
        return states, now, valid

    def _distribution(
        self, states: Tensor, at_start: Sequence[bool], closed: Sequence[bool]
    ) -> Tensor:
        """Logits (N, V) with what may not come masked."""
        kinds = [0 if not a else 2 if c else 1 for a, c in zip(at_start, closed, strict=True)]
        return self.model.logits(states) + self._bias[kinds]

    def _caches(self, rows: Sequence[_Row], past: Past, valid: Tensor | None) -> list[Cache]:
        done = []
        for i, row in enumerate(rows):
            track = Track(tuple(row.entries), pick(past, i, None if valid is None else valid[i]))
            done.append(
                Cache(row.cache.tokens, row.cache.encoder, row.cache.memory, (track, *row.others))
            )
        return done

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
        memory = self._memory(rows)
        past, valid = stack([row.past for row in rows], len(self.model.decoder))
        starts = [len(request.prefix.tokens) for request in requests]
        tokens: list[list[int]] = [[] for _ in rows]
        lengths: list[list[int]] = [[0] for _ in rows]
        log_q: list[list[float]] = [[] for _ in rows]
        entropy: list[list[float]] = [[] for _ in rows]
        finished = [False] * len(rows)
        live = list(range(len(rows)))
        while True:
            last = torch.tensor([max(len(row.todo), 1) - 1 for row in rows])
            states, past, valid = self._advance(rows, memory, past, valid)
            ends = states[live, last[live]]
            logits = self._distribution(
                ends, [lengths[i][-1] == 0 for i in live], [rows[i].closed for i in live]
            )
            logs = torch.log_softmax(logits / temperature, dim=-1)  # (live, V)
            best = logs.argmax(dim=-1)
            spread = -torch.special.xlogy(e := logs.exp(), e).sum(dim=-1)
            going = []
            for j, i in enumerate(live):
                draw = draws[i]
                token = int(best[j])
                if draw is not None:
                    mass = e[j].double().cumsum(0)
                    where = torch.searchsorted(
                        mass, mass[-1] * draw(starts[i] + len(tokens[i])), right=True
                    )
                    token = int(where)
                if token == self.vocabulary.eos:
                    finished[i] = True
                    continue
                tokens[i].append(token)
                log_q[i].append(float(logs[j, token]))
                entropy[i].append(float(spread[j]))
                lengths[i][-1] += 1
                if self.vocabulary.ends[token] or lengths[i][-1] >= LONGEST_UNIT:
                    if len(lengths[i]) == limits[i]:
                        continue
                    lengths[i].append(0)
                going.append(i)
                rows[i].todo = [(token, rows[i].visible)]
            live = going
            if not live:
                break
        caches = self._caches(rows, past, valid)
        results: list[tuple[Draft, object]] = []
        for i, cache in enumerate(caches):
            kept = [length for length in lengths[i] if length]
            ends_at = list(accumulate(kept, initial=0))
            units = tuple(self.vocabulary.text(tokens[i][a:b]) for a, b in pairwise(ends_at))
            found = Draft(
                tuple(tokens[i]),
                tuple(kept),
                units,
                tuple(log_q[i]),
                tuple(entropy[i]),
                finished[i],
            )
            results.append((found, cache))
        return results

    @torch.inference_mode()
    def score(
        self, requests: Sequence[Request], drafts: Sequence[Draft], sharpness: float = 1.0
    ) -> list[tuple[Score, object]]:
        """Score whole drafts in one pass; see `Translator`."""
        if not requests:
            return []
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
        logs = torch.log_softmax(logits, dim=-1)
        spread = -torch.special.xlogy(e := logs.exp(), e).sum(dim=-1).cpu()
        sharp = logs if sharpness == 1 else torch.log_softmax(logits * sharpness, dim=-1)
        chosen = torch.tensor([token for draft in drafts for token in draft.tokens])
        log_p = sharp.gather(1, chosen.unsqueeze(1)).squeeze(1).tolist()
        best = logs.argmax(dim=-1).tolist()
        flat = spread.tolist()
        results: list[tuple[Score, object]] = []
        end = 0
        for draft, cache in zip(drafts, self._caches(rows, past, valid), strict=True):
            begin, end = end, end + len(draft.tokens)
            part = slice(begin, end)
            results.append((Score(tuple(log_p[part]), tuple(best[part]), tuple(flat[part])), cache))
        return results
