"""Processes that learn together: one rank each, as torchrun starts them.

What they exchange is sums. On CPUs they go by gloo, on GPUs by NCCL. The first rank alone writes
and judges; every rank reads the same files, so these must lie where all machines see them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from simulst.errors import ConfigError, SimulstError

__all__ = ["ALONE", "Ranks", "RanksError", "joined", "refuse_ranks"]

PATIENCE_S = 1800.0  # for a rank that judges, at the longest
FOREVER = timedelta(days=30)  # for the stages before, which may take days
BUCKET = 1 << 23  # numbers in one message

Part = TypeVar("Part")


class RanksError(SimulstError):
    """Another rank ended or is silent; what was learnt up to the last checkpoint is kept."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those that learn together.

    Attributes:
        rank: of this one, from 0.
        world: how many there are; 1 exchanges nothing.
        stages: group in which long work is waited for.
    """

    rank: int = 0
    world: int = 1
    stages: Any = None

    @property
    def first(self) -> bool:
        """Whether this one writes, reports and judges."""
        return self.rank == 0

    def part(self, batch: Sequence[Part]) -> list[Part]:
        """This rank's share of what all of them have; it may be empty."""
        return list(batch[self.rank :: self.world])

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the ranks, which is the same to the bit on all.

        Raises:
            RanksError: another rank ended, or did not answer in time.
        """
        if self.world == 1:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            with self._others():
                dist.all_reduce(flat)
            parts = torch.split(flat, [tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def agree(self, facts: str) -> None:
        """Make sure that all ranks have the same facts.

        Raises:
            RanksError: they have not.
        """
        if self.world == 1:
            return
        everyone: list[Any] = [None] * self.world
        with self._others():
            dist.all_gather_object(everyone, facts, group=self.stages)
        for rank, theirs in enumerate(everyone):
            if theirs != everyone[0]:
                raise RanksError(
                    f"rank {rank} has {theirs}, rank 0 has {everyone[0]}: give all of them the "
                    "same options, and folders on a disk that every machine sees"
                )

    def wait(self) -> None:
        """Go on when all ranks have come here, however long the stages of the first one take.

        Raises:
            RanksError: another rank ended.
        """
        if self.world > 1:
            with self._others():
                dist.barrier(group=self.stages)

    @contextmanager
    def _others(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise RanksError(
                f"rank {self.rank} of {self.world} lost the others ({str(error).splitlines()[0]}): "
                "one of them ended, and says why itself, or is stuck; what was learnt up to the "
                "last checkpoint is kept, the same command goes on from there"
            ) from error


ALONE = Ranks()


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Neighbours of one type in messages that are neither tiny nor a second copy of the model."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        full = sum(other.numel() for other in bucket) + tensor.numel() > BUCKET
        if bucket and (full or tensor.dtype != bucket[0].dtype):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


@contextmanager
def joined(patience_s: float = PATIENCE_S) -> Iterator[Ranks]:
    """The ranks that the environment tells of (RANK, WORLD_SIZE, MASTER_ADDR ...), or `ALONE`.

    Where there are GPUs each rank takes the one of its LOCAL_RANK; "cuda" is that one then.

    Args:
        patience_s: until a rank that does not answer counts as lost. One that ended is noticed
            at once.

    Raises:
        ConfigError: the environment is incomplete, or a machine has fewer GPUs than ranks.
        RanksError: the others do not come.
    """
    world = _number("WORLD_SIZE", 1)
    if world <= 1:
        yield ALONE
        return
    rank, backend = _number("RANK"), "gloo"
    if torch.cuda.is_available():
        local, there = _number("LOCAL_RANK"), torch.cuda.device_count()
        if local >= there:
            raise ConfigError(
                f"local rank {local} has no GPU, the machine has {there}: start at most "
                f"--nproc-per-node {there}"
            )
        torch.cuda.set_device(local)
        backend = "cpu:gloo,cuda:nccl"
    ranks = Ranks(rank, world)
    try:
        with ranks._others():
            dist.init_process_group(backend, timeout=timedelta(seconds=patience_s))
        with ranks._others():
            stages = dist.new_group(backend="gloo", timeout=FOREVER)
        yield Ranks(rank, world, stages)
    except ValueError as error:
        if dist.is_initialized():
            raise
        raise ConfigError(f"the ranks cannot meet ({error}): start them with torchrun") from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def refuse_ranks(command: str) -> None:
    """Keep a command whose stage files have one writer from being started by torchrun.

    Raises:
        ConfigError: there are other ranks.
    """
    if (world := _number("WORLD_SIZE", 1)) > 1:
        raise ConfigError(
            f"{command} was started as {world} ranks: only learning is shared out like that. Give "
            "this command --workers or --ray, and torchrun -m simulst train --from what it accepts"
        )


def _number(name: str, default: int | None = None) -> int:
    """A number that torchrun puts into the environment."""
    text = os.environ.get(name, "" if default is None else str(default))
    try:
        return int(text)
    except ValueError as error:
        raise ConfigError(
            f"{name} is {text!r} in the environment: start the ranks with torchrun"
        ) from error
