"""A teacher of real speech: the encoder of Whisper tiny.en, frozen.

A student's encoder that starts from random weights learns to give the teacher's features (Hinton
et al. 2015; for speech encoders Chang et al. 2022, "DistilHuBERT"), which takes audio without a
transcript, of any voice. The teacher's own tensors never stand in a checkpoint or a pack: they
are buffers that no state holds. Its decoder and vocabulary are not there.

Features are computed where they are needed, on the very window the student hears (but before
noise and masks are laid over it, so that the student learns to hear through them). In bfloat16,
which changes nothing (cosine 0.9998), a core with instructions for it hears 270 s of audio in a
second, three times as much as a student can learn from. To keep them would take 38 kB a second of
audio, and a sentence's features depend on the window around it: of standardised features behind
another sentence, 45 % of the variance is not what it is alone.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from simulst.errors import DataError
from simulst.train.listener.model import Dimensions, Encoder

__all__ = ["TEACHER_LAYERS", "TEACHER_WIDTH", "Teacher"]

TEACHER_WIDTH = 384
TEACHER_LAYERS = 4
_LAYER = {
    "attn.query": "self_attn.q_proj",
    "attn.key": "self_attn.k_proj",
    "attn.value": "self_attn.v_proj",
    "attn.out": "self_attn.out_proj",
    "attn_ln": "self_attn_layer_norm",
    "mlp.0": "fc1",
    "mlp.2": "fc2",
    "mlp_ln": "final_layer_norm",
}
_OUTSIDE = {
    "encoder.positional_embedding": "embed_positions.weight",
    "encoder.ln_post.weight": "layer_norm.weight",
    "encoder.ln_post.bias": "layer_norm.bias",
}


class Teacher(nn.Module):
    """Whisper tiny.en's encoder without a single parameter: everything in it is a buffer.

    Its features have a few dimensions that mostly tell the place in the window, with ten times
    the spread of others. `standardise` gives each dimension the same say, once `measure` has seen
    some audio.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.encoder = Encoder(Dimensions(0, TEACHER_WIDTH, TEACHER_LAYERS), dropout=0.0)
        self.encoder.load_state_dict(weights)
        for module in list(self.encoder.modules()):
            for name, weight in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, weight.detach(), persistent=False)
        self.register_buffer("mean", torch.zeros(TEACHER_WIDTH), persistent=False)
        self.register_buffer("spread", torch.ones(TEACHER_WIDTH), persistent=False)
        self.eval()

    @classmethod
    def read(cls, path: Path) -> Teacher:
        """The teacher in an `.npz` file of float16 tensors under OpenAI's names.

        Raises:
            DataError: there is no such file, or it holds something else.
        """
        try:
            with np.load(path) as kept:
                tensors = {name: torch.from_numpy(kept[name]).float() for name in kept.files}
            return cls({_renamed(name): tensor for name, tensor in tensors.items()})
        except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
            # torch's own message lists every tensor
            why = str(error) if isinstance(error, OSError) else "its tensors are others"
            raise DataError(
                f"{path} holds no encoder of Whisper tiny.en as .npz under OpenAI's names ({why}): "
                "give another --teacher, or none"
            ) from error

    @torch.no_grad()
    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised features, as an encoder's states and as those that phones are read from.

        Args:
            mel: (B, 80, frames), frames even, at most 3,000; need not be padded to them.

        Returns:
            Twice (B, frames / 2, 384).
        """
        dtype = self.encoder.conv1.weight.dtype
        features = self.standardise(self.encoder(mel.to(dtype))[0])
        return features, features

    def standardise(self, features: Tensor) -> Tensor:
        """Features (B, T, 384) with about mean 0 and variance 1 in each dimension."""
        return (features - self.mean.to(features.dtype)) / self.spread.to(features.dtype)

    @torch.no_grad()
    def measure(self, mels: list[Tensor]) -> None:
        """Learns each dimension's mean and spread from mels (B, 80, frames)."""
        dtype = self.encoder.conv1.weight.dtype
        heard = [self.encoder(mel.to(dtype))[0].float().flatten(0, 1) for mel in mels]
        features = torch.cat(heard)  # (all frames, 384)
        self.mean.copy_(features.mean(0))
        self.spread.copy_(features.std(0).clamp_min(1e-3))


def _renamed(name: str) -> str:
    """The name that `model.Encoder` has for one of OpenAI's tensors."""
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    name = name.removeprefix("encoder.")
    if not name.startswith("blocks."):
        return name
    _, number, rest = name.split(".", 2)
    part, _, kind = rest.rpartition(".")
    return f"layers.{number}.{_LAYER[part]}.{kind}"
