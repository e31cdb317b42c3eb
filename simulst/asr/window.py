"""The stretch of audio that is recognised: how it grows, and what it may let go.

Only audio whose words are committed is let go, so nothing that could still be heard is lost;
a window that has nothing committed for its whole length is the one exception, and its words
are then committed by force.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulst.asr.text import is_mark
from simulst.types import SAMPLE_RATE, AudioChunk, Word

__all__ = ["LONGEST_SAMPLES", "Rolling", "append", "drop", "empty", "extend", "settle"]

LONGEST_SAMPLES = 299 * SAMPLE_RATE // 10
"""Whisper's 30 s less the half frames at the edges."""
_CONTEXT_SAMPLES = 3 * SAMPLE_RATE
"""Committed speech kept before the words to come where the window has to be cut."""
_EDGE_SAMPLES = 3 * SAMPLE_RATE // 10
_REMAINDER_SAMPLES = SAMPLE_RATE
"""Kept of a window without any words: one may just be starting."""


@dataclass(frozen=True, slots=True, eq=False)
class Rolling:
    """Audio not let go yet.

    Attributes:
        samples: (n,) float32, read only.
        start: sample of the stream at which they begin.
        prefix: committed words inside.
    """

    samples: NDArray[np.float32]
    start: int
    prefix: tuple[Word, ...] = ()

    @property
    def end(self) -> int:
        """Sample of the stream one past the last."""
        return self.start + len(self.samples)

    @property
    def heard(self) -> int:
        """Sample up to which the speech is committed."""
        return self.prefix[-1].end if self.prefix else self.start

    @property
    def beyond_prefix(self) -> NDArray[np.float32]:
        """The samples whose speech is not committed."""
        return self.samples[self.heard - self.start :]

    @property
    def chunk(self) -> AudioChunk:
        """The audio as a value of the stream."""
        return AudioChunk(self.samples, self.start)


def empty(at: int) -> Rolling:
    """A window that holds nothing and goes on at sample `at`."""
    return Rolling(np.zeros(0, np.float32), at)


def append(window: Rolling, samples: NDArray[np.float32]) -> Rolling:
    """The window with more audio; the old window's samples are left as they are."""
    return replace(window, samples=np.concatenate([window.samples, samples], dtype=np.float32))


def extend(window: Rolling, committed: Sequence[Word]) -> Rolling:
    """The window with more committed words; a lone mark goes to the word before it."""
    prefix = list(window.prefix)
    for word in committed:
        if not is_mark(word):
            prefix.append(word)
        elif prefix:
            prefix[-1] = replace(prefix[-1], text=prefix[-1].text + word.text)
    return replace(window, prefix=tuple(prefix))


def _cut(window: Rolling, at: int) -> Rolling:
    """The window from sample `at` on, without its words."""
    at = min(max(at, window.start), window.end)
    # a copy, because a view would keep all of the old window in memory
    return Rolling(window.samples[at - window.start :].copy(), at)


def drop(window: Rolling, count: int, pending: Sequence[Word]) -> Rolling:
    """The window without its first `count` words, cut in the middle of the gap behind them."""
    if not count:
        return window
    end = window.prefix[count - 1].end
    rest = window.prefix[count:]
    following = [*rest, *pending][:1]
    at = (end + max(end, following[0].start)) // 2 if following else end
    return replace(_cut(window, at), prefix=rest)


def settle(
    window: Rolling, pending: Sequence[Word], longest: int
) -> tuple[Rolling, tuple[Word, ...]]:
    """Shorten a window that has reached `longest` samples.

    Committed words go first, but for some context where that is enough. Otherwise the pending
    words are committed by force, save those that the end of the audio may have cut off.

    Returns:
        The window, shorter than `longest`, and the pending words that are now committed.
    """
    if len(window.samples) < longest:
        return window, ()
    for context in (_CONTEXT_SAMPLES, 0):
        count = sum(word.end <= window.heard - context for word in window.prefix)
        shorter = drop(window, count, pending)
        if len(shorter.samples) < longest:
            return shorter, ()
    whole = [word for word in pending if word.end <= window.end - _EDGE_SAMPLES]
    forced = tuple(pending[: len(whole) or len(pending)])
    kept = longest // 2 if forced else _REMAINDER_SAMPLES
    heard = forced[-1].end if forced else window.heard
    return _cut(window, max(heard, window.end - kept)), forced
