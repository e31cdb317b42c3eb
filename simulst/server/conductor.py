"""Steps all sessions, in one worker thread, those that are due together in one model call.

Whoever speaks now comes first. Sound that is ahead of its time, from a file sent faster than life,
is taken when nobody is due, a few sessions at once, so that a call stays short.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from simulst import batcher
from simulst.emit.recording import Recording
from simulst.errors import OutputError
from simulst.server.protocols import Steps
from simulst.server.session import Session, Task
from simulst.types import SAMPLE_RATE

__all__ = ["Conductor"]

AHEAD_AT_ONCE = 4  # sessions that are ahead of their time, in one call

log = logging.getLogger(__name__)


class Conductor:
    """The one who decides what is computed next.

    Args:
        sessions: all that there are, at any time.
        steps: is told of each round.
        now: in seconds.
    """

    def __init__(
        self,
        sessions: Callable[[], Iterable[Session]],
        steps: Steps,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._steps = steps
        self._now = now
        self._something = asyncio.Event()
        self._retired: list[Recording] = []

    def wake(self) -> None:
        """There may be something to do."""
        self._something.set()

    def retire(self, recording: Recording) -> None:
        """Close a recording, after what is being written into it."""
        self._retired.append(recording)
        self.wake()

    async def run(self) -> None:
        """Step sessions until cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "engine") as worker:
            try:
                while True:
                    self._something.clear()
                    retired, self._retired = self._retired, []
                    tasks = self._choose()
                    if tasks or retired:
                        compute_s = await loop.run_in_executor(worker, self._work, tasks, retired)
                        self._settle(tasks, compute_s)
                    else:
                        await self._something.wait()
            finally:
                worker.submit(_close, self._retired)

    def _choose(self) -> list[Task]:
        """The sessions to be stepped together."""
        waiting = sorted(
            (
                (due_s, n, each)
                for n, each in enumerate(self._sessions())
                if (due_s := each.due_s) is not None
            ),
        )
        now_s = self._now()
        due = [each for due_s, _, each in waiting if due_s <= now_s]
        return [each.task() for each in due or [each for *_, each in waiting[:AHEAD_AT_ONCE]]]

    def _work(self, tasks: Sequence[Task], retired: Sequence[Recording]) -> float:
        """In the worker thread: compute, stamp and record."""
        _close(retired)
        if not tasks:
            return 0.0
        results, compute_s = batcher.step([task.feed for task in tasks])
        for task, result in zip(tasks, results, strict=True):
            task.result = result
            if isinstance(result, batcher.Fed):
                try:
                    task.result = self._stamped(task, result, compute_s)
                    _record(task, task.result)
                except Exception as error:  # a fault here ends one session too, and not all
                    task.result = error
        return compute_s

    def _stamped(self, task: Task, fed: batcher.Fed, compute_s: float) -> batcher.Fed:
        """With the time when each emission could be read."""
        late_s = compute_s
        if len(task.portion.samples):  # at the end there may be none
            late_s = max(compute_s, self._now() - task.portion.due_s)
        late = round(late_s * SAMPLE_RATE)
        updates = tuple(
            replace(
                update,
                emissions=tuple(replace(e, elapsed=e.delay + late) for e in update.emissions),
            )
            for update in fed.updates
        )
        return replace(fed, updates=updates)

    def _settle(self, tasks: Sequence[Task], compute_s: float) -> None:
        if not tasks:
            return
        audio = sum(
            task.result.heard.size for task in tasks if isinstance(task.result, batcher.Fed)
        )
        self._steps.stepped(audio / SAMPLE_RATE, compute_s)
        for task in tasks:
            if isinstance(task.result, Exception):
                log.error("the engine failed on a session", exc_info=task.result)
                self._steps.failed(task.session)
            self._steps.gave(task.session, task.session.settle(task))


def _record(task: Task, fed: batcher.Fed) -> None:
    """Keep what was heard and given; a session goes on without its recording."""
    if task.recording is None:
        return
    try:
        task.recording.hear(fed.heard)
        for update in fed.updates:
            task.recording.write(update)
    except OutputError as error:  # later writes are left out by the recording itself
        log.error("a recording was broken off: %s", error)


def _close(recordings: Iterable[Recording]) -> None:
    for recording in recordings:
        try:
            recording.close()
        except OutputError as error:
            log.error("a recording may lack its end: %s", error)
