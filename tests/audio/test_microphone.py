"""The microphone, with a sound system that is made up."""

from __future__ import annotations

import builtins
import logging
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulst.audio import microphone
from simulst.audio.microphone import Microphone
from simulst.errors import AudioError

DEVICES = [
    {"name": "Loudspeaker", "max_input_channels": 0, "default_samplerate": 48_000.0},
    {"name": "Webcam", "max_input_channels": 1, "default_samplerate": 44_100.0},
    {"name": "Headset", "max_input_channels": 2, "default_samplerate": 48_000.0},
]


class PortAudioError(Exception):
    pass


class InputStream:
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
        self.closed = False

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
    """Stands in for the module sounddevice."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.devices: list[dict[str, Any]] = DEVICES
        self.rates = {16_000}
        self.stream: InputStream | None = None
        self.busy = False

    def query_devices(self, device: object = None, kind: str | None = None) -> Any:
        if kind is None:
            return self.devices
        inputs = [d for d in self.devices if d["max_input_channels"] > 0]
        if device is None:
            if not inputs:
                raise PortAudioError("Error querying device -1")
            return inputs[0]
        if isinstance(device, int):
            if device >= len(self.devices):
                raise PortAudioError(f"Error querying device {device}")
            return self.devices[device]
        for one in inputs:
            if str(device).lower() in one["name"].lower():
                return one
        raise ValueError(f"No input device matching {device!r}")

    def check_input_settings(self, *, samplerate: int, **_: object) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")

    def InputStream(self, **settings: Any) -> InputStream:  # noqa: N802 - PortAudio's name
        if self.busy:
            raise PortAudioError("Device unavailable")
        self.stream = InputStream(**settings)
        return self.stream


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> SoundSystem:
    """A sound system in place of the machine's."""
    made_up = SoundSystem()
    monkeypatch.setitem(sys.modules, "sounddevice", made_up)
    monkeypatch.setattr(microphone, "PATIENCE_S", 0.01)
    return made_up


def stream_of(system: SoundSystem) -> InputStream:
    """The stream that the microphone opened."""
    assert system.stream is not None
    return system.stream


def test_what_is_heard_is_given(system: SoundSystem) -> None:
    """Blocks come out as they were captured, numbered from 0."""
    noise = np.random.default_rng(0).uniform(-1, 1, 2_400).astype(np.float32)
    with Microphone() as source:
        assert source.live and source.duration is None
        assert source.name == "Webcam"
        chunks = iter(source)
        for n in range(3):
            stream_of(system).hear(noise[n * 800 : (n + 1) * 800])
            chunk = next(chunks)
            assert chunk.start == n * 800
            assert np.array_equal(chunk.samples, noise[n * 800 : (n + 1) * 800])
    assert stream_of(system).closed
    assert stream_of(system).form == (None, 1, "float32", 16_000, 800)


def test_the_devices_own_rate(system: SoundSystem) -> None:
    """A device that cannot deliver 16 kHz is heard at its own rate and resampled."""
    system.rates = set()
    with Microphone("headset") as source:
        assert (source.name, source.rate) == ("Headset", 48_000)
        assert stream_of(system).form == ("headset", 1, "float32", 48_000, 2_400)
        for _ in range(10):
            stream_of(system).hear(np.full(2_400, 0.5))
        source.close()
        samples = np.concatenate([chunk.samples for chunk in source])
    assert len(samples) == 8_000
    np.testing.assert_allclose(samples[100:-100], 0.5, atol=0.01)


def test_nothing_is_captured_before_it_is_wanted(system: SoundSystem) -> None:
    """The device is looked up at once and started by `with`."""
    source = Microphone(2)
    assert source.name == "Headset"
    assert system.stream is None
    with source:
        assert stream_of(system).active


def test_closing_ends_the_chunks(system: SoundSystem) -> None:
    """After `close` what was heard before is still given, then the chunks end."""
    with Microphone() as source:
        stream_of(system).hear(np.zeros(800))
        source.close()
        assert [chunk.end for chunk in source] == [800]


def test_waiting_for_the_first_block(system: SoundSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that is slow to start is waited for."""
    with Microphone() as source:
        looks = []

        class Slow:
            @property
            def active(self) -> bool:
                looks.append(1)
                if len(looks) == 3:
                    stream_of(system).hear(np.zeros(800))
                return True

        real = source._stream
        source._stream = Slow()
        assert next(iter(source)).end == 800
        source._stream = real
    assert len(looks) == 3


def test_a_device_that_goes_away(system: SoundSystem) -> None:
    """A device that stops by itself is an error, after what it had heard."""
    with Microphone() as source:
        stream_of(system).hear(np.zeros(800))
        stream_of(system).active = False
        chunks = iter(source)
        assert next(chunks).end == 800
        with pytest.raises(AudioError, match="'Webcam' stopped"):
            next(chunks)


def test_sound_that_nobody_reads(
    system: SoundSystem, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What does not fit into the queue is lost and counted, and the clock has no gap."""
    monkeypatch.setattr(microphone, "WAITING_S", 0.2)
    with caplog.at_level(logging.WARNING), Microphone() as source:
        for n in range(6):
            stream_of(system).hear(np.full(800, n / 10))
        assert source.overflows == 2
        source.close()
        chunks = list(source)
    assert [chunk.start for chunk in chunks] == [0, 800, 1_600, 2_400]
    np.testing.assert_allclose([chunk.samples[0] for chunk in chunks], [0, 0.1, 0.2, 0.3])
    assert "sound was lost 2 times" in caplog.text


def test_sound_that_the_device_lost(system: SoundSystem) -> None:
    """What was lost in the device counts too."""
    with Microphone() as source:
        stream_of(system).hear(np.zeros(800), overflow=True)
        assert source.overflows == 1


@pytest.mark.parametrize("device", ["Gramophone", 7])
def test_a_device_that_is_not_there(system: SoundSystem, device: str | int) -> None:
    """An unknown device is an error that lists the inputs there are, and no outputs."""
    with pytest.raises(AudioError, match="1: Webcam, 2: Headset") as caught:
        Microphone(device)
    assert repr(device) in str(caught.value)
    assert "Loudspeaker" not in str(caught.value)


def test_a_machine_without_microphones(system: SoundSystem) -> None:
    """Without any input the error says so."""
    system.devices = DEVICES[:1]
    with pytest.raises(AudioError, match=r"no default microphone.*has no input device"):
        Microphone()


def test_a_device_that_is_taken(system: SoundSystem) -> None:
    """A device that cannot be opened is an error that gives PortAudio's reason."""
    system.busy = True
    with pytest.raises(AudioError, match="'Webcam' cannot be opened: Device unavailable"):
        Microphone().__enter__()


def test_portaudio_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PortAudio the error says what to install."""
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    real = builtins.__import__

    def no_portaudio(name: str, *rest: Any, **more: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", no_portaudio)
    with pytest.raises(AudioError, match=r"libportaudio2.*brew install portaudio"):
        Microphone()


def test_sounddevice_is_imported_late() -> None:
    """Whoever reads files never loads the sound system."""
    assert not hasattr(microphone, "sounddevice")
