"""The source side of cached decoding: words to tokens, and tokens to states.

A causal encoder's states never change, so only what is new is computed; a bidirectional encoder
starts afresh whenever its source has grown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch

from simulst.protocols import Request
from simulst.translate.cache import Cache, common, cut, pad, pick, stack
from simulst.translate.cache import mask as attention_mask
from simulst.translate.model import WaitkTransformer
from simulst.translate.vocabulary import Vocabulary

__all__ = ["encode_sources"]

EMPTY = Cache((), [], [], ())


def _tokens(
    model: WaitkTransformer, vocabulary: Vocabulary, request: Request
) -> tuple[list[int], list[int]]:
    """Tokens, and how many of them are visible after 1, 2, ... units.

    A bidirectional encoder gets what the writer may see and shows all of it everywhere.
    """
    words = vocabulary.encode_words(request.source)
    tokens = [token for word in words for token in word]
    ends = list(accumulate(len(word) for word in words))
    if request.closed:
        tokens.append(vocabulary.eos)
        ends.append(len(tokens))
    if model.dim.bidirectional:
        seen = ends[len(ends) - 1 - request.withheld]
        return tokens[:seen], [seen] * len(ends)
    return tokens, ends


def _usable(cache: object, tokens: list[int], bidirectional: bool) -> Cache:
    """What of a request's cache belongs to its source."""
    if not isinstance(cache, Cache):
        return EMPTY
    if bidirectional:  # every state depends on every token
        return cache if cache.tokens == tuple(tokens) else EMPTY
    same = common(cache.tokens, tokens)
    if same < len(cache.tokens) and same < len(tokens):
        if not same:
            return EMPTY
        return Cache(cache.tokens[:same], cut(cache.encoder, same), cut(cache.memory, same), ())
    return cache


def encode_sources(
    model: WaitkTransformer, vocabulary: Vocabulary, requests: Sequence[Request]
) -> list[tuple[Cache, list[int]]]:
    """Bring each row's source up to date, all new tokens in one pass.

    Args:
        model, vocabulary: the translator's.
        requests: at least one source word each.

    Returns:
        For each row its cache, and how many source tokens are visible after 1, 2, ... units.
    """
    rows: list[tuple[Cache, list[int], list[int]]] = []
    for request in requests:
        assert request.source, "nothing to translate before the first source word"
        tokens, ends = _tokens(model, vocabulary, request)
        cache = _usable(request.cache, tokens, model.dim.bidirectional)
        rows.append((cache, tokens[len(cache.tokens) :], ends))
    busy = [i for i, (_, new, _) in enumerate(rows) if new]
    if busy:
        past, valid = stack([rows[i][0].encoder for i in busy], len(model.encoder))
        tokens_in, fresh = pad([rows[i][1] for i in busy])
        start = torch.tensor([len(rows[i][0].tokens) for i in busy])
        width = 0 if past is None else past[0][0].shape[2]
        if model.dim.bidirectional:
            mask = None if fresh is None else fresh[:, None, None]
        else:
            mask = attention_mask(valid, fresh, tokens_in.shape[1], width)
        states, now = model.encode(tokens_in, start, past, mask)
        memory = model.memory(states)
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
            done = Cache(cache.tokens + tuple(new), pick(now, j, mine), fresh_memory, cache.tracks)
            rows[i] = (done, [], ends)
    return [(cache, ends) for cache, _, ends in rows]
