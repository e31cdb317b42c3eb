"""Weights on disk: the running average, which is what ships, and what another run starts from.

`checkpoint.pt` holds all that the next step depends on and is ten times as large; `average.pt`,
in half precision, is what an export needs, what travels, and what `--start` takes. A pack's own
weights are not read back: they are rounded to 8 bits, lack the heads for training, and the pack
that ships has heard the voice that this recipe holds out.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simulst.errors import ModelError
from simulst.train.listener.model import Dimensions, Listener

__all__ = [
    "load_state",
    "read_average",
    "read_facts",
    "read_start",
    "save_state",
    "take_over",
    "write_average",
    "write_blend",
]


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Writes tensors and plain values, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    torch.save(dict(state), partial)
    partial.rename(path)


def load_state(path: Path, device: str = "cpu") -> dict[str, Any]:
    """What `save_state` wrote.

    Raises:
        ModelError: it is something else, or damaged.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ModelError(f"{path} cannot be read as weights of a training run: {error}") from error
    return dict(state)


def write_average(
    path: Path, sizes: Dimensions, average: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> None:
    """Writes averaged weights in half precision.

    Args:
        path: `average.pt`.
        sizes: of the model.
        average: weights by name.
        facts: about the training: step, elapsed_s, heard_s.
    """
    half = {name: weight.detach().half().cpu() for name, weight in average.items()}
    save_state(path, {"sizes": asdict(sizes), "average": half, **facts})


def read_average(path: Path) -> tuple[Listener, dict[str, Any]]:
    """The averaged weights at `path` as a float32 model, and what else is said there.

    Raises:
        ModelError: there are none, or they are those of the stage heads.
    """
    if not path.is_file():
        raise ModelError(f"no weights at {path}; train first, or give another --work")
    state = load_state(path)
    sizes = Dimensions(**state["sizes"])
    if sizes.encoder_layers == 0:
        raise ModelError(
            f"{path} is of the stage heads: it hears with the teacher's encoder, whose "
            "tensors may not stand in a pack. It is there to be measured, and cannot be exported"
        )
    model = Listener(sizes)
    take_over(model, state["average"])
    return model.eval(), state


def read_facts(path: Path) -> dict[str, Any]:
    """What an `average.pt` says besides its weights.

    Raises:
        ModelError: it is something else, or damaged.
    """
    return {name: value for name, value in load_state(path).items() if name != "average"}


def read_start(path: Path) -> dict[str, Tensor]:
    """Weights by name for `--start`: from an `average.pt` or a `checkpoint.pt`.

    Raises:
        ModelError: there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise ModelError(f"--start {path}: give the average.pt or checkpoint.pt of a training run")
    state = load_state(path)
    if "average" not in state:
        raise ModelError(f"--start {path} holds no averaged weights of a listener")
    return dict(state["average"])


@torch.no_grad()
def write_blend(path: Path, start: Path, end: Path, share: float) -> None:
    """Writes weights between those that a training began and ended with.

    Where the training has learnt something new, they hear that about as well, and what was known
    before better (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").

    Args:
        path: to write, as `write_average` does, with the facts of `end`.
        start, end: an `average.pt` each, of one size.
        share: of `start`, from 0 to 1.

    Raises:
        ModelError: one of them is missing, or they are of other sizes.
    """
    model, facts = read_average(end)
    old = read_start(start)
    take_over(Listener(model.sizes), old)  # says so where they do not fit
    for name, weight in model.named_parameters():
        if name in old:
            weight.lerp_(old[name].float(), share)
    told = {name: fact for name, fact in facts.items() if name not in ("sizes", "average")}
    kept = {name: weight for name, weight in model.named_parameters() if name in facts["average"]}
    write_average(path, model.sizes, kept, {**told, "start_share": share})


@torch.no_grad()
def take_over(model: Listener, weights: Mapping[str, Tensor]) -> None:
    """Copies weights into a model; heads for training that are not among them stay as they are.

    Raises:
        ModelError: what ships of the model is missing, or has another size.
    """
    for name, weight in model.named_parameters():
        given = weights.get(name)
        if given is not None and given.shape == weight.shape:
            weight.copy_(given)
        elif given is not None or name.startswith(("encoder.", "decoder.")):
            found = "is missing" if given is None else f"has the size {tuple(given.shape)}"
            raise ModelError(
                f"the weights do not fit the model: {name} {found}, asked for is "
                f"{tuple(weight.shape)}; give the sizes that they were trained with"
            )
