"""A microphone, or any other input of the machine's sound system."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np

from simulst.audio.clock import chunks
from simulst.audio.mixing import Block
from simulst.audio.resampling import Resampler
from simulst.errors import AudioError
from simulst.types import SAMPLE_RATE, AudioChunk

__all__ = ["Microphone"]

BLOCK_S = 0.05  # of audio in one block of the device
WAITING_S = 30  # of audio that may wait to be read; more is lost, and counted
PATIENCE_S = 0.5  # between two looks whether the device is still there

log = logging.getLogger(__name__)


class Microphone:
    """Live sound, from the start of the `with` block to its end.

    Where the device can deliver 16 kHz it is asked to; else its own rate is resampled. Sound
    that nobody has read for 30 s is lost and the clock goes on without it.

    Args:
        device: number, part of the name, or None for the one the system prefers.

    Attributes:
        name: of the device.
        rate: Hz that it captures at.
        overflows: how often sound was lost, here or in the device.

    Raises:
        AudioError: PortAudio or the device is missing. On entering: the device cannot be
            opened. While iterating: it went away.
    """

    live = True
    duration = None

    def __init__(self, device: str | int | None = None) -> None:
        self._sounddevice = sd = _sounddevice()
        try:
            found = sd.query_devices(device, "input")
        except (ValueError, sd.PortAudioError) as error:
            wanted = "default microphone" if device is None else f"microphone {device!r}"
            raise AudioError(f"there is no {wanted}: {error}; {_inputs(sd)}") from error
        self._device = device
        self.name = str(found["name"])
        self.rate = self._rate(round(found["default_samplerate"]))
        self.overflows = 0
        self._resampler = Resampler(self.rate)
        self._waiting: queue.Queue[Block] = queue.Queue(round(WAITING_S / BLOCK_S))
        self._stream: Any = None
        self._closed = threading.Event()

    def _rate(self, own: int) -> int:
        """16 kHz if the device takes it, so that a sound server converts once and not twice."""
        try:
            self._sounddevice.check_input_settings(
                device=self._device, channels=1, dtype="float32", samplerate=SAMPLE_RATE
            )
        except (ValueError, self._sounddevice.PortAudioError):
            return own
        return SAMPLE_RATE

    def __enter__(self) -> Self:
        sd = self._sounddevice
        try:
            self._stream = sd.InputStream(
                device=self._device,
                channels=1,  # the first: a mean over idle channels would only be fainter
                dtype="float32",
                samplerate=self.rate,
                blocksize=round(self.rate * BLOCK_S),
                callback=self._take,
            )
            self._stream.start()
        except (ValueError, sd.PortAudioError) as error:
            self.close()
            raise AudioError(
                f"microphone {self.name!r} cannot be opened: {error}; close what else uses it, "
                f"or choose another: {_inputs(sd)}"
            ) from error
        return self

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
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __iter__(self) -> Iterator[AudioChunk]:
        return chunks(self._blocks(), self._resampler)

    def _take(self, block: Block, _frames: int, _time: object, status: Any) -> None:
        """Called by PortAudio in a thread of its own, which must never wait."""
        if status.input_overflow:
            self.overflows += 1
        try:
            self._waiting.put_nowait(np.array(block))  # PortAudio uses its memory again
        except queue.Full:
            self.overflows += 1

    def _blocks(self) -> Iterator[Block]:
        reported = 0
        while True:
            if self.overflows > reported:
                reported = self.overflows
                log.warning("microphone %r: sound was lost %d times", self.name, reported)
            try:
                yield self._waiting.get(timeout=0 if self._closed.is_set() else PATIENCE_S)
            except queue.Empty:
                stream = self._stream
                if self._closed.is_set() or stream is None:
                    return
                if not stream.active:
                    raise AudioError(
                        f"microphone {self.name!r} stopped: plug it in again and start anew"
                    ) from None


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AudioError(
            f"the microphone cannot be used: {error}; install PortAudio (Debian, Ubuntu: "
            "apt install libportaudio2; macOS: brew install portaudio)"
        ) from error
    return sounddevice


def _inputs(sd: Any) -> str:
    """The inputs of this machine, for a message."""
    found = [
        f"{number}: {device['name']}"
        for number, device in enumerate(sd.query_devices())
        if device["max_input_channels"] > 0
    ]
    if not found:
        return "this machine has no input device"
    return f"the input devices are {', '.join(found)}"
