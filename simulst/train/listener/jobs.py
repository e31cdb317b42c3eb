"""Shards made by several processes at once, each on one thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch

from simulst.orphans import end_with_parent

__all__ = ["run_jobs"]

_common: Any = None


def run_jobs(
    make: Callable[..., object], common: Any, jobs: Sequence[tuple[Any, ...]], processes: int = 1
) -> None:
    """Calls `make(common, *job)` for each job, in order; the first failure is raised.

    Args:
        make: a function of a module; what it makes goes to disk.
        common: handed to each process once, however large.
        jobs: further arguments of each call.
        processes: working at once; 1 is this one.
    """
    if processes == 1:
        for job in jobs:
            make(common, *job)
        return
    with ProcessPoolExecutor(processes, initializer=_begin, initargs=(common,)) as pool:
        calls = [pool.submit(_call, make, job) for job in jobs]
        for call in calls:
            call.result()


def _begin(common: Any) -> None:
    global _common
    end_with_parent()
    torch.set_num_threads(1)
    _common = common


def _call(make: Callable[..., object], job: tuple[Any, ...]) -> None:
    make(_common, *job)
