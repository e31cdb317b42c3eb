"""A Whisper in plain PyTorch, for training: names as in transformers, so that it converts.

It takes windows of any length up to 30 s: sinusoidal positions are sliced. Padding is not
masked, as Whisper's is not; the windows that share a batch are of about one length, and what
padding there is teaches the padded way of running. What only trains the encoder is left behind
at export: a CTC head over letters, a head for phones, which gets the encoder off the ground where
the synthesiser tells them, and a projection onto a teacher's features. Decoding lives in
CTranslate2, not here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulst.train.listener.features import MELS, PHONES
from simulst.train.listener.layers import DecoderLayer, EncoderLayer

__all__ = [
    "LETTERS",
    "MAX_FRAMES",
    "MAX_TOKENS",
    "Dimensions",
    "Encoder",
    "Listener",
    "Scores",
    "letter_ids",
]

MAX_FRAMES = 1500
"""Encoder frames, 50 a second, of Whisper's longest window."""
MAX_TOKENS = 448
LETTERS = " abcdefghijklmnopqrstuvwxyz'"
"""What the CTC head spells; its blank is 0, letter i is i + 1."""


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The size of a model. Heads are 64 wide, as in every Whisper.

    Attributes:
        vocabulary: of the tokenizer.
        width: of states.
        encoder_layers: 0 where another encoder stands in.
        decoder_layers: of the decoder.
        taught: width of a teacher's features; 0 for no teacher.
        feedforward: width inside the feed-forward parts; 0 for four times the states'.
    """

    vocabulary: int
    width: int = 256
    encoder_layers: int = 5
    decoder_layers: int = 2
    taught: int = 0
    feedforward: int = 0

    @property
    def heads(self) -> int:
        """Of each attention."""
        return self.width // 64

    @property
    def inner(self) -> int:
        """Width inside the feed-forward parts."""
        return self.feedforward or 4 * self.width


_OFFSETS = ((-3, -1, 1, 3), (-6, -2, 2, 6), (-10, -4, 4, 10), (-6, 6))
"""Frames that the heads of the lower encoder layers look away from their own, at the start."""


def letter_ids(spoken: str) -> list[int]:
    """CTC labels of a text in `texts.spoken_form`."""
    return [LETTERS.index(letter) + 1 for letter in spoken]


class Encoder(nn.Module):
    """Whisper's encoder; any window length."""

    def __init__(self, sizes: Dimensions, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MELS, sizes.width, 3, padding=1)
        self.conv2 = nn.Conv1d(sizes.width, sizes.width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(MAX_FRAMES, sizes.width)
        self.embed_positions.weight = nn.Parameter(_sinusoids(sizes.width), requires_grad=False)
        self.layers = nn.ModuleList(
            EncoderLayer(sizes.width, sizes.heads, dropout, sizes.inner)
            for _ in range(sizes.encoder_layers)
        )
        self.layer_norm = nn.LayerNorm(sizes.width)

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """States (B, T, D) of the last layer, and of the one that phones are read from."""
        x = self.stem(mel)
        x = x + self.embed_positions.weight[: x.shape[1]]
        middle = x
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number < max(1, len(self.layers) - 2):
                middle = x
        return self.layer_norm(x), middle

    def stem(self, mel: Tensor) -> Tensor:
        """What the convolutions make of a mel (B, 80, frames), before positions: (B, T, D)."""
        return F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)


