"""A call of the engine for many sessions, in the worker thread.

What goes wrong stays where it is: in one session, and of its languages in the one that it came
from, if the others can do without.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from simulst import batcher
from simulst.errors import OutputError
from simulst.server.protocols import Engine, Recorder
from simulst.server.task import Task
from simulst.types import SAMPLE_RATE, Update

__all__ = ["close", "compute"]

log = logging.getLogger(__name__)


def compute(tasks: Sequence[Task], now: Callable[[], float]) -> float:
    """Do tasks together, stamp what they give, and record it; the seconds that the engine took.

    Args:
        tasks: of different sessions; each is left with its result.
        now: in seconds.
    """
    begun_s = time.perf_counter()
    for task in tasks:
        _join(task)
    joins_s = time.perf_counter() - begun_s
    results, compute_s = batcher.step([task.feed for task in tasks])
    for task, result in zip(tasks, results, strict=True):
        if isinstance(result, Exception) and len(task.targets) > 1:
            result = _apart(task, result)
        task.result = result
        if isinstance(result, batcher.Fed):
            try:
                late = _late(task, compute_s, now)
                task.joined = _stamped(task.joined, late)
                steps = tuple(_stamped(step, late) for step in result.updates)
                task.result = replace(result, updates=steps)
                _record(task, task.result)
            except Exception as error:  # a fault here ends one session too, and not all
                task.result = error
    return joins_s + compute_s


# -- languages -----------------------------------------------------------------------------------


def _join(task: Task) -> None:
    """Take up the languages that join before the task's portion."""
    stream = task.feed.stream
    engine: Engine = task.session.engine
    for target in task.joins:
        try:
            state, update = engine.join(stream.session, target)
        except Exception as error:  # whatever a model may raise; the state is as before
            task.lost[target] = error
        else:
            stream = replace(stream, session=state)
            task.joined[target] = update
            task.targets = (*task.targets, target)
    task.feed = replace(task.feed, stream=stream)


def _apart(task: Task, error: Exception) -> batcher.Fed | Exception:
    """Do a task that failed without the languages that it fails in, if it does in some only."""
    tried = {target: _without(task, set(task.targets) - {target}) for target in task.targets}
    faults = {target: fault for target, fault in tried.items() if isinstance(fault, Exception)}
    if len(faults) == len(tried):
        return error
    result = _without(task, faults)
    if isinstance(result, batcher.Fed):
        task.lost |= faults
        task.joined = {t: update for t, update in task.joined.items() if t not in faults}
    return result


def _without(task: Task, targets: Iterable[str]) -> batcher.Fed | Exception:
    """What a task gives without some of its languages: states are values, so it can be tried."""
    stream = task.feed.stream
    for target in targets:
        stream = replace(stream, session=task.session.engine.leave(stream.session, target))
    (result,), _ = batcher.step([replace(task.feed, stream=stream)])
    return result


# -- time ----------------------------------------------------------------------------------------


def _late(task: Task, compute_s: float, now: Callable[[], float]) -> int:
    """How long after its sound a task was done, in samples."""
    late_s = compute_s
    if math.isfinite(task.portion.due_s):  # at the end and in a pause nothing may be due
        late_s = max(compute_s, now() - task.portion.due_s)
    return round(late_s * SAMPLE_RATE)


def _stamped(updates: Mapping[str, Update], late: int) -> dict[str, Update]:
    """With the time when each emission could be read."""
    return {
        target: replace(
            update,
            emissions=tuple(replace(e, elapsed=e.delay + late) for e in update.emissions),
        )
        for target, update in updates.items()
    }


# -- recordings ----------------------------------------------------------------------------------


def _record(task: Task, fed: batcher.Fed) -> None:
    """Keep what was heard and given; a session goes on without its recording."""
    if task.recording is None:
        return
    try:
        task.recording.hear(fed.heard)
        for step in fed.updates:
            task.recording.write(step)
    except OutputError as error:  # later writes are left out by the recording itself
        log.error("a recording was broken off: %s", error)


def close(recordings: Iterable[Recorder]) -> None:
    """Close recordings that are done."""
    for recording in recordings:
        try:
            recording.close()
        except OutputError as error:
            log.error("a recording may lack its end: %s", error)
