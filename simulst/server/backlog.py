"""What a client has sent and the engine has not taken in: sound, marks and the end, in order.

It also knows when each sound would have been spoken, were it spoken live: at the pace of life, but
not before it came. Sound of a live client is due when it comes; a file that is sent faster is ahead
of its time, and can wait behind those who speak now. Silence that the client did not send, but is
heard because it has paused, counts as none of its sound and is never late.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from simulst.audio.resampling import check_rate
from simulst.errors import AudioError, ProtocolError
from simulst.server.wire.base import Audio, Finish, Mark, Marked, Taken
from simulst.types import SAMPLE_RATE, Samples

__all__ = ["Backlog", "Portion"]

LIVE_PACKET_S = 1.0  # what comes in longer packets was not all spoken just now
SILENCE_S = 2.0  # heard in a pause; the engine's usual settings close a sentence after 0.9
LEAK = 0.05  # after a burst of T seconds, who sends at the pace of life is on time again in 20 T


@dataclass(slots=True, eq=False)
class _Sound:
    """A packet: (n,) samples, how many the client has sent with them, and when they are due.

    `due_s` is None for silence that it has not sent.
    """

    samples: Samples
    end: int
    due_s: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """What is taken out at once.

    Attributes:
        samples: (n,) at the client's rate.
        answers: to be told when the engine has taken them in.
        end: nothing follows.
        due_s: when the last that the client has sent would have been spoken; -inf if none is
            among them.
        origin_s: when the session's sound would have begun, as the latest that was sent has it.
    """

    samples: Samples
    answers: tuple[Taken | Marked, ...]
    end: bool
    due_s: float
    origin_s: float


class Backlog:
    """The queue of one session. It has no limit of its own: who fills it looks at `waiting_s`.

    Attributes:
        rate: of the sound; None until some has come.
        received: samples that the client has sent, all in all.
        waiting: those of them that are still here.
        ended: nothing may follow.

    Args:
        now_s: when it begins.
    """

    def __init__(self, now_s: float = 0.0) -> None:
        self.rate: int | None = None
        self.received = 0
        self.waiting = 0
        self.ended = False
        self._items: deque[_Sound | Mark | Finish] = deque()
        self._due_s = float("-inf")
        self._taken = 0  # samples, with those that were not sent
        self._origin_s = now_s
        self._paused = False

    @property
    def waiting_s(self) -> float:
        """Length of the sound that waits."""
        return self.waiting / self.rate if self.rate else 0.0

    def __len__(self) -> int:
        """Packets, marks and the end that wait."""
        return len(self._items)

    def hear(self, audio: Audio, now_s: float) -> None:
        """Append sound.

        Raises:
            ProtocolError: its rate is none of speech or has changed, or nothing was to follow.
        """
        try:
            check_rate(audio.rate)
        except AudioError as error:
            raise ProtocolError(str(error), "invalid_sample_rate", fatal=True) from error
        if self.ended:
            raise ProtocolError(
                "sound came after the end: begin another session", "after_end", fatal=True
            )
        self.rate = self.rate or audio.rate
        if audio.rate != self.rate:
            raise ProtocolError(
                f"the sample rate changed from {self.rate} to {audio.rate} Hz: it must stay the "
                "same in all of a session",
                "rate_changed",
                fatal=True,
            )
        length_s = len(audio.samples) / self.rate
        begun_s = now_s - min(length_s, LIVE_PACKET_S)
        self._due_s = max(self._due_s - LEAK * length_s, begun_s) + length_s
        self._paused = self._paused and not len(audio.samples)
        self.received += len(audio.samples)
        self.waiting += len(audio.samples)
        self._items.append(_Sound(audio.samples, self.received, self._due_s))

    def pause(self) -> bool:
        """Append silence, once until sound comes again; False if there is no call for any."""
        if self.ended or self._paused or self.rate is None:
            return False
        self._paused = True
        silence = np.zeros(round(SILENCE_S * self.rate), np.float32)
        self._items.append(_Sound(silence, self.received, None))
        return True

    def ahead_s(self, now_s: float) -> float:
        """How much sooner the last sound came than it would have been spoken live."""
        return max(0.0, self._due_s - now_s)

    def mark(self, mark: Mark) -> None:
        """Append a mark."""
        self._items.append(mark)

    def end(self) -> None:
        """Append the end, once."""
        if not self.ended:
            self.ended = True
            self._items.append(Finish())

    def next_due_s(self) -> float:
        """When the first sound began, were it live; long ago where there is something else."""
        first = self._items[0]
        if not isinstance(first, _Sound) or first.due_s is None:
            return float("-inf")
        return first.due_s - len(first.samples) / (self.rate or SAMPLE_RATE)

    def take(self, most: int) -> Portion:
        """Take out up to so many samples, with the marks among and behind them."""
        pieces: list[Samples] = []
        answers: list[Taken | Marked] = []
        due_s = float("-inf")
        while self._items:
            match self._items[0]:
                case _Sound(samples, end, sound_due_s) as sound:
                    if most <= 0 and len(samples):
                        break
                    pieces.append(samples[:most])
                    rest = samples[most:]
                    most -= len(pieces[-1])
                    self._taken += len(pieces[-1])
                    if sound_due_s is not None:
                        rate = self.rate or SAMPLE_RATE
                        self.waiting -= len(pieces[-1])
                        due_s = sound_due_s - len(rest) / rate
                        self._origin_s = due_s - self._taken / rate
                    if len(rest):
                        sound.samples = rest
                        break
                    if sound_due_s is not None:
                        answers.append(Taken(end))
                case Mark(name):
                    answers.append(Marked(name))
                case Finish():
                    break
            self._items.popleft()
        end = bool(self._items) and isinstance(self._items[0], Finish)
        if end:
            self._items.clear()
        none = np.zeros(0, np.float32)
        samples = np.concatenate([none, *pieces])
        return Portion(samples, tuple(answers), end, due_s, self._origin_s)
