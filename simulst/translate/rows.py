"""The target side of cached decoding: what of a request is computed already, and what is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from torch import Tensor

from simulst.protocols import Request
from simulst.translate.cache import Cache, Track, common, cut, pick
from simulst.translate.model import Past
from simulst.translate.vocabulary import Vocabulary
from simulst.types import Draft

__all__ = ["LONGEST_UNIT", "Row", "caches_of", "open_rows"]

TRACKS = 2  # one for p and one for q
LONGEST_UNIT = 24  # tokens; a "word" beyond that is a loop and is cut


@dataclass(slots=True)
class Row:
    """A request while it is worked on.

    Attributes:
        closed: the source sentence is complete.
        cache: with the source encoded.
        entries: (input token, visible source tokens) of the positions in `past`.
        past: their keys and values.
        others: tracks of the cache that were not taken up.
        todo: positions to compute, the last one predicts the next token.
        visible: source tokens that the writer may see.
        tokens, lengths, log_q, entropy, finished: of the draft that grows.
    """

    closed: bool
    cache: Cache
    entries: list[tuple[int, int]]
    past: Past
    others: tuple[Track, ...]
    todo: list[tuple[int, int]]
    visible: int
    tokens: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=lambda: [0])
    log_q: list[float] = field(default_factory=list)
    entropy: list[float] = field(default_factory=list)
    finished: bool = False

    def write(
        self, token: int, log_q: float, entropy: float, limit: int, vocabulary: Vocabulary
    ) -> bool:
        """Add a token to the draft; return whether the draft goes on.

        Args:
            token: drawn by q.
            log_q, entropy: as in `Draft`.
            limit: units of the draft at most.
            vocabulary: says where units end.
        """
        if token == vocabulary.eos:
            self.finished = True
            return False
        self.tokens.append(token)
        self.log_q.append(log_q)
        self.entropy.append(entropy)
        self.lengths[-1] += 1
        if vocabulary.ends[token] or self.lengths[-1] >= LONGEST_UNIT:
            if len(self.lengths) == limit:
                return False
            self.lengths.append(0)
        self.todo = [(token, self.visible)]
        return True

    def draft(self, vocabulary: Vocabulary, withheld: int) -> Draft:
        """What has been written, `withheld` source words unseen."""
        lengths = tuple(length for length in self.lengths if length)
        ends = accumulate(lengths, initial=0)
        units = tuple(vocabulary.text(self.tokens[a:b]) for a, b in pairwise(ends))
        return Draft(
            tuple(self.tokens),
            lengths,
            units,
            tuple(self.log_q),
            tuple(self.entropy),
            self.finished,
            withheld,
        )


def open_rows(
    vocabulary: Vocabulary,
    requests: Sequence[Request],
    encoded: Sequence[tuple[Cache, list[int]]],
    drafts: Sequence[Draft] | None = None,
) -> list[Row]:
    """Take from each cache the longest run of positions that match.

    Args:
        vocabulary: of the translator.
        requests: one a sentence.
        encoded: what `encode_sources` returned for them.
        drafts: to be scored behind the prefixes; None to draft.
    """
    rows = []
    for i, (request, (cache, ends)) in enumerate(zip(requests, encoded, strict=True)):
        units = len(request.source) + request.closed - request.withheld
        assert units >= 1, "the writer may look at no source word"
        visible = ends[units - 1]
        prefix = request.prefix
        inputs = [vocabulary.bos, *prefix.tokens]
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
            Row(
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


def caches_of(
    rows: Sequence[Row], batch: Sequence[int], past: Past, valid: Tensor | None
) -> dict[int, Cache]:
    """What the tensors of a batch hold of each of its rows.

    Args:
        rows: all of them.
        batch: the rows that the tensors hold.
        past: keys and values of their positions.
        valid: (B, P) which positions count; None if all do.
    """
    done = {}
    for place, i in enumerate(batch):
        cache, mine = rows[i].cache, None if valid is None else valid[place]
        track = Track(tuple(rows[i].entries), pick(past, place, mine))
        tracks = (track, *rows[i].others)
        done[i] = Cache(cache.tokens, cache.encoder, cache.memory, tracks)
    return done
