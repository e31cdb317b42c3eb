"""Muon (Jordan et al. 2024): momentum whose matrices are made nearly orthogonal before a step.

torch.optim.Muon does the same, but always multiplies in bfloat16, which a processor without
instructions for it does fifty times slower than in float32: training then waits for the optimiser.
Here the precision is a choice, and matrices of one shape are made orthogonal together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Muon", "orthogonal"]

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration: steepest at 0, so that five rounds are enough (Jordan et al. 2024)."""
ROUNDS = 5


@torch.no_grad()
def orthogonal(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Matrices (B, m, n) with all singular values moved to about 1, between 0.6 and 1.3.

    Args:
        matrices: any scale; zeros stay zeros.
        dtype: to multiply in.
    """
    x = matrices.to(dtype)
    wide = x.shape[1] <= x.shape[2]
    x = x if wide else x.mT
    x = x / x.flatten(1).norm(dim=1).clamp_min(1e-7)[:, None, None]
    a, b, c = COEFFICIENTS
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x if wide else x.mT).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Muon with the step size of Liu et al. 2025, "Muon is Scalable for LLM Training".

    An update's root mean square is then about AdamW's, so that both take the same rate.

    Args:
        matrices: parameters (m, n).
        lr: learning rate.
        weight_decay: decoupled, of the learning rate.
        momentum: share of the running mean that is kept; Nesterov's form.
        dtype: to make matrices orthogonal in.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(matrices, defaults)
        self._dtype = dtype
        for group in self.param_groups:
            for weight in group["params"]:
                assert weight.ndim == 2, f"Muon takes matrices, not {tuple(weight.shape)}"

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change every parameter that has a gradient."""
        assert closure is None, "Muon looks once"
        for group in self.param_groups:
            keep = group["momentum"]
            alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape].append(weight)
            for shape, weights in alike.items():
                updates = []
                for weight in weights:
                    gradient = weight.grad
                    assert gradient is not None
                    state = self.state[weight]
                    if "momentum_buffer" not in state:
                        state["momentum_buffer"] = torch.zeros_like(weight)
                    mean = state["momentum_buffer"].lerp_(gradient, 1 - keep)
                    updates.append(gradient.lerp(mean, keep))
                size = 0.2 * max(shape) ** 0.5
                for weight, update in zip(
                    weights, orthogonal(torch.stack(updates), self._dtype), strict=True
                ):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update, alpha=-group["lr"] * size)
