"""The loudspeaker, with a sound system that is made up."""

from __future__ import annotations

import builtins
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from simulst.errors import AudioError, SpeechError
from simulst.speak import loudspeaker
from simulst.speak.loudspeaker import Loudspeaker
from simulst.speak.sound import RATE
from simulst.types import Samples

DEVICES = [
    {"name": "Webcam", "max_output_channels": 0, "default_samplerate": 44_100.0},
    {"name": "Speakers", "max_output_channels": 2, "default_samplerate": 48_000.0},
    {"name": "Headset", "max_output_channels": 1, "default_samplerate": 16_000.0},
]


class PortAudioError(Exception):
    pass


class OutputStream:
    """Stands in for PortAudio's stream; the test plays its thread."""

    def __init__(self, *, device: object, samplerate: int, callback: Callable[..., None]) -> None:
        self.form = device, samplerate
        self.callback = callback
        self.active = self.stopped = self.closed = False

    def start(self) -> None:
        self.active = True

    def stop(self) -> None:
        if not self.active:
            raise PortAudioError("Stream is stopped")
        self.stopped, self.active = True, False

    def close(self) -> None:
        self.closed = True

    def play(self, frames: int) -> Samples:
        """What is heard next."""
        out = np.full((frames, 1), 99.0, np.float32)
        self.callback(out, frames, None, None)
        return out[:, 0]


class SoundSystem(ModuleType):
    """The part of sounddevice that is used."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.devices = DEVICES
        self.rates = {RATE}
        self.stream: OutputStream | None = None
        self.busy = False

    def query_devices(self, device: object = None, kind: str | None = None) -> Any:
        if kind is None:
            return self.devices
        outputs = [d for d in self.devices if d["max_output_channels"]]
        if isinstance(device, int):
            return self.devices[device]
        for one in outputs:
            if str(device or "").lower() in str(one["name"]).lower():
                return one
        raise ValueError(f"No output device matching {device!r}")

    def check_output_settings(self, *, samplerate: int, **_: object) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")

    def OutputStream(  # noqa: N802 - PortAudio's name
        self, *, channels: int, dtype: str, **settings: Any
    ) -> OutputStream:
        assert (channels, dtype) == (1, "float32")
        if self.busy:
            raise PortAudioError("Device unavailable")
        self.stream = OutputStream(**settings)
        return self.stream


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> SoundSystem:
    """A sound system in place of the machine's."""
    made_up = SoundSystem()
    monkeypatch.setitem(sys.modules, "sounddevice", made_up)
    monkeypatch.setattr(loudspeaker, "PATIENCE_S", 0.01)
    return made_up


def stream_of(system: SoundSystem) -> OutputStream:
    """The stream that was opened."""
    assert system.stream is not None
    return system.stream


def level(value: float, samples: int) -> Samples:
    """A sound that is the same all over."""
    return np.full(samples, value, np.float32)


def test_sounds_follow_each_other(system: SoundSystem) -> None:
    """Each is played to its end before the next; where there is none there is silence."""
    stage = Loudspeaker()
    assert stage.name == "Speakers"
    stage.place(level(0.5, 250), 0.0)
    stream = stream_of(system)
    assert stream.form == (None, RATE)
    first = stream.play(100)
    stage.place(level(-0.5, 100), 0.0)
    played = np.concatenate([first, *(stream.play(100) for _ in range(4))])
    expected = [level(0.5, 250), level(-0.5, 100), level(0.0, 150)]
    np.testing.assert_array_equal(played, np.concatenate(expected))
    stage.close()
    assert stream.stopped and stream.closed


def test_times_are_those_of_the_wall(system: SoundSystem) -> None:
    """A sound begins now, or when those before it have been played."""
    stage = Loudspeaker()
    before = time.monotonic()
    start = stage.place(level(0.5, 60 * RATE), 0.0)
    assert before <= start <= time.monotonic()
    assert stage.free_s == start + 60
    stream_of(system).play(10)
    assert stage.place(level(0.5, RATE), 0.0) == start + 60
    assert before <= stage.clock(123) <= time.monotonic()


def test_who_brings_a_third_sound_waits(system: SoundSystem) -> None:
    """One is playing and one is next; a further one is taken when the next begins."""
    stage = Loudspeaker()
    for value in (0.1, 0.2):
        stage.place(level(value, 100), 0.0)
        stream_of(system).play(10)  # the second waits behind the first
    third = threading.Thread(target=stage.place, args=(level(0.3, 100), 0.0))
    third.start()
    third.join(0.1)
    assert third.is_alive()
    stream_of(system).play(100)
    third.join(20)
    assert not third.is_alive()
    rest = stream_of(system).play(300)
    np.testing.assert_allclose(rest[[0, 79, 80, 179, 180]], [0.2, 0.2, 0.3, 0.3, 0.0])


def test_the_devices_own_rate(system: SoundSystem) -> None:
    """A device that does not play 24 kHz is given its own rate."""
    system.rates = set()
    stage = Loudspeaker("head")
    stage.place(level(0.5, 2_400), 0.0)
    assert stream_of(system).form == ("head", 16_000)
    played = stream_of(system).play(2_000)
    np.testing.assert_allclose(played[100:1_500], 0.5, atol=0.01)
    assert (played[1_600:] == 0).all()


def test_a_device_by_its_number(system: SoundSystem) -> None:
    """Digits are a number, not a part of a name; no device is taken before it is needed."""
    stage = Loudspeaker("2")
    assert stage.name == "Headset" and system.stream is None
    stage.close()
    assert system.stream is None


def test_closing_plays_what_is_left(system: SoundSystem) -> None:
    """The device is not closed before the last sound is over."""
    stage = Loudspeaker()
    stage.place(level(0.5, RATE // 10), 0.0)
    over_s = stage.free_s
    stage.close()
    assert time.monotonic() >= over_s


def test_a_device_that_goes_away(system: SoundSystem) -> None:
    """A device that stops is an error that lasts, and is closed all the same."""
    stage = Loudspeaker()
    stage.place(level(0.5, 100), 0.0)
    stream_of(system).active = False
    with pytest.raises(SpeechError, match="'Speakers' stopped") as caught:
        stage.place(level(0.5, 100), 0.0)
    assert caught.value.lasting
    stage.close()
    assert stream_of(system).closed


def test_a_device_that_is_taken(system: SoundSystem) -> None:
    """A device that cannot be opened is an error with PortAudio's reason and the other devices."""
    system.busy = True
    stage = Loudspeaker()
    with pytest.raises(SpeechError, match=r"cannot be opened: Device unavailable.*2: Headset"):
        stage.place(level(0.5, 100), 0.0)
    stage.close()


def test_a_device_that_is_not_there(system: SoundSystem) -> None:
    """An unknown device is an error that lists the outputs there are, and no inputs."""
    with pytest.raises(AudioError, match="no loudspeaker 'Gramophone'.*1: Speakers") as caught:
        Loudspeaker("Gramophone")
    assert "Webcam" not in str(caught.value)
    system.devices = DEVICES[:1]
    with pytest.raises(AudioError, match=r"no default loudspeaker.*no output device.*--speak-to"):
        Loudspeaker()


def test_portaudio_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PortAudio the error says what to install, and the way without it."""
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    real = builtins.__import__

    def no_portaudio(name: str, *rest: Any, **more: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", no_portaudio)
    with pytest.raises(AudioError, match=r"libportaudio2.*--speak-to FILE"):
        Loudspeaker()
