"""One stage on many processes, with the outcome of one.

Whoever asks gets the results in the order of the items, and alone writes them down: so a worker
that is killed loses nothing and doubles nothing; what it was at is given to another.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, Protocol, TypeVar

from simulst.errors import SimulstError
from simulst.orphans import end_with_parent

__all__ = ["AHEAD", "TRIES", "Executor", "Job", "WorkersError", "ordered"]

TRIES = 3  # of an item whose worker dies
AHEAD = 2  # items a worker that may wait


class WorkersError(SimulstError):
    """Workers die again and again; what was done before is kept."""


Item_contra = TypeVar("Item_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Job(Protocol[Item_contra, Result_co]):
    """What workers do. It is sent to each of them, so it holds names and settings, no weights."""

    def open(self) -> Callable[[Item_contra], Result_co]:
        """Load what is needed, once a worker."""
        ...


class Executor(Protocol):
    """Does a job somewhere else than in the processes of this machine; see `ordered`."""

    def __call__(self, job: Job[Item, Result], items: Iterable[Item]) -> Iterator[Result]:
        """The result of every item, in order; items are read as workers become free."""
        ...


_work: Callable[[Any], Any] | None = None
"""What this process, being a worker, has opened."""


def _begin(job: Job[Any, Any], threads: int) -> None:
    global _work
    import torch

    end_with_parent()
    torch.set_num_threads(threads)
    _work = job.open()


def _do(item: Any) -> Any:
    assert _work is not None
    return _work(item)


def ordered(
    job: Job[Item, Result],
    items: Iterable[Item],
    workers: int | Executor = 1,
    threads: int = 1,
) -> Iterator[Result]:
    """The result of every item, in order.

    Args:
        job: what is done.
        items: read as workers become free.
        workers: processes; 1 works in this one. An executor does all of it its own way.
        threads: of torch in each process.

    Raises:
        WorkersError: an item's worker died `TRIES` times.
        SimulstError: what the job raises.
    """
    if not isinstance(workers, int):
        yield from workers(job, items)
        return
    if workers <= 1:
        work = job.open()
        for item in items:
            yield work(item)
        return
    source = iter(items)
    waiting: deque[Item] = deque()  # given out, not answered, in order
    deaths = 0
    while True:
        with ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), _begin, (job, threads)
        ) as pool:
            try:
                futures: deque[Future[Result]] = deque(pool.submit(_do, item) for item in waiting)
                while True:
                    for item in islice(source, workers * AHEAD - len(futures)):
                        waiting.append(item)
                        futures.append(pool.submit(_do, item))
                    if not futures:
                        return
                    result = futures[0].result()
                    futures.popleft()
                    waiting.popleft()
                    deaths = 0
                    yield result
            except BrokenProcessPool as error:
                deaths += 1
                if deaths >= TRIES:
                    raise WorkersError(
                        f"a worker died {TRIES} times at the same place, for want of memory "
                        f"perhaps: use fewer than {workers} workers; what was done before is kept"
                    ) from error
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
