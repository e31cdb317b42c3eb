"""What a translator remembers of a sentence, and how rows of it are batched.

The cache is a value. It holds the encoded source, which a causal encoder never has to change,
and a few decoder tracks: keys and values of target positions together with the input token
and the number of source tokens each was computed with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from simulst.translate.model import Past

__all__ = ["Cache", "Track", "common", "cut", "mask", "pad", "pick", "stack"]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Decoder states of target positions.

    Attributes:
        entries: (input token, visible source tokens) of each position.
        past: per layer, keys and values (H, T, D / H).
    """

    entries: tuple[tuple[int, int], ...]
    past: Past


@dataclass(frozen=True, slots=True, eq=False)
class Cache:
    """What was computed for a sentence.

    Attributes:
        tokens: source tokens encoded.
        encoder: per layer, their keys and values (H, S, D / H).
        memory: per decoder layer, keys and values for attention to the source (H, S, D / H).
        tracks: the latest first.
    """

    tokens: tuple[int, ...]
    encoder: Past
    memory: Past
    tracks: tuple[Track, ...]


def common(a: Sequence[object], b: Sequence[object]) -> int:
    """Length of the longest common prefix."""
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


def cut(past: Past, end: int) -> Past:
    """The first `end` positions of one row."""
    return [(key[:, :end], value[:, :end]) for key, value in past]


def stack(rows: Sequence[Past], layers: int) -> tuple[Past | None, Tensor | None]:
    """Pad pasts of several rows on the right: ((B, H, P, D / H) per layer, valid (B, P))."""
    if len(rows) == 1:
        past = [(key.unsqueeze(0), value.unsqueeze(0)) for key, value in rows[0]]
        return past or None, None
    lengths = [row[0][0].shape[1] if row else 0 for row in rows]
    longest = max(lengths)
    if longest == 0:
        return None, torch.zeros(len(rows), 0, dtype=torch.bool)
    like = next(row[0][0] for row in rows if row)
    stacked: Past = []
    for layer in range(layers):
        pair = []
        for part in range(2):
            full = like.new_zeros(len(rows), like.shape[0], longest, like.shape[2])
            for i, row in enumerate(rows):
                if row:
                    full[i, :, : lengths[i]] = row[layer][part]
            pair.append(full)
        stacked.append((pair[0], pair[1]))
    valid = torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)
    return stacked, valid


def mask(valid: Tensor | None, fresh: Tensor | None, width: int, past: int) -> Tensor | None:
    """(B, 1, n, P + n): past keys that are valid, fresh keys that are valid and not ahead.

    None where a single row needs no mask: without a past, or with a single fresh token.
    """
    if valid is None and fresh is None and (width == 1 or past == 0):
        return None
    rows = 1 if valid is None else valid.shape[0]
    before = valid if valid is not None else torch.ones(rows, past, dtype=torch.bool)
    causal = torch.ones(width, width, dtype=torch.bool).tril()
    now = causal.expand(rows, width, width)
    if fresh is not None:
        # a padded query looks at itself alone, which keeps its softmax finite
        now = (now & fresh.unsqueeze(1)) | torch.eye(width, dtype=torch.bool)
    return torch.cat([before.unsqueeze(1).expand(rows, width, -1), now], dim=2).unsqueeze(1)


def pick(past: Past, row: int, columns: Tensor | None) -> Past:
    """One row's keys and values, the padding left out."""
    if columns is None:
        return [(key[row], value[row]) for key, value in past]
    return [(key[row][:, columns], value[row][:, columns]) for key, value in past]


def pad(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor | None]:
    """Ids (B, n) padded on the right and, for several rows, which of them count."""
    if len(rows) == 1:
        return torch.tensor([rows[0]]), None
    width = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
    return ids, torch.arange(width) < torch.tensor([len(row) for row in rows]).unsqueeze(1)
