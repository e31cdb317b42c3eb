"""The decoder of an encoder-decoder of transformers, read on from value to value.

Models count positions from the first column of a batch, so that rows that have read equally much
go into one pass, and others into passes of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simulst.translate.drafts import batches
from simulst.translate.network import Network
from simulst.translate.offline import Reading

__all__ = ["TransformersDecoder"]

Layer = tuple[Tensor, Tensor, Tensor, Tensor]
"""Keys and values of the target (H, T, D / H), keys and values of the source (H, S, D / H)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Implements `Reading`.

    Attributes:
        source: words.
        states: of the encoder (S, D).
        tokens: that have been read.
        layers: empty before the first.
    """

    source: tuple[str, ...]
    states: Tensor
    tokens: tuple[int, ...] = ()
    layers: tuple[Layer, ...] = ()


class TransformersDecoder:
    """Implements `Decoder`.

    Args:
        network: the model.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.subwords = network.subwords
        self.start = network.start
        self.size = network.size
        self.positions = network.positions

    def open(self, sources: Sequence[tuple[str, ...]]) -> Sequence[Reading]:
        """Encode sources; see `Decoder`."""
        if not sources:
            return []
        encoded = self._network.encode(sources)
        lengths = encoded.filled.sum(dim=1).tolist()
        places = encoded.index.tolist()
        return [
            _Reading(source, encoded.states[place, : lengths[place]])
            for source, place in zip(sources, places, strict=True)
        ]

    def cut(self, reading: Reading, end: int) -> Reading:
        """The first `end` tokens of a reading; see `Decoder`."""
        assert isinstance(reading, _Reading)
        if end == len(reading.tokens):
            return reading
        layers = tuple((k[:, :end], v[:, :end], *source) for k, v, *source in reading.layers)
        kept: Any = layers if end else ()
        return _Reading(reading.source, reading.states, reading.tokens[:end], kept)

    def advance(
        self, readings: Sequence[Reading], tokens: Sequence[Sequence[int]], wanted: Sequence[int]
    ) -> list[tuple[Reading, Tensor]]:
        """Read on; see `Decoder`."""
        found: dict[int, tuple[Reading, Tensor]] = {}
        for length in sorted({len(reading.tokens) for reading in readings}):
            group = [i for i, reading in enumerate(readings) if len(reading.tokens) == length]
            for part in batches([len(tokens[i]) for i in group], self.size):
                rows = group[part]
                read = self._read([readings[i] for i in rows], [tokens[i] for i in rows])
                for i, (reading, logits) in zip(rows, read, strict=True):
                    found[i] = reading, logits[-wanted[i] :]
        return [found[i] for i in range(len(readings))]

    def _read(
        self, readings: Sequence[Reading], tokens: Sequence[Sequence[int]]
    ) -> list[tuple[Reading, Tensor]]:
        """Rows that have read equally much; logits (n, V) after each of their n new tokens."""
        network = self._network
        rows = [reading for reading in readings if isinstance(reading, _Reading)]
        states = _stacked([row.states for row in rows])  # (B, S, D)
        sizes = torch.tensor([len(row.states) for row in rows])
        filled = (torch.arange(states.shape[1]) < sizes.unsqueeze(1)).long()
        ids, _ = network.padded(tokens)
        cache = self._cache(rows)
        logits = network.decode(ids, states, filled, cache)
        layers = [
            (*own[:2], *other[:2])
            for own, other in zip(
                cache.self_attention_cache, cache.cross_attention_cache, strict=True
            )
        ]
        found: list[tuple[Reading, Tensor]] = []
        for i, (row, new) in enumerate(zip(rows, tokens, strict=True)):
            read = (*row.tokens, *new)
            size = len(row.states)
            mine = tuple(
                (k[i, :, : len(read)], v[i, :, : len(read)], x[i, :, :size], y[i, :, :size])
                for k, v, x, y in layers
            )
            free = network.allowed(logits[i, : len(new)], [True] * len(new))
            found.append((_Reading(row.source, row.states, read, mine), free))
        return found

    def _cache(self, rows: Sequence[_Reading]) -> Any:
        """What rows of equal length have read, as transformers keeps it."""
        from transformers import DynamicCache, EncoderDecoderCache

        own, other = DynamicCache(), DynamicCache()
        for layer in range(len(rows[0].layers)):
            parts = [row.layers[layer] for row in rows]
            key, value = (torch.stack([part[n] for part in parts]) for n in (0, 1))
            own.update(key, value, layer)
            key, value = (_stacked([p[n].transpose(0, 1) for p in parts]) for n in (2, 3))
            other.update(key.transpose(1, 2), value.transpose(1, 2), layer)
        return EncoderDecoderCache(own, other)


def _stacked(rows: Sequence[Tensor]) -> Tensor:
    """(n, ...) of each row with zeros behind it, (B, n, ...)."""
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
