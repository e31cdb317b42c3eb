"""The queue of a session: order, size and what is due when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.server.backlog import SILENCE_S, Backlog
from simulst.server.wire.base import Audio, Mark, Marked, Taken


def packet(length: int, value: float = 0.0, rate: int = 16_000) -> Audio:
    """Samples that are all alike."""
    return Audio(np.full(length, value, np.float32), rate)


@given(
    st.lists(st.one_of(st.integers(0, 50), st.sampled_from(["mark"])), max_size=12),
    st.integers(1, 60),
)
def test_everything_comes_out_once_and_in_order(items: list[int | str], most: int) -> None:
    """What goes in comes out in portions of at most the size asked for, each answer in place."""
    backlog, total = Backlog(), 0
    expected: list[Taken | Marked] = []
    for number, item in enumerate(items):
        if isinstance(item, int):
            total += item
            backlog.hear(packet(item, number / 100), 0.0)
            expected.append(Taken(total))
        else:
            backlog.mark(Mark(str(number)))
            expected.append(Marked(str(number)))
    backlog.end()
    answers: list[object] = []
    samples, ended = [], False
    while backlog:
        assert not ended
        portion = backlog.take(most)
        assert len(portion.samples) <= most
        samples.append(portion.samples)
        answers += portion.answers
        ended = portion.end
        known = sum(map(len, samples))
        assert all(each.samples <= known for each in portion.answers if isinstance(each, Taken))
    assert ended
    assert answers == expected
    whole = [np.full(n, i / 100, np.float32) for i, n in enumerate(items) if isinstance(n, int)]
    assert np.array_equal(np.concatenate(samples), np.concatenate([*whole, samples[0][:0]]))
    assert backlog.waiting == 0
    assert backlog.received == total


def test_live_sound_is_due_when_it_comes() -> None:
    """Packets at the pace of life are due at once, also after the speaker has paused."""
    backlog = Backlog()
    for at_s in (10.0, 10.1, 10.2, 60.0, 60.1):
        backlog.hear(packet(1_600), at_s)
        assert backlog.take(1_600).due_s == pytest.approx(at_s, abs=0.01)


def test_a_pause_is_filled_once() -> None:
    """Silence follows what was sent, once until sound comes again, and is none of its sound."""
    backlog = Backlog()
    assert not backlog.pause()  # nothing was said yet
    backlog.hear(packet(800, 0.5), 10.0)
    assert backlog.pause() and not backlog.pause()
    assert (backlog.waiting, backlog.received) == (800, 800)
    first, rest = backlog.take(1_600), backlog.take(10**9)
    assert first.samples.tolist() == [0.5] * 800 + [0] * 800
    assert first.answers == (Taken(800),)
    assert first.due_s == pytest.approx(10.0)
    assert not rest.samples.any() and rest.answers == () and rest.due_s == float("-inf")
    assert len(first.samples) + len(rest.samples) == 800 + round(SILENCE_S * 16_000)
    backlog.hear(packet(0), 11.0)
    assert not backlog.pause()
    backlog.hear(packet(800), 12.0)
    assert backlog.pause()
    assert backlog.take(800).answers == (Taken(800), Taken(1_600))
    backlog.end()
    assert not backlog.pause()


def test_a_pause_makes_nothing_late_or_early() -> None:
    """Silence is heard at once, and sound after it is due when it comes, however soon that is."""
    backlog = Backlog()
    backlog.hear(packet(1_600), 10.0)
    backlog.take(1_600)
    backlog.pause()
    assert backlog.next_due_s() == float("-inf")
    backlog.hear(packet(1_600), 11.2)
    assert backlog.take(10**9).due_s == pytest.approx(11.2)


def test_times_of_the_session_can_be_told_in_time() -> None:
    """The origin moves on by what a client left out, less the silence heard instead."""
    backlog = Backlog(5.0)
    assert backlog.take(1).origin_s == 5.0
    backlog.hear(packet(16_000), 11.0)
    assert backlog.take(8_000).origin_s == pytest.approx(10.0)
    assert backlog.take(8_000).origin_s == pytest.approx(10.0)
    backlog.pause()
    assert backlog.take(10**9).origin_s == pytest.approx(10.0)
    backlog.hear(packet(1_600), 60.1)
    last = backlog.take(10**9)
    spoken_s = last.origin_s + 1.0 + SILENCE_S  # where in the session it begins
    assert spoken_s == pytest.approx(60.0)


def test_a_file_is_due_at_the_pace_of_life() -> None:
    """Sound that comes all at once is due as it would have been spoken."""
    backlog = Backlog()
    for _ in range(100):
        backlog.hear(packet(16_000), 10.0)
    dues = [backlog.take(16_000).due_s for _ in range(100)]
    assert dues[0] == pytest.approx(10.0)
    assert dues[-1] == pytest.approx(10 + 99 * 0.95, abs=0.1)
    assert dues == sorted(dues)


def test_after_a_burst_who_speaks_is_on_time_again() -> None:
    """Three seconds that came at once after a stall are forgotten a minute later."""
    backlog = Backlog()
    for _ in range(30):
        backlog.hear(packet(1_600), 3.0)
    for step in range(700):
        backlog.hear(packet(1_600), 3.1 + step / 10)
    last = backlog.take(10**9)
    assert last.due_s == pytest.approx(3.1 + 69.9, abs=0.11)


def test_a_part_of_a_packet_is_due_earlier() -> None:
    """The first half of a second was spoken half a second before the second half."""
    backlog = Backlog()
    backlog.hear(packet(16_000), 10.0)
    assert backlog.next_due_s() == pytest.approx(9.0)
    assert backlog.take(8_000).due_s == pytest.approx(9.5)
    assert backlog.take(8_000).due_s == pytest.approx(10.0)
