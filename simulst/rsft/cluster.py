"""One stage on a Ray cluster, with the outcome of one process.

The same promise as `workers.ordered` on many machines: results come in the order of the items,
to the one who asked, who alone writes them down. A worker is an actor that has one item at a
time, so a dead one costs one item, which another is given. Workers that a cluster has no room
for yet are waited for, not counted on: whoever is there gets the work.

Ray is asked for, never assumed. Without an address it is embedded: started by this process on
this machine, with as many CPUs as there are workers and no dashboard, and ended with it.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Generic, Self

from simulst.errors import ConfigError
from simulst.rsft.workers import AHEAD, TRIES, Executor, Item, Job, Result, WorkersError

__all__ = ["EMBEDDED", "Cluster", "opened"]

EMBEDDED = "local"
"""The address of a Ray that is not there yet: one is started here."""
KNOCK_S = 10
STORE = 256 << 20  # bytes for results on their way, which are text


def opened(address: str | None, workers: int) -> AbstractContextManager[int | Executor]:
    """What the stages take as `workers`.

    Args:
        address: of a Ray cluster, `EMBEDDED`, or None for processes of this machine.
        workers: processes or actors.

    Raises:
        ConfigError: Ray is not installed, or none answers at the address.
    """
    return nullcontext(workers) if address is None else Cluster(address, workers)


def _knock(address: str) -> None:
    """Ray itself waits for minutes at a port where nobody is."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), KNOCK_S).close()


class _Worker:
    """What an actor is."""

    def __init__(self, job: Job[Any, Any], threads: int) -> None:
        self._job, self._threads = job, threads
        self._work: Callable[[Any], Any] | None = None

    def open(self) -> None:
        """Load what is needed; not in `__init__`, whose errors Ray tells as deaths."""
        import torch

        torch.set_num_threads(self._threads)
        self._work = self._job.open()

    def do(self, item: Any) -> Any:
        assert self._work is not None
        return self._work(item)


@dataclass(eq=False, slots=True)
class _Task(Generic[Item, Result]):
    """An item that was read and not yet answered for."""

    item: Item
    deaths: int = 0
    results: tuple[Result, ...] = ()  # one when it is done


class Cluster:
    """Workers on Ray. Implements `Executor`.

    Args:
        address: of a running cluster, as `ray.init` takes it ("auto", "host:port",
            "ray://host:port"), or `EMBEDDED`. Its machines need the same simulst, and packs
            under the same names or paths.
        workers: actors of a stage, >= 1. The GPUs of the cluster are shared out among them.
        threads: of torch in each, which is also the CPUs that it takes.

    Raises:
        ConfigError: no workers, Ray is not installed, or none answers at the address.
    """

    def __init__(self, address: str = EMBEDDED, workers: int = 1, threads: int = 1) -> None:
        if workers < 1:
            raise ConfigError(f"{workers} workers: at least 1 is needed")
        # read once by Ray; a finetuning tells nobody that it took place
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise ConfigError(
                "Ray is not installed: pip install 'simulst[ray]', or leave out --ray to work in "
                "processes of this machine"
            ) from error
        self._ray = ray
        self._workers, self._threads = workers, threads
        self._ours = not ray.is_initialized()
        own: dict[str, Any] = {}
        if address == EMBEDDED:
            # else Ray makes them give way to everything, where processes of ours would not
            os.environ.setdefault("RAY_worker_niceness", "0")
            own = {
                "num_cpus": workers * threads,
                "include_dashboard": False,
                "object_store_memory": STORE,
                "log_to_driver": False,
            }
        if self._ours:
            try:
                _knock(address)
                ray.init(address, logging_level=logging.ERROR, **own)
            except (OSError, RuntimeError, ValueError) as error:
                raise ConfigError(
                    f"no Ray answers at {address!r} ({error}): start one there with 'ray start "
                    "--head', or give --ray without an address for one of its own"
                ) from error

    def close(self) -> None:
        """End an embedded Ray, or leave the cluster; a Ray that was there before stays."""
        if self._ours and self._ray.is_initialized():
            self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __call__(self, job: Job[Item, Result], items: Iterable[Item]) -> Iterator[Result]:
        """The result of every item, in order; see `workers.ordered`.

        Raises:
            WorkersError: an item's worker died `TRIES` times, or so many in a row while loading.
            SimulstError: what the job raises.
        """
        source = iter(items)
        window: deque[_Task[Item, Result]] = deque()  # in order; the first is the next result
        todo: deque[_Task[Item, Result]] = deque()
        idle: list[Any] = []
        running: dict[Any, tuple[Any, _Task[Item, Result] | None]] = {}  # None: it is loading
        stillborn = 0
        try:
            while True:
                for item in islice(source, self._workers * AHEAD - len(window)):
                    window.append(_Task(item))
                    todo.append(window[-1])
                if not window:
                    return
                while len(running) + len(idle) < self._workers:
                    actor = self._actor(job)
                    running[actor.open.remote()] = actor, None
                while idle and todo:
                    actor, given = idle.pop(), todo.popleft()
                    running[actor.do.remote(given.item)] = actor, given
                if window[0].results:  # all are at work before whoever asked is
                    yield window.popleft().results[0]
                    continue
                actor, task, answer = self._next(running)
                if answer:
                    idle.append(actor)
                    stillborn = 0
                    if task is not None:
                        task.results = answer
                elif task is not None:
                    task.deaths += 1
                    todo.appendleft(task)
                else:
                    stillborn += 1
                if max(stillborn, task.deaths if task else 0) >= TRIES:
                    raise WorkersError(
                        f"a worker died {TRIES} times at the same place, for want of memory "
                        f"perhaps: use fewer than {self._workers} workers; what was done before "
                        "is kept"
                    )
        finally:
            for actor in [*idle, *(actor for actor, _ in running.values())]:
                self._end(actor)

    def _actor(self, job: Job[Any, Any]) -> Any:
        gpus = self._ray.cluster_resources().get("GPU", 0)
        share = min(int(1e4 * gpus / self._workers) / 1e4, 1)  # Ray counts in ten-thousandths
        actor = self._ray.remote(num_cpus=self._threads, num_gpus=share)(_Worker)
        return actor.remote(job, self._threads)

    def _end(self, actor: Any) -> None:
        if self._ray.is_initialized():
            self._ray.kill(actor)

    def _next(
        self, running: dict[Any, tuple[Any, _Task[Item, Result] | None]]
    ) -> tuple[Any, _Task[Item, Result] | None, tuple[Any, ...]]:
        """Wait for any worker; its answer is empty if it died."""
        deaths = self._ray.exceptions
        [first], _ = self._ray.wait(list(running), num_returns=1)
        actor, task = running[first]
        answer: tuple[Any, ...] = ()
        try:
            answer = (self._ray.get(first),)
        except deaths.RayTaskError as error:
            raise error.cause from None
        except (
            deaths.RayActorError,
            deaths.NodeDiedError,
            deaths.ObjectLostError,
            deaths.OutOfMemoryError,
            deaths.WorkerCrashedError,
        ):
            self._end(actor)  # it may have lost no more than its result
        del running[first]
        return actor, task, answer
