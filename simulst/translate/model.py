"""The wait-k Transformer: a causal encoder and a decoder told how much source it may see.

The encoder is causal, so the states of source words already read never change and are
computed once (Elbayad et al. 2020, "Efficient Wait-k Models for Simultaneous Machine
Translation"). The decoder takes, for every target position, the number of source tokens
visible there; one set of weights therefore serves every k. Positions are sinusoidal, layers
are pre-norm, one embedding serves source, target and output.

The module holds weights only. What streaming must remember is passed in and handed back:
`encode` and `decode` take past keys and values and return the new ones.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulst.errors import ModelError

__all__ = ["Dimensions", "WaitkTransformer"]


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Sizes of the model; stored in its pack.

    Attributes:
        vocabulary: subwords, shared by both sides.
        width: of the hidden states, a multiple of heads.
        heads: of every attention.
        feedforward: width of the inner layer.
        encoder_layers, decoder_layers: depth.
        bidirectional: the encoder looks both ways, as a teacher's does that always has the whole
            source; its states change with every word.
    """

    vocabulary: int
    width: int = 256
    heads: int = 4
    feedforward: int = 1024
    encoder_layers: int = 4
    decoder_layers: int = 2
    bidirectional: bool = False

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "bidirectional" and value < 1:
                raise ModelError(f"{name} is {value}: it must be at least 1")
        if self.width % (2 * self.heads):
            raise ModelError(f"width {self.width} must be a multiple of 2 x heads ({self.heads})")

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def positions(index: Tensor, width: int) -> Tensor:
    """Sinusoidal position codes (Vaswani et al. 2017) for any shape of indices."""
    half = width // 2
    rate = torch.exp(torch.arange(half, device=index.device) * (-math.log(10_000.0) / half))
    angle = index.unsqueeze(-1) * rate
    return torch.cat([angle.sin(), angle.cos()], dim=-1)  # (..., width)


def split(x: Tensor, heads: int) -> Tensor:
    """(B, n, D) -> (B, H, n, D / H)."""
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)


def drop(share: float) -> nn.Module:
    """Dropout, or nothing at all: even idle it costs a tenth of a decoding step."""
    return nn.Dropout(share) if share > 0 else nn.Identity()


class SelfAttention(nn.Module):
    """Multi-head self-attention over past keys and values followed by the new ones."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inputs = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(
        self, x: Tensor, past: tuple[Tensor, Tensor] | None, mask: Tensor | None, causal: bool
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the attended states (B, n, D) and all keys and values (B, H, P + n, D / H)."""
        query, key, value = self.inputs(x).chunk(3, dim=-1)
        query, key, value = (split(part, self.heads) for part in (query, key, value))
        if past is not None:
            key = torch.cat([past[0], key], dim=2)
            value = torch.cat([past[1], value], dim=2)
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        return self.output(y.transpose(1, 2).flatten(2)), (key, value)


class FeedForward(nn.Sequential):
    """Two linear layers with ReLU."""

    def __init__(self, width: int, inner: int, dropout: float) -> None:
        super().__init__(nn.Linear(width, inner), nn.ReLU(), drop(dropout), nn.Linear(inner, width))


