"""Averaged weights: half precision there and back, and what may not be exported."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from simulst.errors import ModelError
from simulst.train.listener.model import Dimensions, Listener
from simulst.train.listener.storage import (
    read_average,
    read_start,
    take_over,
    write_average,
    write_blend,
)

SIZES = Dimensions(300, 64, 1, 1)


def averaged(path: Path, sizes: Dimensions = SIZES) -> Listener:
    """A model whose weights are written to `path`."""
    torch.manual_seed(4)
    model = Listener(sizes)
    write_average(path, sizes, dict(model.named_parameters()), {"step": 3})
    return model


def test_the_average_comes_back(tmp_path: Path) -> None:
    """Sizes, weights to half precision, and what was said beside them."""
    model = averaged(tmp_path / "average.pt")
    back, state = read_average(tmp_path / "average.pt")
    assert back.sizes == SIZES and state["step"] == 3
    weights = dict(model.named_parameters())
    for name, weight in back.named_parameters():
        torch.testing.assert_close(weight, weights[name], atol=1e-3, rtol=1e-3)


def test_a_control_cannot_be_exported(tmp_path: Path) -> None:
    """Weights that go with a teacher's encoder are refused, saying why."""
    path = tmp_path / "average.pt"
    write_average(path, Dimensions(300, 384, 0, 1), {}, {"step": 3})
    with pytest.raises(ModelError, match="teacher's encoder.*pack"):
        read_average(path)


def test_absent_or_foreign_weights_are_named(tmp_path: Path) -> None:
    """No file, and a file of something else, each get their own message."""
    with pytest.raises(ModelError, match="train first"):
        read_average(tmp_path / "average.pt")
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(ModelError, match="cannot be read"):
        read_start(tmp_path / "text.pt")
    with pytest.raises(ModelError, match="--start"):
        read_start(tmp_path / "absent.pt")


def test_a_start_must_fit(tmp_path: Path) -> None:
    """Heads for training may be new; what ships must have its weights, in its size."""
    averaged(tmp_path / "average.pt")
    weights = read_start(tmp_path / "average.pt")
    taught = Listener(Dimensions(300, 64, 1, 1, taught=384))
    before = taught.imitation.weight.clone() if taught.imitation is not None else None
    take_over(taught, weights)
    assert taught.imitation is not None and before is not None
    assert torch.equal(taught.imitation.weight, before)
    torch.testing.assert_close(taught.ctc.weight, weights["ctc.weight"].float())
    with pytest.raises(ModelError, match="layers"):
        take_over(Listener(Dimensions(300, 64, 2, 1)), weights)
    with pytest.raises(ModelError, match="size"):
        take_over(Listener(Dimensions(301, 64, 1, 1)), weights)


def test_a_blend_lies_between_start_and_end(tmp_path: Path) -> None:
    """A quarter of the start, three of the end, heads for training too; the facts are the end's."""
    first, last = tmp_path / "start.pt", tmp_path / "average.pt"
    end = averaged(last)
    start = {name: weight + 1.0 for name, weight in end.named_parameters()}
    write_average(first, SIZES, start, {"step": 1})
    write_blend(tmp_path / "blend.pt", first, last, 0.25)
    back, state = read_average(tmp_path / "blend.pt")
    assert (state["step"], state["start_share"]) == (3, 0.25)
    assert state["average"].keys() == start.keys()
    weights = dict(end.named_parameters())
    for name, weight in back.named_parameters():
        torch.testing.assert_close(weight, weights[name] + 0.25, atol=2e-3, rtol=1e-3)


def test_a_blend_is_of_one_size(tmp_path: Path) -> None:
    """Weights of another model are refused, and nothing is written."""
    averaged(tmp_path / "average.pt")
    averaged(tmp_path / "start.pt", Dimensions(300, 64, 2, 1))
    averaged(tmp_path / "wide.pt", Dimensions(301, 64, 1, 1))
    with pytest.raises(ModelError, match="size"):
        write_blend(tmp_path / "b.pt", tmp_path / "wide.pt", tmp_path / "average.pt", 0.5)
    with pytest.raises(ModelError, match="missing"):
        write_blend(tmp_path / "b.pt", tmp_path / "average.pt", tmp_path / "start.pt", 0.5)
    assert not (tmp_path / "b.pt").exists()
