"""Fakes for the tests of listening: transcribers that know what is said, and streams of speech."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from simulst.asr.listener import Listener, ListenerState
from simulst.types import (
    SAMPLE_RATE,
    AudioChunk,
    Hypothesis,
    SentenceEnd,
    Speech,
    Window,
    Word,
)

STEP = SAMPLE_RATE // 2


def say(text: str, *, start_s: float = 0.2, word_s: float = 0.25, gap_s: float = 0.1) -> list[Word]:
    """Words at an even pace; a lone number in the text is a pause of so many seconds."""
    words: list[Word] = []
    at = start_s
    for part in text.split():
        try:
            at += float(part)
            continue
        except ValueError:
            pass
        words.append(Word(part, round(at * SAMPLE_RATE), round((at + word_s) * SAMPLE_RATE), 0.9))
        at += word_s + gap_s
    return words


def sound(samples: int, seed: int = 0) -> NDArray[np.float32]:
    """Noise as loud as speech."""
    return np.random.default_rng(seed).normal(0.0, 0.1, samples).astype(np.float32)


def chunk(start: int, end: int) -> AudioChunk:
    """Sound from one sample of a stream to another."""
    return AudioChunk(sound(end - start), start)


class Hearing:
    """Hears `said` as far as the window reaches; a word that is cut off comes out as "…".

    Like a recogniser, it starts after the prefix, or with what lies in the window if there is
    none. `distort` may change what it returns; `calls` holds every batch of windows.
    """

    languages: tuple[str, ...] = ("en",)

    def __init__(
        self,
        said: Sequence[Word],
        distort: Callable[[list[Word], Window], Sequence[Word]] = lambda words, window: words,
    ) -> None:
        self.said = said
        self.distort = distort
        self.calls: list[list[Window]] = []

    def transcribe(self, windows: Sequence[Window]) -> list[tuple[Word, ...]]:
        self.calls.append(list(windows))
        return [tuple(self.distort(self._hear(window), window)) for window in windows]

    def _hear(self, window: Window) -> list[Word]:
        done = window.prefix[-1].end if window.prefix else 0
        heard = []
        for word in self.said:
            inside = (word.start + word.end) // 2 >= window.audio.start and word.start >= done
            if inside and word.end <= window.audio.end:
                heard.append(word)
            elif inside and word.start < window.audio.end:
                heard.append(Word("hm…", word.start, window.audio.end, 0.2))
        return heard


class Script:
    """Returns one prepared hypothesis a call, whatever it is asked."""

    languages: tuple[str, ...] = ("en",)

    def __init__(self, *hypotheses: Sequence[Word]) -> None:
        self.hypotheses = list(hypotheses)
        self.windows: list[Window] = []

    def transcribe(self, windows: Sequence[Window]) -> list[tuple[Word, ...]]:
        assert len(windows) == 1
        self.windows.append(windows[0])
        return [tuple(self.hypotheses.pop(0))]


class Stream:
    """One stream through a listener, with all that came out."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.state: ListenerState = listener.open()
        self.committed: list[Word | SentenceEnd] = []
        self.last = Hypothesis()
        self.clock = 0

    def hear(self, *speech: Speech, clock: int | None = None) -> Hypothesis:
        """One step; the clock goes to the end of the speech unless given."""
        ends = [piece.audio.end for piece in speech]
        self.clock = clock if clock is not None else max([self.clock, *ends])
        ((self.state, self.last),) = self.listener.step([self.state], [speech], [self.clock])
        self.committed += self.last.committed
        return self.last

    def talk(self, until: int, *, start: int = 0, step: int = STEP, end: bool = True) -> None:
        """Speech from `start` to `until` on a grid of steps, ended with the last one."""
        for at in range(start, until, step):
            stop = min(until, at + step)
            self.hear(Speech(chunk(at, stop), ended=end and stop == until))

    def finish(self) -> Hypothesis:
        ((self.state, self.last),) = self.listener.finish([self.state], [self.clock])
        self.committed += self.last.committed
        return self.last

    @property
    def words(self) -> list[str]:
        return [event.text for event in self.committed if isinstance(event, Word)]

    @property
    def text(self) -> str:
        """Committed words, with a bar for each sentence end."""
        return " ".join(e.text if isinstance(e, Word) else "|" for e in self.committed)
