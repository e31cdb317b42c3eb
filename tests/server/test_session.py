"""A session without a network, on a clock of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from simulst import batcher
from simulst.errors import ProtocolError
from simulst.server.backlog import SILENCE_S
from simulst.server.protocols import Engine
from simulst.server.session import Session
from simulst.server.wire.base import (
    Audio,
    Begin,
    Ended,
    Failed,
    Given,
    Lagging,
    Mark,
    Marked,
    News,
    Opened,
    Taken,
)
from tests.server.client import Echo, Together, alone, sound, texts


class Desk:
    """A client of a session: keeps what it is told."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.left: int | None = None

    def tell(self, news: News) -> None:
        assert self.left is None
        self.news.append(news)

    def leave(self, code: int, reason: str) -> None:
        self.left = code

    def texts(self) -> list[str]:
        """All emissions."""
        return texts([news.update for news in self.news if isinstance(news, Given)])


class Clock:
    """Time that passes when the test says so."""

    s = 100.0

    def __call__(self) -> float:
        return self.s


def session(
    clock: Clock | None = None,
    resumable: bool = False,
    wake: Callable[[], None] = lambda: None,
    engine: Engine | None = None,
) -> tuple[Session, Desk]:
    """A session with its client."""
    using = engine or Together({"de": Echo()})
    made = Session(using, Begin(resumable=resumable), "", 0.5, wake, clock or Clock())
    desk = Desk()
    made.attach(desk)
    return made, desk


def work(using: Session) -> int:
    """Do all that there is to do; the number of calls."""
    calls = 0
    while using.due_s is not None:
        task = using.task()
        (task.result,), _ = batcher.step([task.feed])
        using.settle(task)
        calls += 1
    return calls


def test_the_news_come_in_order() -> None:
    """What sound led to is told before that it was taken in; the end comes last."""
    one, desk = session()
    one.hear(Audio(sound()[:1_600], 16_000))
    one.hear(Audio(sound()[1_600:2_000], 16_000))
    one.mark(Mark("m"))
    one.finish()
    work(one)
    kinds = [type(news) for news in desk.news]
    # what was left of the second packet was tentative, and then flushed
    assert kinds == [Opened, Given, Taken, Given, Given, Taken, Marked, Ended]
    assert [news.samples for news in desk.news if isinstance(news, Taken)] == [1_600, 2_000]
    assert one.over and desk.left == 1000
    assert desk.texts() == texts(alone(Echo(), sound()[:2_000]))


def test_a_long_packet_is_taken_in_steps() -> None:
    """A packet of many steps does not keep the engine from others: a step is taken at a time."""
    one, desk = session()
    one.hear(Audio(sound()[:16_000], 16_000))
    assert work(one) == 10
    assert [type(news) for news in desk.news][-1] is Taken


def test_there_is_room_until_the_queue_is_full() -> None:
    """Who brings more than may wait is held until the engine has taken some of it."""

    async def run() -> None:
        one, _ = session()
        one.hear(Audio(sound()[:7_900], 16_000))
        await asyncio.wait_for(one.room(), 1)
        one.hear(Audio(sound()[7_900:8_000], 16_000))
        held = asyncio.create_task(one.room())
        await asyncio.sleep(0)
        assert not held.done()
        one.task()
        await asyncio.wait_for(held, 1)

    asyncio.run(run())


def test_who_is_late_hears_more_at_once_and_says_so() -> None:
    """Behind life by a second a session takes four steps in one; by two its client is told."""
    clock = Clock()
    one, desk = session(clock)
    for _ in range(60):  # a second of sound takes two
        one.hear(Audio(sound()[:1_600], 16_000))
        clock.s += 0.1
    for _ in range(6):
        task = one.task()
        (task.result,), _ = batcher.step([task.feed])
        clock.s += 0.1
        one.settle(task)
    assert task.feed.stride == 4
    assert len(task.feed.samples) == 4 * 1_600
    (lag,) = [news for news in desk.news if isinstance(news, Lagging)]
    assert lag.lag_ms == pytest.approx(6_000, abs=200)
    work(one)  # time stands still, so it catches up
    one.hear(Audio(sound()[:1_600], 16_000))
    work(one)
    assert [news.lag_ms for news in desk.news if isinstance(news, Lagging)][1:] == [0]


def test_a_file_is_never_late() -> None:
    """Sound that comes faster than life is ahead of its time, however long it waits."""
    clock = Clock()
    one, desk = session(clock)
    for _ in range(100):
        one.hear(Audio(sound()[:16_000], 16_000))
    for _ in range(1_000):
        task = one.task()
        (task.result,), _ = batcher.step([task.feed])
        one.settle(task)
        assert task.feed.stride == 1
    assert not [news for news in desk.news if isinstance(news, Lagging)]


def test_a_result_that_comes_too_late_goes_nowhere() -> None:
    """What is computed while its session ends or begins again is not told to anyone."""
    for restarts in (False, True):
        one, desk = session()
        one.hear(Audio(sound()[:1_600], 16_000))
        task = one.task()
        if restarts:
            one.restart()
        else:
            one.close(None)
        (task.result,), _ = batcher.step([task.feed])
        assert one.settle(task) == {}
        assert desk.texts() == []


