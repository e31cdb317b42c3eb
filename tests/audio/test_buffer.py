"""The bounded buffer on the sample clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.audio.buffer import AudioBuffer
from simulst.errors import AudioError
from simulst.types import AudioChunk


def chunk(start: int, length: int) -> AudioChunk:
    """Samples whose value is their own index."""
    return AudioChunk(np.arange(start, start + length, dtype=np.float32), start)


@given(
    start=st.integers(0, 1_000),
    changes=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)), max_size=20),
)
def test_every_sample_keeps_its_index(start: int, changes: list[tuple[int, int]]) -> None:
    """However it is filled and emptied, sample i of the stream is found at i."""
    buffer = AudioBuffer(capacity=10_000, start=start)
    for added, dropped in changes:
        buffer = buffer.append(chunk(buffer.end, added)).drop(buffer.start + dropped)
        assert np.array_equal(buffer.samples, np.arange(buffer.start, buffer.end))


def test_a_view_is_numbered() -> None:
    """A view holds the samples asked for and says where they begin."""
    view = AudioBuffer(100, 10).append(chunk(10, 50)).view(20, 25)
    assert (view.start, view.end) == (20, 25)
    assert view.samples.tolist() == [20, 21, 22, 23, 24]


def test_changes_make_new_buffers() -> None:
    """A buffer is as before after something was appended to it or dropped from it."""
    first = AudioBuffer(100).append(chunk(0, 10))
    second = first.append(chunk(10, 5))
    third = second.drop(8)
    assert [(b.start, b.end, len(b)) for b in (first, second, third)] == [
        (0, 10, 10),
        (0, 15, 15),
        (8, 15, 7),
    ]


@pytest.mark.parametrize("start", [9, 11])
def test_gaps_and_overlaps_are_refused(start: int) -> None:
    """Audio that does not begin where the buffer ends is an error that names both places."""
    buffer = AudioBuffer(100).append(chunk(0, 10))
    with pytest.raises(AudioError, match=f"sample {start} where sample 10 is next"):
        buffer.append(chunk(start, 5))


def test_it_never_holds_more_than_it_may() -> None:
    """Audio that does not fit is refused, and fits once older audio was dropped."""
    buffer = AudioBuffer(10).append(chunk(0, 8))
    with pytest.raises(AudioError, match="11 samples of audio do not fit into a buffer of 10"):
        buffer.append(chunk(8, 3))
    assert buffer.drop(1).append(chunk(8, 3)).end == 11


def test_dropping_beyond_the_end_skips_a_gap() -> None:
    """After dropping up to a later sample the buffer is empty and goes on from there."""
    buffer = AudioBuffer(100).append(chunk(0, 10)).drop(30)
    assert (len(buffer), buffer.start) == (0, 30)
    assert buffer.append(chunk(30, 5)).view(30, 35).samples.tolist() == [30, 31, 32, 33, 34]


def test_dropping_what_is_gone_changes_nothing() -> None:
    """Dropping before the first sample held leaves all of it."""
    buffer = AudioBuffer(100, 20).append(chunk(20, 10))
    assert buffer.drop(5) is buffer


@pytest.mark.parametrize(("begin", "end"), [(9, 15), (12, 21), (15, 12)])
def test_views_outside_are_bugs(begin: int, end: int) -> None:
    """Asking for samples that are not held is a fault of the caller."""
    with pytest.raises(AssertionError):
        AudioBuffer(100, 10).append(chunk(10, 10)).view(begin, end)
