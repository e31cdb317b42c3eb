"""The layers of a Whisper in plain PyTorch, with transformers' names.

Heads are 64 wide. There are no masks but the decoder's causal one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["GUIDED_HEADS", "Attention", "DecoderLayer", "EncoderLayer"]

GUIDED_HEADS = 2
"""Heads of each decoder layer that are taught where to look; they tell word times later."""


class Attention(nn.Module):
    """Attention of one sequence over another, or over itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor, causal: bool = False) -> Tensor:
        """What x (B, U, D) finds in memory (B, T, D): (B, U, D)."""
        b, t, d = x.shape
        q = self.q_proj(x).view(b, t, self.heads, -1).transpose(1, 2)  # (B, H, T, 64)
        k = self.k_proj(memory).view(b, memory.shape[1], self.heads, -1).transpose(1, 2)
        v = self.v_proj(memory).view(b, memory.shape[1], self.heads, -1).transpose(1, 2)
        if causal or q.is_cuda:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)  # (B, H, T, 64)
        else:  # on a CPU in bfloat16 torch's own takes twice as long as its parts
            y = _attend(q, k, v)
        return self.out_proj(y.transpose(1, 2).reshape(b, t, d))  # type: ignore[no-any-return]

    def looks(self, x: Tensor, memory: Tensor) -> Tensor:
        """Where the first `GUIDED_HEADS` heads look: (B, heads, U, T), each row sums to 1."""
        width = 64 * min(GUIDED_HEADS, self.heads)
        q = F.linear(x, self.q_proj.weight[:width], self.q_proj.bias[:width])
        k = F.linear(memory, self.k_proj.weight[:width])
        q = q.view(*q.shape[:2], -1, 64).transpose(1, 2)  # (B, H, U, 64)
        k = k.view(*k.shape[:2], -1, 64).transpose(1, 2)  # (B, H, T, 64)
        shares: Tensor = (q @ k.transpose(2, 3) / 8.0).float().softmax(-1)
        return shares


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention without a mask: (B, H, U, 64) of queries (B, H, U, 64) over (B, H, T, 64)."""
    b, h, u, width = q.shape
    keys = k.reshape(b * h, -1, width).transpose(1, 2)
    nothing = q.new_zeros(1, 1, 1)
    scores = torch.baddbmm(nothing, q.reshape(b * h, u, width), keys, beta=0.0, alpha=width**-0.5)
    return torch.bmm(scores.softmax(-1), v.reshape(b * h, -1, width)).view(b, h, u, width)


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward part, each behind its own norm."""

    def __init__(self, width: int, heads: int, dropout: float, feedforward: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, feedforward)
        self.fc2 = nn.Linear(feedforward, width)
        self.final_layer_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """The next states (B, T, D)."""
        x = x + self.dropout(self.attended(x))
        out: Tensor = x + self.dropout(self.transformed(x))  # (B, T, D)
        return out

    def attended(self, x: Tensor) -> Tensor:
        """What attention adds to states (B, T, D)."""
        y = self.self_attn_layer_norm(x)
        added: Tensor = self.self_attn(y, y)
        return added

    def transformed(self, x: Tensor) -> Tensor:
        """What the feed-forward part adds to states (B, T, D)."""
        added: Tensor = self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))
        return added


class DecoderLayer(EncoderLayer):
    """An encoder layer that also attends to the encoder's states."""

    def __init__(self, width: int, heads: int, dropout: float, feedforward: int) -> None:
        super().__init__(width, heads, dropout, feedforward)
        self.encoder_attn = Attention(width, heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(width)

    def decode(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The next states (B, U, D) and where the guided heads look (B, heads, U, T)."""
        y = self.self_attn_layer_norm(x)
        x = x + self.dropout(self.self_attn(y, y, causal=True))
        y = self.encoder_attn_layer_norm(x)
        looks = self.encoder_attn.looks(y, memory)
        x = x + self.dropout(self.encoder_attn(y, memory))
        return x + self.dropout(self.transformed(x)), looks

    def read(self, x: Tensor) -> Tensor:
        """The next states (B, U, D) where nothing is heard."""
        y = self.self_attn_layer_norm(x)
        x = x + self.dropout(self.self_attn(y, y, causal=True))
        out: Tensor = x + self.dropout(self.transformed(x))  # (B, U, D)
        return out