class Decoder(nn.Module):
    def __init__(self, sizes: Dimensions, dropout: float) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(sizes.vocabulary, sizes.width)
        self.embed_positions = nn.Embedding(MAX_TOKENS, sizes.width)
        self.layers = nn.ModuleList(
            DecoderLayer(sizes.width, sizes.heads, dropout, sizes.inner)
            for _ in range(sizes.decoder_layers)
        )
        self.layer_norm = nn.LayerNorm(sizes.width)

    def forward(self, tokens: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """States (B, U, D) and where the guided heads of all layers look (B, heads, U, T)."""
        x = self._embedded(tokens)
        looks: list[Tensor] = []
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)
            x, looked = layer.decode(x, memory)
            looks.append(looked)
        return self.layer_norm(x), torch.cat(looks, dim=1)

    def read(self, tokens: Tensor) -> Tensor:
        """States (B, U, D) where nothing is heard."""
        x = self._embedded(tokens)
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)
            x = layer.read(x)
        states: Tensor = self.layer_norm(x)
        return states

    def _embedded(self, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.embed_tokens(tokens)
        return embedded + self.embed_positions.weight[: tokens.shape[1]]


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model makes of a batch.

    Attributes:
        tokens: logits of the next token (B, U, V).
        letters: logits of CTC labels (B, T, 1 + letters).
        phones: logits (B, T, phones).
        looks: where the guided heads look when they expect the next token (B, heads, U, T).
        features: guess of a teacher's standardised features (B, T, taught); None without one.
    """

    tokens: Tensor
    letters: Tensor
    phones: Tensor
    looks: Tensor
    features: Tensor | None


class Listener(nn.Module):
    """Whisper's encoder and decoder with heads for training.

    Args:
        sizes: of the model.
        dropout: in every layer.
        encoder: stands in for an encoder of its own: mel to states and middle states.
    """

    def __init__(
        self, sizes: Dimensions, dropout: float = 0.0, encoder: nn.Module | None = None
    ) -> None:
        super().__init__()
        assert sizes.width % 64 == 0, sizes.width
        assert (encoder is None) == (sizes.encoder_layers > 0), sizes
        self.sizes = sizes
        self.encoder = encoder or Encoder(sizes, dropout)
        self.decoder = Decoder(sizes, dropout)
        self.ctc = nn.Linear(sizes.width, len(LETTERS) + 1)
        self.phones = nn.Sequential(nn.LayerNorm(sizes.width), nn.Linear(sizes.width, len(PHONES)))
        self.imitation = nn.Linear(sizes.width, sizes.taught) if sizes.taught else None
        if self.imitation is not None and sizes.width == sizes.taught:
            nn.init.eye_(self.imitation.weight)  # states may be the features themselves
        self._start()

    @torch.no_grad()
    def _start(self) -> None:
        """Where training starts; without it CTC takes five times as long to begin to spell.

        PyTorch's own start leaves sound 20 times fainter than the positions it is added to, so
        the stem is raised and the positions are lowered (they are ordinary weights of the pack).
        The lower layers' heads start by looking a few frames ahead or behind, as a convolution
        does: 32 pairs of channels are left to fast sinusoids, and queries are keys that are
        turned by the head's offset.
        """
        nn.init.normal_(self.decoder.embed_tokens.weight, std=0.02)
        nn.init.normal_(self.decoder.embed_positions.weight, std=0.02)
        encoder = self.encoder
        if not isinstance(encoder, Encoder):
            return
        encoder.conv1.weight *= 3.0
        encoder.conv2.weight *= 5.0
        if self.sizes.width < 128:
            return
        rates = torch.logspace(0.0, -1.4, 32)  # radians a frame
        angles = torch.arange(MAX_FRAMES)[:, None] * rates[None, :]  # (1500, 32)
        encoder.embed_positions.weight *= 0.1
        encoder.embed_positions.weight[:, :64] = 0.5 * torch.cat([angles.sin(), angles.cos()], 1)
        encoder.conv2.weight[:64] = 0.0
        encoder.conv2.bias[:64] = 0.0  # type: ignore[index]
        for layer, offsets in zip(encoder.layers, _OFFSETS, strict=False):
            assert isinstance(layer, EncoderLayer)
            for writer in (layer.self_attn.out_proj, layer.fc2):
                writer.weight[:64] = 0.0
                writer.bias[:64] = 0.0
            for head, offset in zip(range(self.sizes.heads), offsets, strict=False):
                turn = rates * offset
                rows = slice(64 * head, 64 * head + 64)
                key = torch.eye(64)
                query = torch.cat(
                    [
                        torch.cat([turn.cos().diag(), turn.sin().diag()], 1),
                        torch.cat([-turn.sin().diag(), turn.cos().diag()], 1),
                    ]
                )
                for projection, start in (
                    (layer.self_attn.k_proj, key),
                    (layer.self_attn.q_proj, query),
                ):
                    projection.weight[rows] *= 0.3
                    projection.weight[rows, :64] = 3.5 * start

    def forward(self, mel: Tensor, tokens: Tensor) -> Scores:
        """Teacher-forced scores.

        Args:
            mel: (B, 80, frames), frames even and at most 3,000.
            tokens: (B, U), the forced tokens from `<|startoftranscript|>` on.
        """
        memory, middle = self.encoder(mel)  # (B, T, D) each
        x, looks = self.decoder(tokens, memory)
        return Scores(
            tokens=F.linear(x, self.decoder.embed_tokens.weight),
            letters=self.ctc(memory),
            phones=self.phones(middle),
            looks=looks,
            features=None if self.imitation is None else self.imitation(memory),
        )

    def read(self, tokens: Tensor) -> Tensor:
        """Logits of the next token (B, U, V) of text that is read, after tokens (B, U)."""
        return F.linear(self.decoder.read(tokens), self.decoder.embed_tokens.weight)

    def parameter_count(self) -> int:
        """Weights that ship: without the heads for training, the tied output counted once."""
        return sum(
            weight.numel()
            for name, weight in self.named_parameters()
            if name.startswith(("encoder.", "decoder."))
        )


def _sinusoids(width: int) -> Tensor:
    """Whisper's fixed encoder positions, (1500, width)."""
    rate = math.log(10_000) / (width // 2 - 1)
    scales = torch.exp(-rate * torch.arange(width // 2, dtype=torch.float32))
    angles = torch.arange(MAX_FRAMES, dtype=torch.float32)[:, None] * scales[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1)
