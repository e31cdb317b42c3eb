"""A sound system that is made up."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

DEVICES = (
    {"name": "Loudspeaker", "max_input_channels": 0, "default_samplerate": 48_000.0},
    {"name": "Webcam (hw:1,0)", "max_input_channels": 1, "default_samplerate": 44_100.0},
    {"name": "Headset", "max_input_channels": 2, "default_samplerate": 48_000.0},
)


class Time:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


class PortAudioError(Exception):
    pass


class StreamBase:
    """What all of sounddevice's streams derive from."""

    closed = False


class InputStream(StreamBase):
    """Stands in for PortAudio's stream; the test plays its thread."""

    def __init__(
        self,
        *,
        device: object,
        channels: int,
        dtype: str,
        samplerate: int,
        blocksize: int,
        callback: Callable[..., None],
    ) -> None:
        self.form = (device, channels, dtype, samplerate, blocksize)
        self.callback = callback
        self.active = False

    def start(self) -> None:
        self.active = True

    def close(self) -> None:
        self.active = False
        self.closed = True

    def hear(self, samples: Any, overflow: bool = False) -> None:
        """Deliver a block in memory that PortAudio uses again."""
        memory = np.array(samples, np.float32)[:, None]
        self.callback(memory, len(memory), None, SimpleNamespace(input_overflow=overflow))
        memory[:] = 99.0


class SoundSystem(ModuleType):
    """Stands in for the module sounddevice.

    Attributes:
        plugged: devices that are there; PortAudio lists them anew when it starts.
        rates: Hz that the devices accept.
        busy: something else uses them.
        streams: every one that was opened.
        starts: of PortAudio.
    """

    PortAudioError = PortAudioError
    _StreamBase = StreamBase

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.plugged: list[dict[str, Any]] = list(DEVICES)
        self.rates = {16_000, 44_100, 48_000}
        self.busy = False
        self.streams: list[InputStream] = []
        self.starts = 0
        self._initialize()

    def _initialize(self) -> None:
        self.starts += 1
        self.listed = [
            {**device, "index": number, "hostapi": 0} for number, device in enumerate(self.plugged)
        ]

    def _terminate(self) -> None:
        for stream in self.streams:
            stream.active = False

    @property
    def stream(self) -> InputStream:
        """The one that was opened last."""
        return self.streams[-1]

    def query_hostapis(self, number: int) -> dict[str, Any]:
        return {"name": ("ALSA",)[number]}

    def query_devices(self, device: object = None, kind: str | None = None) -> Any:
        if kind is None:
            return tuple(self.listed)
        inputs = [one for one in self.listed if one["max_input_channels"] > 0]
        if device is None:
            if not inputs:
                raise PortAudioError("Error querying device -1")
            return inputs[0]
        if isinstance(device, int):
            if device >= len(self.listed):
                raise PortAudioError(f"Error querying device {device}")
            if self.listed[device] not in inputs:
                raise ValueError(f"Not an input device: {self.listed[device]['name']!r}")
            return self.listed[device]
        found = [one for one in inputs if str(device).lower() in one["name"].lower()]
        if len(found) != 1:
            raise ValueError(f"{'Multiple' if found else 'No'} input devices match {device!r}")
        return found[0]

    def check_input_settings(self, *, samplerate: int, **_: object) -> None:
        if self.busy:
            raise PortAudioError("Device unavailable")
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def InputStream(self, **settings: Any) -> InputStream:  # noqa: N802 - PortAudio's name
        self.check_input_settings(**settings)
        if self.listed[settings["device"]]["name"] not in {one["name"] for one in self.plugged}:
            raise PortAudioError("Device unavailable")
        self.streams.append(InputStream(**settings))
        return self.stream
