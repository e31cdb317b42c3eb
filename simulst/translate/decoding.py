"""The wait-k Transformer as a `Translator`: drafting and scoring with a cache.

A request takes from its cache the longest run of positions that match and computes the rest,
so that a stale cache costs time but never changes a result, and the draft (which sees less
source) and its verification keep a track each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
BARRED = -1e9  # added to a logit; finite, so that 0 x log 0 stays 0 in the entropy
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
    # the draft that grows
    tokens: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=lambda: [0])
    log_q: list[float] = field(default_factory=list)
    entropy: list[float] = field(default_factory=list)
    finished: bool = False


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
        bias[:, vocabulary.never] = BARRED
        bias[:2, vocabulary.eos] = BARRED  # rows: inside a unit, at its start while open,
        bias[1:, vocabulary.never_first] = BARRED  # at its start when closed
        self._bias = bias[:3]

    # -- the source ---------------------------------------------------------------------

    def _source(self, request: Request) -> tuple[list[int], list[int]]:
        """Tokens, and how many of them are visible after 1, 2, ... units.

        A bidirectional encoder gets what the writer may see and shows all of it everywhere.
        """
        words = self.vocabulary.encode_words(request.source)
        tokens = [token for word in words for token in word]
        ends = list(accumulate(len(word) for word in words))
        if request.closed:
            tokens.append(self.vocabulary.eos)
            ends.append(len(tokens))
        if self.model.dim.bidirectional:
            seen = ends[len(ends) - 1 - request.withheld]
            return tokens[:seen], [seen] * len(ends)
        return tokens, ends

    def _encode(self, requests: Sequence[Request]) -> list[tuple[Cache, list[int]]]:
        """Bring each row's source up to date, all new tokens in one pass."""
        rows: list[tuple[Cache, list[int], list[int]]] = []
        for request in requests:
            assert request.source, "nothing to translate before the first source word"
            tokens, ends = self._source(request)
            cache = request.cache if isinstance(request.cache, Cache) else Cache((), [], [], ())
            same = common(cache.tokens, tokens)
            if self.model.dim.bidirectional:
                if cache.tokens != tuple(tokens):  # every state depends on every token
                    cache = Cache((), [], [], ())
            elif same < len(cache.tokens) and same < len(tokens):
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
            if self.model.dim.bidirectional:
                mask = None if fresh is None else fresh[:, None, None]
            else:
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
        return self.model.logits(states) + self._bias[kinds]

    @staticmethod
    def _caches(
        rows: Sequence[_Row], batch: Sequence[int], past: Past, valid: Tensor | None
    ) -> dict[int, Cache]:
        """What the tensors of a batch hold of each of its rows."""
        done = {}
        for place, i in enumerate(batch):
            cache, mine = rows[i].cache, None if valid is None else valid[place]
            track = Track(tuple(rows[i].entries), pick(past, place, mine))
            tracks = (track, *rows[i].others)
            done[i] = Cache(cache.tokens, cache.encoder, cache.memory, tracks)
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
                if self._write(rows[i], token, float(logs[j, token]), spread[j], limits[i]):
                    going.append(i)
            live = going
            if 2 * len(live) <= len(batch):
                # finished rows have cost enough: keep what they computed and let them go
                done |= self._caches(rows, batch, past, valid)
                places = [batch.index(i) for i in live]
                past = [(key[places], value[places]) for key, value in past]
                memory = [(key[places], value[places]) for key, value in memory]
                valid = None if valid is None else valid[places]
                batch = live
        return [(self._draft_of(row), done[i]) for i, row in enumerate(rows)]

    def _write(self, row: _Row, token: int, log_q: float, entropy: float, limit: int) -> bool:
        """Add a token to a row's draft; return whether the row goes on."""
        if token == self.vocabulary.eos:
            row.finished = True
            return False
        row.tokens.append(token)
        row.log_q.append(log_q)
        row.entropy.append(entropy)
        row.lengths[-1] += 1
        if self.vocabulary.ends[token] or row.lengths[-1] >= LONGEST_UNIT:
            if len(row.lengths) == limit:
                return False
            row.lengths.append(0)
        row.todo = [(token, row.visible)]
        return True

    def _draft_of(self, row: _Row) -> Draft:
        lengths = tuple(length for length in row.lengths if length)
        ends = accumulate(lengths, initial=0)
        units = tuple(self.vocabulary.text(row.tokens[a:b]) for a, b in pairwise(ends))
        return Draft(
            tuple(row.tokens), lengths, units, tuple(row.log_q), tuple(row.entropy), row.finished
        )

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
        spread = -(logs.exp() * logs).sum(dim=-1)
        sharp = logs if sharpness == 1 else torch.log_softmax(logits * sharpness, dim=-1)
        chosen = torch.tensor([token for draft in drafts for token in draft.tokens])
        log_p = sharp.gather(1, chosen.unsqueeze(1)).squeeze(1).tolist()
        best = logs.argmax(dim=-1).tolist()
        flat = spread.tolist()
        results: list[tuple[Score, object]] = []
        end = 0
        caches = self._caches(rows, range(len(rows)), past, valid)
        for i, draft in enumerate(drafts):
            begin, end = end, end + len(draft.tokens)
            part = slice(begin, end)
            score = Score(tuple(log_p[part]), tuple(best[part]), tuple(flat[part]))
            results.append((score, caches[i]))
        return results
