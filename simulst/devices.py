"""`simulst devices`: the microphones of this machine."""

from __future__ import annotations

import argparse

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options: none."""


def run(args: argparse.Namespace) -> int:
    """List what `mic:DEVICE` may name, the preferred one starred.

    Raises:
        AudioError: PortAudio is missing, or the sound system does not answer.
    """
    from simulst.audio.chatter import no_chatter
    from simulst.audio.devices import inputs, sound_system

    with no_chatter():
        found = inputs(sound_system())
    if not found:
        print("this machine has no input device")
    width = max((len(device.name) for device in found), default=0)
    for device in found:
        star = "*" if device.preferred else " "
        channels = f"{device.channels} channel{'s' if device.channels > 1 else ''}"
        print(
            f"{star} {device.number:>2}  {device.name:<{width}}  {channels}, {device.rate} Hz, "
            f"{device.system}"
        )
    return 0
