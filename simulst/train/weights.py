"""Weights in training: computed with in bfloat16, kept in float32, averaged as they go.

The model that computes holds low-precision copies (on a CPU autocast would cost a third more),
where the processor is faster in them: one without instructions for bfloat16 is fifty times slower;
gradients are carried to float32 masters, which the optimisers change. Hidden matrices take Muon,
the rest takes AdamW. What ships is a running average of the masters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from simulst.errors import ConfigError
from simulst.train.muon import Muon

__all__ = ["PRECISIONS", "MasterWeights", "pick_precision"]

CLIP = 1.0  # longest gradient
PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}


def pick_precision(name: str, device: torch.device | str) -> str:
    """Turn "auto" into the precision that this machine multiplies matrices fastest in.

    Args:
        name: "auto", or one of `PRECISIONS`.
        device: where it will be computed; CUDA devices are taken to be fast in bfloat16.

    Raises:
        ConfigError: the name is unknown.
    """
    if name in PRECISIONS:
        return name
    if name != "auto":
        raise ConfigError(f"precision {name!r} is unknown: use auto, {' or '.join(PRECISIONS)}")
    if torch.device(device).type != "cpu":
        return "bf16"
    return min(PRECISIONS, key=lambda precision: _seconds(PRECISIONS[precision]))


def _seconds(dtype: torch.dtype) -> float:
    """What a product of middling matrices takes, the best of three."""
    left, right = torch.ones(512, 256, dtype=dtype), torch.ones(256, 512, dtype=dtype)
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        left @ right
        taken.append(time.perf_counter() - begun)
    return min(taken)


class MasterWeights:
    """Float32 masters, their running average and their optimisers.

    Args:
        model: in float32, on its device; from now on it holds copies of the precision.
        hidden: says of a parameter's name whether it belongs to a hidden layer.
        precision: to compute with, one of `PRECISIONS`.
        decay: weight decay of the hidden matrices.
        rest: learning rate of what AdamW takes, relative to Muon's.
        keep: of the average a step, once there were enough steps.
    """

    def __init__(
        self,
        model: nn.Module,
        hidden: Callable[[str], bool],
        precision: str,
        *,
        decay: float = 0.05,
        rest: float = 0.5,
        keep: float = 0.995,
    ) -> None:
        self._live = dict(model.named_parameters())
        self.masters = {name: weight.detach().clone() for name, weight in self._live.items()}
        self.average = {name: weight.detach().clone() for name, weight in self._live.items()}
        model.to(PRECISIONS[precision])  # changes its parameters in place
        self._rest = rest
        self._keep = keep
        trained = [name for name, weight in self._live.items() if weight.requires_grad]
        inner = [name for name in trained if self.masters[name].ndim == 2 and hidden(name)]
        matrices = [self.masters[name] for name in inner]
        others = [self.masters[name] for name in trained if name not in inner]
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon(matrices, weight_decay=decay, dtype=PRECISIONS[precision]),
            torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self.steps = 0
        self._publish(self.masters)

    def step(self, rate: float) -> None:
        """Learn from the gradients that the computing model holds, and let go of them.

        Args:
            rate: Muon's learning rate now.
        """
        for name, master in self.masters.items():
            gradient = self._live[name].grad
            master.grad = None if gradient is None else gradient.float()
            self._live[name].grad = None
        with_gradient = [w for w in self.masters.values() if w.grad is not None]
        torch.nn.utils.clip_grad_norm_(with_gradient, CLIP)
        for optimiser, share in zip(self.optimisers, (1.0, self._rest), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * share
            optimiser.step()
        self.steps += 1
        keep = min(self._keep, self.steps / (self.steps + 10))
        with torch.no_grad():
            for name, master in self.masters.items():
                self.average[name].lerp_(master, 1.0 - keep)
        self._publish(self.masters)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Compute with the average for a while."""
        self._publish(self.average)
        yield
        self._publish(self.masters)

    @torch.no_grad()
    def _publish(self, weights: Mapping[str, Tensor]) -> None:
        """Copy weights into the model that computes."""
        for name, weight in weights.items():
            self._live[name].copy_(weight)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "masters": self.masters,
            "average": self.average,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.steps,
        }

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        for name, weight in self.masters.items():
            weight.copy_(state["masters"][name])
            self.average[name].copy_(state["average"][name])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.steps = state["step"]
        self._publish(self.masters)
