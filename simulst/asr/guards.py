"""Guards against what Whisper invents: loops, and words where nobody spoke.

Pure functions over words and samples. They only ever drop words that are not committed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulst.asr.text import key
from simulst.types import SAMPLE_RATE, AudioChunk, Word

__all__ = [
    "HISTORY",
    "drop_implausible",
    "drop_unspoken",
    "find_gap",
    "find_loop",
    "is_audible",
    "loudness",
]

HISTORY = 64
"""Committed words that the loop guard looks back on."""

_LONGEST = 12  # words of a phrase that is looked for
_TIMES_WORD, _TIMES_PHRASE = 5, 4
_WORDS_A_SECOND = 8
_FRAME = SAMPLE_RATE // 50
_SILENCE = 5e-4
"""Root mean square, full scale 1: about -66 dB, below any microphone's speech."""
_BELOW_SPEECH = 0.01
"""-40 dB under the loudest speech heard lately: its echo or its noise, not itself."""
_BELOW_WORD = 0.03
"""-30 dB under the loudest part of a word."""
_GAP_FRAMES = 10
"""200 ms: longer than a word is ever silent inside, as it is before a plosive."""


def find_loop(committed: Sequence[str], words: Sequence[Word]) -> int | None:
    """How many of `words` come before a repetition loop; None if there is none.

    A loop is one word five times in a row, or a phrase of up to twelve words four times. Of a
    loop that starts inside `words` the first round is kept, as it may have been said. A loop
    that is repeated in `committed` has been confirmed as stable already, so nothing of it is.

    Args:
        committed: keys (`text.key`) of the last committed words; `HISTORY` are enough.
        words: heard beyond them. Only loops that reach into these are found.
    """
    keys = [*committed, *(key(word.text) for word in words)]
    keep: int | None = None
    for size in range(1, _LONGEST + 1):
        times = _TIMES_WORD if size == 1 else _TIMES_PHRASE
        run = 0  # keys in a row that equal the one `size` before
        for index in range(size, len(keys)):
            run = run + 1 if keys[index] == keys[index - size] else 0
            if run >= size * (times - 1) and index >= len(committed):
                first_round_ends = index - run + 1
                cut = max(0, first_round_ends - len(committed))
                keep = cut if keep is None else min(keep, cut)
                break
    return keep


def drop_implausible(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words up to where they could not have been spoken.

    That is from nine words that begin within one second, or three in a row without length, as
    words are that the decoder invents beyond the end of speech.
    """
    for index in range(len(words)):
        burst = words[index : index + _WORDS_A_SECOND + 1]
        if len(burst) > _WORDS_A_SECOND and burst[-1].start - burst[0].start < SAMPLE_RATE:
            return tuple(words[:index])
        instant = words[index : index + 3]
        if len(instant) == 3 and all(word.end == word.start for word in instant):
            return tuple(words[:index])
    return tuple(words)


def loudness(samples: NDArray[np.float32]) -> float:
    """Root mean square of the loudest 20 ms, in [0, 1]; 0 for no samples.

    Frames are laid from the first sample; a last frame that is not full counts as it is.
    """
    return float(_levels(samples).max()) if len(samples) else 0.0


def _levels(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Root mean square of each 20 ms of samples, of which there are some."""
    starts = np.arange(0, len(samples), _FRAME)
    power = np.add.reduceat(np.square(samples, dtype=np.float64), starts)
    lengths = np.minimum(_FRAME, len(samples) - starts)
    return np.asarray(np.sqrt(power / lengths))


def find_gap(samples: NDArray[np.float32]) -> tuple[int, int] | None:
    """The last silence of 200 ms or more that has sound behind it, else one at the start of any
    length; None if there is none.

    Silence is relative to the loudest 20 ms, so in noise that is loud none is found.

    Args:
        samples: (n,), in which a word was spoken.

    Returns:
        Its first sample and the one past its last.
    """
    if not len(samples):
        return None
    levels = _levels(samples)
    sounds = np.flatnonzero(levels >= max(_SILENCE, _BELOW_WORD * levels.max()))
    if not len(sounds):
        return None
    gaps = np.flatnonzero(np.diff(sounds) > _GAP_FRAMES)
    if len(gaps):
        last = gaps[-1]
        return int(sounds[last] + 1) * _FRAME, int(sounds[last + 1]) * _FRAME
    return (0, int(sounds[0]) * _FRAME) if sounds[0] else None


def is_audible(samples: NDArray[np.float32], level: float) -> bool:
    """Whether there is sound that can be speech beside speech of loudness `level`."""
    return loudness(samples) >= max(_SILENCE, _BELOW_SPEECH * level)


def drop_unspoken(words: Sequence[Word], audio: AudioChunk, level: float) -> tuple[Word, ...]:
    """The words up to the first of a silent rest.

    Word times are not exact, so a word counts as spoken if there is sound within 200 ms of it,
    and only a tail is dropped: a weak word between others was most likely said.

    Args:
        words: heard in `audio`.
        audio: of the window.
        level: loudness of the speech heard lately, in [0, 1].
    """
    margin = SAMPLE_RATE // 5
    count = len(words)
    while count:
        word = words[count - 1]
        first = max(0, word.start - margin - audio.start)
        last = max(0, word.end + margin - audio.start)
        if is_audible(audio.samples[first:last], level):
            break
        count -= 1
    return tuple(words[:count])
