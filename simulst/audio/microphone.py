"""A microphone, or any other input of the machine's sound system.

Sample n is n / 16,000 s after the first one: where no sound can be had, there is silence. That
holds for a pause, for a device that was pulled out until it is back, and for sound that was lost,
as far as the sound system says so. Thus captions keep their times, lags are right, and the last
words before a gap are finished in it, as before any other silence.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self

import numpy as np

from simulst.audio.capture import BLOCK_S, Capture
from simulst.audio.clock import chunks
from simulst.audio.devices import find, find_again, look_again, sound_system
from simulst.audio.level import FLOOR_DB, Level
from simulst.audio.mixing import Block, Samples
from simulst.audio.resampling import Resampler
from simulst.errors import AudioError
from simulst.types import SAMPLE_RATE, AudioChunk

__all__ = ["Microphone", "State"]

WAITING_S = 30  # of audio that may wait to be read; more is lost, and counted
PATIENCE_S = 0.1  # for a block; then silence, if the device has gone
LOOK_S = 0.5  # between two looks whether the device is still there
AGAIN_S = (0.5, 5.0)  # between two tries to open it again, at first and in the end
TOLD_S = 10.0  # losses are reported not more often than that
MUTE_S = 10.0  # silence after which an input that has not been heard yet is said to be silent
SILENT_S = 60.0  # ... and one that has been
SILENCE_S = 1.0  # of silence in one piece

log = logging.getLogger(__name__)


class State(Enum):
    """What a microphone is doing."""

    STARTING = "starting"  # no sound has come yet
    LISTENING = "listening"
    SILENT = "silent"  # for so long that something may be wrong
    PAUSED = "paused"
    GONE = "gone"  # away; looked for again and again


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """A block, when it began, and whether something is missing before it."""

    capture: Capture
    block: Block
    begun_s: float
    after_loss: bool


class Microphone:
    """Live sound, from the start of the `with` block to its end or to `close`.

    A device that goes away is waited for, by its name; where none was chosen, the one that the
    system prefers by then is taken. Sound that nobody has read for 30 s is lost.

    Args:
        device: number, part of the name, or None for the one the system prefers.
        now_s: a clock that only goes forward.

    Attributes:
        name: of the device.
        overflows: how often sound was lost, here or in the device.
        paused: what comes is dropped.

    Raises:
        AudioError: PortAudio or the device is missing. On entering: the device cannot be
            opened.
    """

    live = True
    duration = None

    def __init__(
        self, device: str | int | None = None, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._sounddevice = sound_system()
        self._wanted, self._now_s = device, now_s
        self._device = find(self._sounddevice, device)
        self.overflows = 0
        self.paused = False
        self._level = Level()
        self._waiting: queue.Queue[_Heard] = queue.Queue(round(WAITING_S / BLOCK_S))
        self._lost = False  # something, since the last block that could be kept
        self._capture: Capture | None = None
        self._opening = threading.Lock()  # `close` may come from any thread
        self._closed = threading.Event()
        self._begun_s: float | None = None  # when the first sample was spoken
        self._given = 0  # samples
        self._gone_s: float | None = None  # since when the device is away
        self._looked_s = self._wait_s = 0.0
        self._told_overflows, self._told_s = 0, -TOLD_S
        self._told_silence, self._told_refusal = False, ""

    @property
    def name(self) -> str:
        """Of the device."""
        return self._device.name

    @property
    def state(self) -> State:
        """What it is doing."""
        if self._gone_s is not None:
            return State.GONE
        if self.paused:
            return State.PAUSED
        if self._begun_s is None:
            return State.STARTING
        return State.SILENT if self._level.silent_s >= MUTE_S else State.LISTENING

    @property
    def level_db(self) -> float:
        """How loud it is, full scale 0."""
        return self._level.db if self.state in (State.LISTENING, State.SILENT) else FLOOR_DB

    @property
    def behind_s(self) -> float:
        """What has been spoken and not been read."""
        if self._begun_s is None:
            return 0.0
        return max(0.0, self._now_s() - self._begun_s - self._given / SAMPLE_RATE)

    def pause(self) -> None:
        """Drop what comes from now on; silence stands for it."""
        self.paused = True

    def resume(self) -> None:
        """Listen again."""
        self._level = Level()
        self.paused = False

    def __enter__(self) -> Self:
        self._open()
        return self

    def _open(self) -> None:
        capture = Capture(self._sounddevice, self._device, self._take, self._now_s)
        self._level, self._told_silence = Level(), False
        self._capture = capture

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, from any thread; what was heard before may still be read."""
        self._closed.set()
        with self._opening:
            self._let_go()

    def _let_go(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.close()

    def __iter__(self) -> Iterator[AudioChunk]:
        return chunks(self._blocks(), Resampler(SAMPLE_RATE))

    def _take(self, capture: Capture, block: Block, status: Any) -> None:
        """Called in PortAudio's thread, which must never wait."""
        if self._closed.is_set():
            return
        if status.input_overflow:
            self.overflows += 1
            self._lost = True
        kept = np.zeros_like(block) if self.paused else np.array(block)  # its memory is used again
        seconds = len(kept) / capture.rate
        begun_s = self._now_s() - seconds
        if self._begun_s is None:
            self._begun_s = begun_s
        if not self.paused:
            self._level.take(kept, seconds)
        try:
            self._waiting.put_nowait(_Heard(capture, kept, begun_s, after_loss=self._lost))
            self._lost = False
        except queue.Full:
            self.overflows += 1
            self._lost = True

    def _blocks(self) -> Iterator[Block]:
        """(n, 1) at 16 kHz, on the clock."""
        for samples in self._samples():
            self._given += len(samples)
            yield samples[:, None]

    def _samples(self) -> Iterator[Samples]:
        capture: Capture | None = None
        while True:
            self._look()
            self._tell()
            try:
                heard = self._waiting.get(timeout=0 if self._closed.is_set() else PATIENCE_S)
            except queue.Empty:
                if self._closed.is_set():
                    break
                if self._begun_s is not None and (self._capture is None or not self._capture.begun):
                    if capture is not None:
                        yield capture.finish()
                        capture = None
                    yield from self._silence(self._now_s() - PATIENCE_S)
                continue
            if heard.capture is not capture:
                if capture is not None:
                    yield capture.finish()
                capture = heard.capture
                yield from self._silence(heard.begun_s)
            elif heard.after_loss:
                yield from self._silence(heard.begun_s, least_s=BLOCK_S)
            yield capture.resample(heard.block)
        if capture is not None:
            yield capture.finish()
        self._told_s = -TOLD_S
        self._tell()

    def _silence(self, until_s: float, least_s: float = 0.0) -> Iterator[Samples]:
        """What is missing on the clock until then, if it is more than a late callback."""
        assert self._begun_s is not None, "sound comes first"
        end = round((until_s - self._begun_s) * SAMPLE_RATE)
        if end - self._given > least_s * SAMPLE_RATE:
            while (missing := end - self._given) > 0:
                yield np.zeros(min(missing, round(SILENCE_S * SAMPLE_RATE)), np.float32)

    def _look(self) -> None:
        """Notice that the device has gone; open it when it is back."""
        now_s = self._now_s()
        if now_s - self._looked_s < (LOOK_S if self._capture is not None else self._wait_s):
            return
        self._looked_s = now_s
        with self._opening:
            if self._closed.is_set() or (self._capture is not None and not self._capture.gone):
                return
            if self._capture is not None:
                self._let_go()
                self._wait_s = AGAIN_S[0]
                if self._gone_s is None:  # else it was back without giving any sound
                    self._gone_s = now_s
                    log.warning("microphone %r has gone: it is waited for", self.name)
                return
            self._wait_s = min(2 * self._wait_s, AGAIN_S[1])
            try:
                look_again(self._sounddevice)
                self._device = find_again(self._sounddevice, self._wanted, self._device)
            except AudioError:  # not yet
                return
            try:
                self._open()
            except AudioError as error:
                if self._gone_s is not None and now_s - self._gone_s >= TOLD_S:
                    self._tell_refusal(str(error))

    def _tell_refusal(self, reason: str) -> None:
        """A device that is there again and does not open; once, with a reason that lasts."""
        if reason != self._told_refusal:
            self._told_refusal = reason
            log.warning("%s", reason)

    def _tell(self) -> None:
        """Put into the log what the user should know."""
        now_s, capture = self._now_s(), self._capture
        if self._gone_s is not None and capture is not None and capture.begun:
            log.warning("microphone %r is back after %.0f s", self.name, now_s - self._gone_s)
            self._gone_s, self._told_refusal = None, ""
        if self.overflows > self._told_overflows and now_s - self._told_s >= TOLD_S:
            self._told_overflows, self._told_s = self.overflows, now_s
            log.warning("microphone %r: sound was lost %d times", self.name, self.overflows)
        limit_s = SILENT_S if self._level.heard else MUTE_S
        if self._level.silent_s < limit_s:
            self._told_silence = False
        elif not self._told_silence and not self.paused:
            self._told_silence = True
            log.warning(
                "microphone %r has been silent for %.0f s: is it muted, or is another one meant? "
                "simulst devices lists them",
                self.name,
                limit_s,
            )
