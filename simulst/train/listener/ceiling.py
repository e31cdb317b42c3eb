"""What a listener could be if its encoder were the teacher itself: a control that never ships.

The decoder of the stage heads has learnt on the frozen teacher's features. Put together the two
are a listener that runs live, so that its word error rates tell how much of a student's is the
fault of its encoder, and how much of the decoder and of the text it has learnt from.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from simulst.errors import ModelError
from simulst.train.listener.model import Dimensions, Listener
from simulst.train.listener.storage import load_state, take_over
from simulst.train.listener.teacher import TEACHER_LAYERS, Teacher

__all__ = ["with_teacher"]


@torch.no_grad()
def with_teacher(checkpoint: Path, teacher: Teacher) -> Listener:
    """The decoder of the stage heads behind the teacher's encoder, as one float32 model.

    It computes what the two did in training: the features' standardisation goes into the
    encoder's last norm, and a feed-forward part narrower than the teacher's is filled up with
    zeros, which add nothing.

    Args:
        checkpoint: `heads/checkpoint.pt`, which knows how the features were standardised.
        teacher: the one that was heard with; in float32.

    Raises:
        ModelError: there is no such checkpoint, or it is of another stage.
    """
    if not checkpoint.is_file():
        raise ModelError(f"no weights at {checkpoint}: run the stage heads first")
    state = load_state(checkpoint)
    sizes = Dimensions(**state["sizes"])
    if sizes.encoder_layers or state["teacher"] is None:
        raise ModelError(f"{checkpoint} did not learn on a teacher: give that of the stage heads")
    encoder = dict(teacher.encoder.named_buffers())
    inner = encoder["layers.0.fc1.weight"].shape[0]
    if sizes.inner > inner:
        raise ModelError(
            f"{checkpoint} has feed-forward parts of {sizes.inner}, more than the teacher's {inner}"
        )
    mean, spread = (one.float().cpu() for one in state["teacher"])
    encoder["layer_norm.weight"] = encoder["layer_norm.weight"] / spread
    encoder["layer_norm.bias"] = (encoder["layer_norm.bias"] - mean) / spread
    heads = {name: _widened(name, w.float(), inner) for name, w in state["average"].items()}
    model = Listener(replace(sizes, encoder_layers=TEACHER_LAYERS, feedforward=inner))
    take_over(model, {f"encoder.{name}": w for name, w in encoder.items()} | heads)
    return model.eval()


def _widened(name: str, weight: Tensor, inner: int) -> Tensor:
    """A weight of a feed-forward part for one of this width; any other as it is."""
    if ".fc1." in name:
        missing = inner - weight.shape[0]
        return F.pad(weight, (0, 0, 0, missing) if weight.dim() == 2 else (0, missing))
    if name.endswith(".fc2.weight"):
        return F.pad(weight, (0, inner - weight.shape[1]))
    return weight
