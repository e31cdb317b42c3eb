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

from simulst import batcher
from simulst.server import rounds
from simulst.server.protocols import Recorder, Steps
from simulst.server.session import Session
from simulst.server.task import Task
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
        self._retired: list[Recorder] = []

    def wake(self) -> None:
        """There may be something to do."""
        self._something.set()

    def retire(self, recording: Recorder) -> None:
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
                worker.submit(rounds.close, self._retired)

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

    def _work(self, tasks: Sequence[Task], retired: Sequence[Recorder]) -> float:
        """In the worker thread."""
        rounds.close(retired)
        return rounds.compute(tasks, self._now) if tasks else 0.0

    def _settle(self, tasks: Sequence[Task], compute_s: float) -> None:
        if not tasks:
            return
        audio = further = 0
        for task in tasks:
            if isinstance(task.result, batcher.Fed):
                audio += task.result.heard.size
                further += task.result.heard.size * (len(task.targets) - 1)
        self._steps.stepped(audio / SAMPLE_RATE, further / SAMPLE_RATE, compute_s)
        for task in tasks:
            for target, error in task.lost.items():
                log.error("the engine failed on a session's %s", target, exc_info=error)
            if isinstance(task.result, Exception):
                log.error("the engine failed on a session", exc_info=task.result)
                self._steps.failed(task.session)
            self._steps.gave(task.session, task.session.settle(task))
