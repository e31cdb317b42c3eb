"""What is computed next, and that a session's neighbours do not matter."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulst.server.conductor import AHEAD_AT_ONCE, Conductor
from simulst.server.recordings import TalkRecording
from simulst.server.session import Session
from simulst.server.wire.base import Audio
from simulst.types import Samples, Update
from tests.server.client import Echo, Together, alone, sound, texts
from tests.server.test_session import Clock, Desk, session


class Watch:
    """Notes what the conductor does."""

    def __init__(self) -> None:
        self.rounds: list[set[Session]] = [set()]
        self.failures: list[Session] = []
        self.updates: list[Update] = []

    def stepped(self, audio_s: float, further_s: float, compute_s: float) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.rounds.append(set())

    def gave(self, session: Session, updates: Mapping[str, Sequence[Update]]) -> None:
        self.rounds[-1].add(session)
        self.updates += [update for given in updates.values() for update in given]

    def failed(self, session: Session) -> None:
        self.failures.append(session)


def conduct(sessions: list[Session], clock: Clock, engine: Echo | None = None) -> Watch:
    """Run until all is done."""
    watch = Watch()

    async def run() -> None:
        conductor = Conductor(lambda: sessions, watch, clock)
        task = asyncio.create_task(conductor.run())
        async with asyncio.timeout(20):
            while any(each.waiting or not each.over for each in sessions):
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    watch.rounds = [each for each in watch.rounds if each]
    return watch


def test_those_who_speak_go_together_and_first() -> None:
    """Sessions whose sound is due share a call; files that are ahead wait, a few at a time."""
    clock = Clock()
    live = [session(clock) for _ in range(3)]
    files = [session(clock) for _ in range(AHEAD_AT_ONCE + 2)]
    for one, _ in files:
        one.hear(Audio(sound()[:1_600], 16_000))
        one.hear(Audio(sound()[1_600:], 16_000))
        one.finish()
    clock.s += 0.01
    for one, _ in live:
        one.hear(Audio(sound(0.1), 16_000))
        one.finish()
    watch = conduct([one for one, _ in (*files, *live)], clock)
    assert {one for one, _ in live} <= watch.rounds[0]
    assert max(map(len, watch.rounds[6:])) == AHEAD_AT_ONCE
    for _, desk in files:
        assert desk.texts() == texts(alone(Echo(), sound()))


def test_the_engine_runs_in_its_own_thread() -> None:
    """Models never run on the event loop."""
    threads = set()

    class Where(Echo):
        def step(self, *given: object) -> list[tuple[tuple[int, object], Update]]:  # type: ignore[override]
            threads.add(threading.current_thread())
            return super().step(*given)  # type: ignore[arg-type, return-value]

    one, _ = session(engine=Together({"de": Where()}))
    one.hear(Audio(sound(), 16_000))
    one.finish()
    conduct([one], Clock())
    assert threads and threading.main_thread() not in threads


def test_emissions_are_stamped() -> None:
    """Each emission says when it could be read: when its step was done, never before."""
    one, desk = session()
    one.hear(Audio(sound(), 16_000))
    one.finish()
    watch = conduct([one], Clock())
    units = [unit for update in watch.updates for unit in update.emissions]
    assert len(units) == len(desk.texts()) > 10
    assert all(unit.elapsed is not None and unit.elapsed >= unit.delay for unit in units)


def test_an_end_that_comes_alone_is_stamped_too() -> None:
    """When the end follows all sound, what the resampler still held is interpreted and stamped."""
    one, desk = session()
    one.hear(Audio(sound(1.0, rate=48_000), 48_000))

    async def run() -> None:
        watch = Watch()
        conductor = Conductor(lambda: [one], watch, Clock())
        one.wake = conductor.wake
        task = asyncio.create_task(conductor.run())
        async with asyncio.timeout(20):
            while one.due_s is not None or one.waiting or not desk.texts():
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            one.finish()
            while not one.over:
                assert not task.done()
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        units = [unit for update in watch.updates for unit in update.emissions]
        assert len(units) == 10
        assert all(unit.elapsed is not None and unit.elapsed >= unit.delay for unit in units)

    asyncio.run(run())
    assert desk.left == 1000


def test_a_fault_beside_the_engine_ends_one_session(tmp_path: Path) -> None:
    """A recording that fails in a way nobody foresaw fails its own session, not the conductor."""
    clock = Clock()
    one, desk = session(clock)
    other, unharmed = session(clock)

    class Broken(TalkRecording):
        def hear(self, samples: Samples) -> None:
            raise RuntimeError("unforeseen")

    one.recording = Broken(tmp_path / "talk", {"de": {}})
    for each in (one, other):
        each.hear(Audio(sound(0.1), 16_000))
        each.finish()
    watch = conduct([one, other], clock)
    assert watch.failures == [one]
    assert (desk.left, unharmed.left) == (1011, 1000)


def test_a_failure_is_counted_and_contained() -> None:
    """One session fails, is told so, and the others of the same call end well."""
    clock = Clock()
    shared = Together({"de": Echo()})
    pairs: list[tuple[Session, Desk]] = [session(clock, engine=shared) for _ in range(3)]
    for row, (one, _) in enumerate(pairs):
        samples = sound(0.1).copy()
        samples[100] = 0.9 if row == 1 else 0.0
        one.hear(Audio(samples, 16_000))
        one.finish()
    watch = conduct([one for one, _ in pairs], clock)
    assert watch.failures == [pairs[1][0]]
    assert [desk.left for _, desk in pairs] == [1000, 1011, 1000]
