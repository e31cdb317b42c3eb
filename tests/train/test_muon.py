"""Muon: it makes matrices orthogonal, and steps as torch's own does."""

from __future__ import annotations

import pytest
import torch

from simulst.train.muon import Muon, orthogonal
from simulst.train.weights import PRECISIONS, pick_precision


@pytest.mark.parametrize("shape", [(16, 16), (8, 32), (32, 8)])
def test_singular_values_go_to_one(shape: tuple[int, int]) -> None:
    """Whatever their scale, singular values end near 1, and directions stay."""
    torch.manual_seed(1)
    matrices = torch.randn(3, *shape) * torch.tensor([1e-3, 1.0, 1e3])[:, None, None]
    found = orthogonal(matrices)
    assert found.shape == matrices.shape
    values = torch.linalg.svdvals(found)
    weak = torch.linalg.svdvals(matrices)
    reached = weak > 0.05 * weak[:, :1]  # five rounds do not lift the weakest all the way
    assert values[reached].min() > 0.5
    assert values.max() < 1.4
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    turned = u.mT @ found @ v.mT
    assert (turned - torch.diag_embed(turned.diagonal(dim1=1, dim2=2))).abs().max() < 1e-3


def test_nothing_is_made_of_zeros() -> None:
    """A matrix without a gradient direction is not moved."""
    assert orthogonal(torch.zeros(1, 4, 6)).abs().max() == 0


def test_it_steps_as_torchs_own() -> None:
    """In bfloat16 the weights after some steps are torch.optim.Muon's."""
    torch.manual_seed(2)
    start = [torch.randn(24, 12), torch.randn(12, 24), torch.randn(24, 12)]
    ours = [torch.nn.Parameter(weight.clone()) for weight in start]
    theirs = [torch.nn.Parameter(weight.clone()) for weight in start]
    optimisers = (
        (Muon(ours, lr=0.02, weight_decay=0.05, dtype=torch.bfloat16), ours),
        (
            torch.optim.Muon(theirs, lr=0.02, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
            theirs,
        ),
    )
    for _ in range(4):
        gradients = [torch.randn_like(weight) for weight in start]
        for optimiser, weights in optimisers:
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient.clone()
            optimiser.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=2e-3, rtol=0)


def test_precision_is_one_that_there_is() -> None:
    """A precision by name is taken as it is; "auto" becomes one of them; CUDA gets bfloat16."""
    assert pick_precision("fp32", "cpu") == "fp32"
    assert pick_precision("auto", "cpu") in PRECISIONS
    assert pick_precision("auto", "cuda") == "bf16"