def test_a_pause_brings_the_last_words_and_no_lag() -> None:
    """What is heard in a pause is what the engine makes of silence, without ack, lag or mark."""
    clock = Clock()
    one, desk = session(clock, resumable=True)
    one.hear(Audio(sound()[:2_000], 16_000))
    clock.s += 1
    one.pause()
    one.pause()
    clock.s += 60  # an engine that takes so long is late with sound, not with silence
    before = len(desk.news)
    work(one)
    silence = np.zeros(round(SILENCE_S * 16_000), np.float32)
    expected = np.concatenate([sound()[:2_000], silence])
    assert desk.texts() == texts(alone(Echo(), expected))[: len(expected) // 1_600]
    (lag,) = [news for news in desk.news[before:] if isinstance(news, Lagging)]
    assert lag.lag_ms == pytest.approx(61_000, abs=100)  # of the sound itself
    assert one.lag.late_s == pytest.approx(61, abs=0.1)
    assert [news.samples for news in desk.news if isinstance(news, Taken)] == [2_000]
    again = Desk()
    one.resume(again, 0)
    opened = again.news[0]
    assert isinstance(opened, Opened) and opened.taken == 2_000
    one.pause()  # it has had its silence, also on another connection
    assert one.due_s is None
    one.finish()
    work(one)
    assert again.texts() == texts(alone(Echo(), expected))


def test_news_know_the_time_of_day() -> None:
    """A session has the time at which it began, and what it gives the time that it counts from."""
    clock = Clock()
    engine = Together({"de": Echo()})
    one = Session(engine, Begin(), "", 0.5, lambda: None, clock, wall=lambda: 1_700_000_000.0)
    desk = Desk()
    one.attach(desk)
    clock.s += 3
    one.hear(Audio(sound()[:1_600], 16_000))
    work(one)
    clock.s += 50
    one.hear(Audio(sound()[1_600:3_200], 16_000))
    work(one)
    clock.s += 1
    one.restart()
    times = [news.at_ms for news in desk.news if isinstance(news, Opened | Given)]
    assert [time - 1_700_000_000_000 for time in times] == [0, 2_900, 52_800, 54_000]


def test_a_restart_begins_again() -> None:
    """After a restart the sound counts from 0, may have another rate, and news are numbered on."""
    one, desk = session()
    one.hear(Audio(sound()[:1_600], 16_000))
    work(one)
    one.hear(Audio(sound()[:100], 16_000))
    one.restart()
    assert isinstance(desk.news[-1], Opened) and desk.news[-1].taken == 0
    one.hear(Audio(np.repeat(sound()[:1_600], 2), 32_000))
    work(one)
    one.finish()
    work(one)
    given = [news for news in desk.news if isinstance(news, Given)]
    assert [news.number for news in given] == list(range(1, len(given) + 1))
    assert given[-1].update.emissions[0].index == 0
    assert not [news for news in desk.news if isinstance(news, Taken) and news.samples == 1_700]


def test_the_rate_stays() -> None:
    """Another rate in the middle of a session is refused, and so is sound after the end."""
    one, _ = session()
    one.hear(Audio(sound()[:10], 16_000))
    with pytest.raises(ProtocolError, match="from 16000 to 8000"):
        one.hear(Audio(sound()[:10], 8_000))
    one.finish()
    with pytest.raises(ProtocolError, match="after the end"):
        one.hear(Audio(sound()[:10], 16_000))


def test_an_end_by_the_server_says_why() -> None:
    """When the server ends a session, more sound is passed over and the end names the reason."""
    one, desk = session()
    one.hear(Audio(sound()[:1_600], 16_000))
    one.finish(Ended("the server stops", "stopping"))
    one.hear(Audio(sound()[:1_600], 16_000))
    work(one)
    assert desk.news[-1] == Ended("the server stops", "stopping")
    assert desk.texts() == texts(alone(Echo(), sound()[:1_600]))


def test_a_session_without_sound_ends() -> None:
    """An end without any sound before it is an end like any other."""
    one, desk = session()
    one.finish()
    work(one)
    assert [type(news) for news in desk.news] == [Opened, Ended]


def test_who_resumes_gets_what_it_missed() -> None:
    """News after the given number come again without what was tentative, then the new ones."""
    one, first = session(resumable=True)
    for at in range(0, 8_000, 1_600):
        one.hear(Audio(sound()[at : at + 1_600], 16_000))
        work(one)
    one.cut()
    one.hear(Audio(sound()[8_000:9_600], 16_000))
    work(one)
    again = Desk()
    one.resume(again, 2)
    opened, *missed = again.news
    assert isinstance(opened, Opened) and opened.resumed and opened.taken == 9_600
    assert [news.number for news in missed if isinstance(news, Given)] == [3, 4, 5, 6]
    assert not [n for n in missed if isinstance(n, Given) and n.update.tentative_source]
    one.finish()
    work(one)
    assert first.texts()[:2] + again.texts() == texts(alone(Echo(), sound()[:9_600]))


def test_who_reads_along_learns_no_secret() -> None:
    """A reader gets the news from now on, without the session's id, and cannot slow it down."""
    one, _ = session()
    reader = Desk()
    one.read_along(reader, None)
    one.hear(Audio(sound()[:1_600], 16_000))
    one.finish()
    work(one)
    opened = reader.news[0]
    assert isinstance(opened, Opened) and opened.session == "" and opened.follow == one.follow
    assert reader.texts() == texts(alone(Echo(), sound()[:1_600]))
    assert reader.left == 1000


def test_a_failure_says_nothing_of_the_engine() -> None:
    """An exception of the engine ends the session with an error that holds none of its text."""
    one, desk = session()
    one.hear(Audio(np.full(1_600, 0.9, np.float32), 16_000))
    work(one)
    assert isinstance(desk.news[-1], Failed)
    assert "trouble" not in desk.news[-1].message
    assert desk.left == 1011
