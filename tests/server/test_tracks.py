"""Several speakers on one connection, without a network; time passes when the test says so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Any

import numpy as np
import pytest

from simulst import batcher
from simulst.errors import ProtocolError
from simulst.server.admission import Admission
from simulst.server.limits import Limits
from simulst.server.metrics import Metrics
from simulst.server.sessions import Place, Sessions
from simulst.server.track import AUDIBLE, BEFORE_S
from simulst.server.tracks import AGAIN_S, Tracks
from simulst.server.wire.base import (
    Audio,
    Begin,
    Ended,
    Failed,
    Finish,
    Given,
    News,
    Of,
    Opened,
)
from simulst.types import Samples
from tests.server.client import COST, Echo, Together, alone, sound, texts

SECOND = 16_000
QUIET = np.full(SECOND, AUDIBLE / 2, np.float32)


class Room:
    """A connection with several speakers, and all that it is told."""

    def __init__(self, begin: Begin | None = None, owner: str = "", **limits: Any) -> None:
        self.limits = Limits(**{"sessions": 8, **limits})
        self.admission = Admission(self.limits, COST)
        engine = Together({"de": Echo()})
        metrics = Metrics(engine.targets)
        self.sessions = Sessions(engine, self.limits, self.admission, metrics, lambda: None)
        self.sessions.enter(owner)
        self.tracks = Tracks(self, self.sessions, self.limits, Place(self.sessions, owner, True))
        self.begin = begin or Begin()
        self.told: list[tuple[str, News]] = []
        self.left: int | None = None

    def tell(self, news: News) -> None:
        assert isinstance(news, Of)
        self.told.append((news.track, news.news))

    def leave(self, code: int, reason: str) -> None:
        self.left = code

    async def hear(self, who: str, samples: Samples, size: int = 320) -> None:
        """Sound of a speaker; the engine is as fast as can be."""
        await self.tracks.carry_out(self.begin, who)
        for start in range(0, len(samples), size):
            await self.tracks.carry_out(Audio(samples[start : start + size], SECOND), who)
            self.work()

    def work(self) -> None:
        """Do all that there is to do."""
        for session in self.sessions.running():
            while session.due_s is not None:
                task = session.task()
                (task.result,), _ = batcher.step([task.feed])
                session.settle(task)
        self.sessions.sweep()

    def wait(self, seconds: float) -> None:
        """Nothing comes from the client for a while."""
        for _ in range(round(seconds * 10)):
            self.tracks.look(0.1)
            self.work()

    def of(self, who: str, *kinds: type) -> list[Any]:
        """The news of a speaker."""
        return [news for name, news in self.told if name == who and isinstance(news, kinds)]

    def texts(self, who: str) -> list[str]:
        """... as far as they are emissions."""
        return texts([news.update for news in self.of(who, Given)])


def run(what: Awaitable[None]) -> None:
    """Within a bounded time."""

    async def bounded() -> None:
        await asyncio.wait_for(what, 10)

    asyncio.run(bounded())


def test_each_speaker_is_interpreted_alone() -> None:
    """What speakers give who take turns packet by packet is what each gives alone."""
    room = Room()
    sounds = {name: sound(2.05, seed) for seed, name in enumerate("abc")}

    async def talk() -> None:
        for start in range(0, len(sounds["a"]), 320):
            for name, samples in sounds.items():
                await room.hear(name, samples[start : start + 320])
        await room.tracks.carry_out(Finish())
        room.work()

    run(talk())
    for name, samples in sounds.items():
        assert room.texts(name) == texts(alone(Echo(), samples))
        assert [type(news) for news in room.of(name, Opened, Ended)] == [Opened, Ended]
    assert room.left == 1000
    assert room.admission.taken == 0


def test_who_is_not_heard_has_no_session() -> None:
    """Quiet sound begins none; the second before a speaker's first sound is heard with it."""
    room = Room()

    async def talk() -> None:
        for _ in range(3):
            await room.hear("a", QUIET)
        assert room.told == []
        await room.hear("a", sound()[:SECOND])
        await room.tracks.carry_out(Finish())
        room.work()

    run(talk())
    before = np.full(round(BEFORE_S * SECOND) - 320, AUDIBLE / 2, np.float32)
    assert room.texts("a") == texts(alone(Echo(), np.concatenate([before, sound()[:SECOND]])))


