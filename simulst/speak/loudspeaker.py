"""Speech through the machine's sound system."""

from __future__ import annotations

import queue
import time
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulst.errors import AudioError, SpeechError
from simulst.speak.sound import RATE, at_rate
from simulst.types import Samples

__all__ = ["Loudspeaker"]

PATIENCE_S = 0.2  # between two looks whether the device is still there


class Loudspeaker:
    """Stage whose clock is the wall's.

    One sound is playing and one may wait behind it; whoever brings another waits. Where there is
    none there is silence.

    Args:
        device: a part of its name or its number; "" for the one the system prefers.

    Raises:
        AudioError: PortAudio or the device is missing.
    """

    def __init__(self, device: str = "") -> None:
        self._sounddevice = sd = _sounddevice()
        wanted = int(device) if device.isdecimal() else device or None
        try:
            found = sd.query_devices(wanted, "output")
        except (ValueError, sd.PortAudioError) as error:
            which = f"loudspeaker {device!r}" if device else "default loudspeaker"
            raise AudioError(
                f"there is no {which}: {error}; {_outputs(sd)}; to speak into a file, give "
                "--speak-to FILE"
            ) from error
        self.name = str(found["name"])
        self.rate = self._rate(wanted, round(found["default_samplerate"]))
        self._next: queue.Queue[Samples] = queue.Queue(1)
        self._playing = np.zeros(0, np.float32)
        self._free_s = 0.0
        self._device = wanted
        self._stream: Any = None  # taken when there is something to say

    def _rate(self, device: str | int | None, own: int) -> int:
        """That of speech if the device takes it."""
        try:
            self._sounddevice.check_output_settings(
                device=device, channels=1, dtype="float32", samplerate=RATE
            )
        except (ValueError, self._sounddevice.PortAudioError):
            return own
        return RATE

    def _give(self, out: NDArray[np.float32], frames: int, _time: object, _status: object) -> None:
        """Called by PortAudio in a thread of its own, which must never wait."""
        filled = 0
        while filled < frames:
            if not len(self._playing):
                try:
                    self._playing = self._next.get_nowait()
                except queue.Empty:
                    break
            piece = self._playing[: frames - filled]
            out[filled : filled + len(piece), 0] = piece
            self._playing = self._playing[len(piece) :]
            filled += len(piece)
        out[filled:] = 0.0

    def _open(self) -> Any:
        """The device, open.

        Raises:
            SpeechError: it cannot be opened.
        """
        if self._stream is None:
            sd = self._sounddevice
            try:
                self._stream = sd.OutputStream(
                    device=self._device,
                    channels=1,
                    dtype="float32",
                    samplerate=self.rate,
                    callback=self._give,
                )
                self._stream.start()
            except (ValueError, sd.PortAudioError) as error:
                raise SpeechError(
                    f"loudspeaker {self.name!r} cannot be opened: {error}; choose another in "
                    f"speak.device: {_outputs(sd)}",
                    lasting=True,
                ) from error
        return self._stream

    @property
    def free_s(self) -> float:
        """When what it was given has been played."""
        return self._free_s

    def clock(self, ready: int) -> float:
        """Now: what is ready is brought at once."""
        return time.monotonic()

    def place(self, samples: Samples, earliest_s: float) -> float:
        """Play a sound behind the others; return once it is next.

        Raises:
            SpeechError: the device cannot be opened, or went away.
        """
        stream = self._open()
        start_s = max(self._free_s, time.monotonic(), earliest_s)
        self._free_s = start_s + len(samples) / RATE
        samples = at_rate(samples, RATE, self.rate)
        while True:
            try:
                self._next.put(samples, timeout=PATIENCE_S)
            except queue.Full:
                if not stream.active:
                    raise SpeechError(
                        f"loudspeaker {self.name!r} stopped: plug it in again and start anew",
                        lasting=True,
                    ) from None
            else:
                return start_s

    def close(self) -> None:
        """Close the device, after what it was given has been played."""
        if self._stream is None:
            return
        while self._stream.active and time.monotonic() < self._free_s:
            time.sleep(min(PATIENCE_S, max(0.0, self._free_s - time.monotonic())))
        with suppress(self._sounddevice.PortAudioError):  # of a device that went away
            self._stream.stop()  # plays what PortAudio has taken
        self._stream.close()


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AudioError(
            f"there is no loudspeaker: {error}; install PortAudio (Debian, Ubuntu: apt install "
            "libportaudio2; macOS: brew install portaudio), or give --speak-to FILE"
        ) from error
    return sounddevice


def _outputs(sd: Any) -> str:
    """The outputs of this machine, for a message."""
    found = [
        f"{number}: {device['name']}"
        for number, device in enumerate(sd.query_devices())
        if device["max_output_channels"] > 0
    ]
    if not found:
        return "this machine has no output device"
    return f"the output devices are {', '.join(found)}"