class EncoderLayer(nn.Module):
    """Causal self-attention and feed-forward, pre-norm."""

    def __init__(self, dim: Dimensions, dropout: float) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(dim.width)
        self.attention = SelfAttention(dim.width, dim.heads)
        self.norm_feedforward = nn.LayerNorm(dim.width)
        self.feedforward = FeedForward(dim.width, dim.feedforward, dropout)
        self.dropout = drop(dropout)

    def forward(
        self, x: Tensor, past: tuple[Tensor, Tensor] | None, mask: Tensor | None, causal: bool
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, n, D) -> (B, n, D) and the keys and values seen so far."""
        y, now = self.attention(self.norm_attention(x), past, mask, causal)
        x = x + self.dropout(y)
        return x + self.dropout(self.feedforward(self.norm_feedforward(x))), now


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to the visible source, feed-forward, pre-norm."""

    def __init__(self, dim: Dimensions, dropout: float) -> None:
        super().__init__()
        self.heads = dim.heads
        self.norm_attention = nn.LayerNorm(dim.width)
        self.attention = SelfAttention(dim.width, dim.heads)
        self.norm_source = nn.LayerNorm(dim.width)
        self.source_query = nn.Linear(dim.width, dim.width)
        self.source_output = nn.Linear(dim.width, dim.width)
        self.norm_feedforward = nn.LayerNorm(dim.width)
        self.feedforward = FeedForward(dim.width, dim.feedforward, dropout)
        self.dropout = drop(dropout)

    def forward(
        self,
        x: Tensor,
        past: tuple[Tensor, Tensor] | None,
        mask: Tensor | None,
        causal: bool,
        source: tuple[Tensor, Tensor],
        source_mask: Tensor | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, n, D) -> (B, n, D) and the keys and values of the target so far."""
        y, now = self.attention(self.norm_attention(x), past, mask, causal)
        x = x + self.dropout(y)
        query = split(self.source_query(self.norm_source(x)), self.heads)
        y = F.scaled_dot_product_attention(query, *source, attn_mask=source_mask)
        x = x + self.dropout(self.source_output(y.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.feedforward(self.norm_feedforward(x))), now


Past = list[tuple[Tensor, Tensor]]
"""Keys and values of each layer, each (B, H, P, D / H)."""


class WaitkTransformer(nn.Module):
    """Causal encoder and decoder with one shared embedding.

    Attributes:
        ahead: added to the logits of a bidirectional encoder's attention to later tokens in
            `forward`: from far below zero, where it is as good as causal, training may raise it
            to 0, which is what is stored and used.
    """

    def __init__(self, dim: Dimensions, dropout: float = 0.0) -> None:
        super().__init__()
        self.dim = dim
        self.ahead = 0.0
        self.embedding = nn.Embedding(dim.vocabulary, dim.width)
        self.encoder = nn.ModuleList(EncoderLayer(dim, dropout) for _ in range(dim.encoder_layers))
        self.encoder_norm = nn.LayerNorm(dim.width)
        self.decoder = nn.ModuleList(DecoderLayer(dim, dropout) for _ in range(dim.decoder_layers))
        # keys and values of the source for all decoder layers in one product
        self.source_memory = nn.Linear(dim.width, 2 * dim.width * dim.decoder_layers)
        self.decoder_norm = nn.LayerNorm(dim.width)
        self.dropout = drop(dropout)
        self.reset()

    def reset(self) -> None:
        """Draw new weights: Xavier for matrices, N(0, 1/D) for the embedding."""
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        nn.init.normal_(self.embedding.weight, std=self.dim.width**-0.5)

    def embed(self, tokens: Tensor, start: Tensor) -> Tensor:
        """Embed tokens (B, n) whose first one stands at position start (B,)."""
        index = start.unsqueeze(1) + torch.arange(tokens.shape[1], device=tokens.device)
        x: Tensor = self.embedding(tokens) * math.sqrt(self.dim.width)
        x = self.dropout(x + positions(index, self.dim.width).to(x.dtype))  # (B, n, D)
        return x

    def encode(
        self,
        tokens: Tensor,
        start: Tensor,
        past: Past | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Past]:
        """Encode source tokens that follow those already encoded.

        Args:
            tokens: (B, n) ids.
            start: (B,) position of the first of them.
            past: keys and values of earlier tokens.
            mask: (B, 1, n, P + n) or broadcast to it, true where attention may go; None, which
                is only right without a past, means causal, or everywhere if bidirectional.

        Returns:
            Source states (B, n, D), and the keys and values of all tokens so far.
        """
        x = self.embed(tokens, start)
        causal = mask is None and past is None and not self.dim.bidirectional
        now: Past = []
        for i, layer in enumerate(self.encoder):
            x, kept = layer(x, past[i] if past else None, mask, causal)
            now.append(kept)
        return self.encoder_norm(x), now

    def memory(self, states: Tensor) -> Past:
        """Keys and values of source states (B, S, D) for each decoder layer."""
        parts = self.source_memory(states).chunk(2 * len(self.decoder), dim=-1)
        rows = [split(part, self.dim.heads) for part in parts]
        return list(zip(rows[::2], rows[1::2], strict=True))

    def decode(
        self,
        tokens: Tensor,
        start: Tensor,
        memory: Past,
        source_mask: Tensor | None,
        past: Past | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Past]:
        """Decode target tokens that follow those already decoded.

        Args:
            tokens: (B, n) ids, each the token before the one to be predicted.
            start: (B,) position of the first of them.
            memory: what `memory` returned.
            source_mask: (B, 1, n, S), true where a position may look at the source; None
                lets every position see all of `memory`.
            past, mask: as in `encode`.

        Returns:
            States (B, n, D) before the output layer, and the keys and values so far.
        """
        x = self.embed(tokens, start)
        now: Past = []
        for i, layer in enumerate(self.decoder):
            causal = mask is None and past is None and tokens.shape[1] > 1
            x, kept = layer(x, past[i] if past else None, mask, causal, memory[i], source_mask)
            now.append(kept)
        return self.decoder_norm(x), now

    def logits(self, states: Tensor) -> Tensor:
        """(..., D) -> (..., V)."""
        return F.linear(states, self.embedding.weight)

    def forward(self, source: Tensor, target: Tensor, visible: Tensor, keep: Tensor) -> Tensor:
        """Teacher-forced pass for training.

        Args:
            source: (B, S) ids, padded on the right.
            target: (B, T) ids shifted right, padded on the right.
            visible: (B, T) source tokens that each position may see, 1 <= visible <= length; one
                position at least sees all.
            keep: (B, T) bool, the N positions whose prediction is wanted.

        Returns:
            Logits (N, V), row by row. Padding needs no mask but for a bidirectional encoder: it
            stands to the right of all that is causal, and `visible` never reaches it.
        """
        zero = torch.zeros(source.shape[0], dtype=torch.long, device=source.device)
        index = torch.arange(source.shape[1], device=source.device)
        inside = None
        if self.dim.bidirectional:
            inside = (index < visible.amax(dim=1, keepdim=True))[:, None, None]  # (B, 1, 1, S)
            if self.ahead:
                bias = self.ahead * (index > index.unsqueeze(1)).to(self.embedding.weight)  # (S, S)
                inside = bias.masked_fill(~inside, -math.inf)  # (B, 1, S, S)
        states, _ = self.encode(source, zero, mask=inside)
        source_mask = (index < visible.unsqueeze(-1)).unsqueeze(1)  # (B, 1, T, S)
        y, _ = self.decode(target, zero, self.memory(states), source_mask)
        return self.logits(y[keep])