@pytest.mark.parametrize("sends", [True, False])
def test_who_falls_silent_frees_a_place(sends: bool) -> None:
    """A silent speaker's session ends, whether quiet sound comes or none; the next begins later."""
    room = Room(silent_s=5)

    async def talk() -> None:
        await room.hear("a", sound()[: SECOND // 2])
        await room.hear("b", sound(seed=1)[: SECOND // 2])
        for _ in range(3 if sends else 6):
            await room.hear("b", sound(seed=1)[:SECOND])  # the other goes on
            if sends:
                await room.hear("a", QUIET)
            room.wait(1.0)
        (ended,) = room.of("a", Ended)
        assert ended.code == "silent" and room.of("b", Ended) == []
        assert room.admission.taken == 1
        await room.hear("a", sound(seed=2)[:SECOND])
        assert room.admission.taken == 2
        await room.tracks.carry_out(Finish())
        room.work()

    run(talk())
    first, second = (news.session for news in room.of("a", Opened))
    assert first != second
    assert len(room.of("b", Opened)) == 1
    assert room.texts("a")[-10:] == texts(alone(Echo(), sound(seed=2)[:SECOND]))


def test_sound_that_meets_the_end_waits_for_it() -> None:
    """Words said while a session gives its last ones begin the next; none is lost or too early."""
    room = Room(silent_s=1)

    async def talk() -> None:
        await room.hear("a", sound()[:SECOND])
        for _ in range(12):
            room.tracks.look(0.1)  # it is asked to end, and nobody computes
        coming = asyncio.create_task(room.hear("a", sound(seed=1)[:SECOND]))
        await asyncio.sleep(0)
        assert not coming.done()
        room.work()
        await coming
        await room.tracks.carry_out(Finish())
        room.work()

    run(talk())
    kinds = [type(news) for news in room.of("a", Opened, Ended)]
    assert kinds == [Opened, Ended, Opened, Ended]
    halves = (sound()[:SECOND], sound(seed=1)[:SECOND])
    assert room.texts("a") == [text for half in halves for text in texts(alone(Echo(), half))]


def test_who_is_muted_gets_the_last_words() -> None:
    """When a client stops sending for one speaker, silence is heard once, and only there."""
    room = Room(Begin(silence_after_s=1.0))

    async def talk() -> None:
        for _ in range(3):
            await room.hear("a", sound()[:800])  # half a step is held back
            await room.hear("b", sound(seed=1)[:800])
            assert room.texts("a")[-1:] != texts(alone(Echo(), sound()[:800]))
        for _ in range(20):
            await room.hear("b", sound(seed=1)[:1_600])
            room.wait(0.1)

    run(talk())
    silence = np.zeros(2 * SECOND, np.float32)
    expected = np.concatenate([*[sound()[:800]] * 3, silence])
    assert room.texts("a") == texts(alone(Echo(), expected))[: len(expected) // 1_600]
    there = np.concatenate([*[sound(seed=1)[:800]] * 3, *[sound(seed=1)[:1_600]] * 20])
    assert room.texts("b") == texts(alone(Echo(), there))[: len(there) // 1_600]


def test_who_sends_a_file_may_stall() -> None:
    """Sound that came faster than life makes a pause of nothing that life would have filled."""
    room = Room(Begin(silence_after_s=1.0))

    async def talk() -> None:
        await room.hear("a", sound(20), 16_000)
        room.wait(3.0)
        heard = len(room.texts("a"))
        assert heard == 200  # steps
        room.wait(4.0)  # but not all of it is waited for
        assert len(room.texts("a")) > heard

    run(talk())


def test_speakers_of_a_connection_are_limited() -> None:
    """One too many is told once, goes unheard, and is heard when somebody has fallen silent."""
    room = Room(tracks=2, silent_s=4)

    async def talk() -> None:
        for _ in range(3):
            for name in "abc":
                await room.hear(name, sound()[:SECOND])
        (failed,) = room.of("c", Failed)
        assert "2 speakers" in failed.message and failed.code == "overloaded" and failed.at_ms
        assert room.admission.taken == 2
        for _ in range(round(AGAIN_S) + 4):
            await room.hear("a", sound()[:SECOND])
            await room.hear("c", sound()[:SECOND])
            room.wait(1.0)

    run(talk())
    assert len(room.of("c", Failed)) == len(room.of("c", Opened)) == len(room.of("b", Ended)) == 1
    assert room.texts("c")
    assert room.of("a", Ended, Failed) == []


@pytest.mark.parametrize("limits", [{"sessions": 2}, {"per_token": 2}])
def test_every_speaker_takes_a_place(limits: dict[str, Any]) -> None:
    """Places of the server and of a token are counted by speakers; the others go on."""
    room = Room(owner="token", **limits)

    async def talk() -> None:
        for name in "abc":
            await room.hear(name, sound()[:SECOND])
        assert room.left is None
        await room.tracks.carry_out(Finish())
        room.work()

    run(talk())
    assert [len(room.of(name, Opened)) for name in "abc"] == [1, 1, 0]
    assert [news.code for news in room.of("c", Failed)] == ["overloaded"]
    assert room.texts("b") == texts(alone(Echo(), sound()[:SECOND]))
    assert room.left == 1000
    assert room.admission.taken == 0


def test_one_may_fail_alone() -> None:
    """The engine's failure on a speaker is theirs; later they are tried again."""
    room = Room()

    async def talk() -> None:
        await room.hear("a", sound()[:SECOND])
        await room.hear("b", np.full(3_200, 0.9, np.float32))
        await room.hear("b", np.full(SECOND, 0.9, np.float32))
        assert [news.code for news in room.of("b", Failed)] == ["internal"]
        assert room.left is None
        await room.hear("a", sound()[SECOND : 2 * SECOND])
        for _ in range(round(AGAIN_S) + 1):
            await room.hear("b", sound(seed=1)[:SECOND])
        await room.tracks.carry_out(Finish())
        room.work()

    run(talk())
    assert room.texts("a") == texts(alone(Echo(), sound()[: 2 * SECOND]))
    assert len(room.of("b", Opened)) == 2
    assert len(room.of("b", Failed)) == 1
    assert room.left == 1000


def test_one_may_be_ended_alone() -> None:
    """A wire may end one track: it gives its last words, and the connection goes on."""
    room = Room()

    async def talk() -> None:
        await room.hear("a", sound()[:2_000])
        await room.hear("b", sound()[:2_000])
        await room.tracks.carry_out(Finish(), "a")
        room.work()
        assert room.texts("a") == texts(alone(Echo(), sound()[:2_000]))
        assert room.left is None and room.of("b", Ended) == []
        await room.tracks.carry_out(Finish(), "b")
        room.work()
        await room.tracks.carry_out(Finish())

    run(talk())
    assert room.left == 1000


def test_what_comes_too_early_is_refused() -> None:
    """Sound of a track that was not begun, or an end without any, is the wire's error."""
    room = Room()

    async def talk() -> None:
        for request in (Audio(QUIET, SECOND), Finish()):
            with pytest.raises(ProtocolError, match="before a session"):
                await room.tracks.carry_out(request, "a")

    run(talk())


def test_a_lost_connection_ends_all() -> None:
    """When the client has gone, no speaker keeps a place."""
    room = Room()

    async def talk() -> None:
        for name in "abc":
            await room.hear(name, sound()[:SECOND])
        room.tracks.lost(deliberate=False)
        room.work()

    run(talk())
    assert room.admission.taken == 0


def test_sound_without_room_holds_back_its_connection() -> None:
    """A speaker whose queue is full is waited for, and nothing is dropped meanwhile."""
    room = Room(queue_s=0.5)

    async def talk() -> None:
        await room.tracks.carry_out(Begin(), "a")
        waiting = deque(Audio(sound()[at : at + 1_600], SECOND) for at in range(0, SECOND, 1_600))

        async def send() -> None:
            while waiting:
                await room.tracks.carry_out(waiting.popleft(), "a")

        sending = asyncio.create_task(send())
        await asyncio.sleep(0.01)
        assert len(waiting) == 5
        while not sending.done():
            room.work()
            await asyncio.sleep(0)
        await room.tracks.carry_out(Finish())
        room.work()

    run(talk())
    assert room.texts("a") == texts(alone(Echo(), sound()[:SECOND]))


def test_the_speed_of_each_is_limited_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speakers who send at the pace of life are not taken for one who sends as fast as all."""
    room = Room(speed=2)
    held_s: list[float] = []

    async def sleep(seconds: float) -> None:
        held_s.append(seconds)

    async def talk() -> None:
        for name in "abc":
            await room.hear(name, sound(4.9), 1_600)  # less than the burst that is let through
        assert held_s == []
        await room.hear("a", sound(0.3), 1_600)
        assert held_s == [pytest.approx(0.05), pytest.approx(0.1)]

    monkeypatch.setattr("simulst.server.tracks.time.monotonic", lambda: 100.0)
    monkeypatch.setattr("simulst.server.tracks.asyncio.sleep", sleep)
    run(talk())
