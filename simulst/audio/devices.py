"""The inputs of this machine, as PortAudio lists them."""

from __future__ import annotations

import gc
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from simulst.errors import AudioError

__all__ = [
    "Device",
    "find",
    "find_again",
    "inputs",
    "inputs_in_words",
    "look_again",
    "sound_system",
]

PLACE = re.compile(r" \(hw:\d+,\d+\)")
"""Where ALSA has put a device; another place when it is plugged in again."""


@dataclass(frozen=True, slots=True)
class Device:
    """An input.

    Attributes:
        number: PortAudio's; another one after devices have come or gone.
        name: of the device.
        system: name of the sound system that reaches it; one device may be there through several.
        channels: that it has.
        rate: Hz, its own.
        preferred: the one that the system takes where none is named.
    """

    number: int
    name: str
    system: str
    channels: int
    rate: int
    preferred: bool = False


def sound_system() -> Any:
    """The module sounddevice, which finds PortAudio when it is imported.

    Raises:
        AudioError: it does not.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AudioError(
            f"the microphone cannot be used: {error}; install PortAudio (Debian, Ubuntu: "
            "apt install libportaudio2; macOS: brew install portaudio)"
        ) from error
    return sounddevice


def inputs(sd: Any) -> list[Device]:
    """Every input that there is.

    Raises:
        AudioError: the sound system does not answer.
    """
    try:
        try:
            preferred = sd.query_devices(None, "input")["index"]
        except (ValueError, sd.PortAudioError):  # there is none
            preferred = None
        return [
            _device(sd, found, preferred)
            for found in sd.query_devices()
            if found["max_input_channels"] > 0
        ]
    except sd.PortAudioError as error:
        raise AudioError(f"the sound system does not answer: {error}; is it running?") from error


def _device(sd: Any, found: dict[str, Any], preferred: int | None = None) -> Device:
    return Device(
        number=found["index"],
        name=str(found["name"]),
        system=str(sd.query_hostapis(found["hostapi"])["name"]),
        channels=found["max_input_channels"],
        rate=round(found["default_samplerate"]),
        preferred=found["index"] == preferred,
    )


def find(sd: Any, wanted: str | int | None) -> Device:
    """The input that somebody chose.

    Args:
        sd: what `sound_system` gave.
        wanted: number, part of the name, or None for the one the system prefers.

    Raises:
        AudioError: there is none, or several have this in their name.
    """
    try:
        return _device(sd, sd.query_devices(wanted, "input"))
    except (ValueError, sd.PortAudioError) as error:
        which = "default microphone" if wanted is None else f"microphone {wanted!r}"
        raise AudioError(f"there is no {which}: {error}; {inputs_in_words(sd)}") from error


def find_again(sd: Any, wanted: str | int | None, before: Device) -> Device:
    """The input to go on with after the one before has gone.

    A device that was chosen is known by its name, because numbers change. Where none was, the
    one that the system prefers now will do.

    Raises:
        AudioError: it is not there.
    """
    if wanted is None:
        return find(sd, None)
    for device in inputs(sd):
        if _lasting(device) == _lasting(before):
            return device
    raise AudioError(f"there is no microphone {before.name!r}; {inputs_in_words(sd)}")


def _lasting(device: Device) -> tuple[str, str]:
    return PLACE.sub("", device.name), device.system


def look_again(sd: Any) -> None:
    """Have PortAudio list the devices anew, which it only does when it starts.

    Every stream of the process would end by that. Where another part has one open, such as a
    loudspeaker, the list stays as it is: a device that comes back to its old place is still found.

    Raises:
        AudioError: it does not start again.
    """
    streams = (one for one in gc.get_objects() if issubclass(type(one), sd._StreamBase))
    if any(not stream.closed for stream in streams):
        return
    with suppress(sd.PortAudioError):  # it had not started the last time
        sd._terminate()
    try:
        sd._initialize()
    except sd.PortAudioError as error:
        raise AudioError(f"the sound system does not answer: {error}; is it running?") from error


def inputs_in_words(sd: Any) -> str:
    """The inputs of this machine, for a message."""
    found = [f"{device.number}: {device.name}" for device in inputs(sd)]
    if not found:
        return "this machine has no input device"
    return f"the input devices are {', '.join(found)}"
