"""The microphone, with a sound system and a clock that are made up."""

from __future__ import annotations

import builtins
import logging
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest

from simulst.audio import microphone
from simulst.audio.microphone import Microphone, State
from simulst.errors import AudioError
from simulst.types import AudioChunk, Samples
from tests.audio.fakes import DEVICES, SoundSystem, Time

BLOCK = 800  # samples of a block at 16 kHz


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> SoundSystem:
    """A sound system in place of the machine's."""
    made_up = SoundSystem()
    monkeypatch.setitem(sys.modules, "sounddevice", made_up)
    monkeypatch.setattr(microphone, "PATIENCE_S", 0.01)
    return made_up


class Speaker:
    """Speaks into the microphone that is open, at the pace of a clock."""

    def __init__(self, system: SoundSystem) -> None:
        self.system, self.time = system, Time()

    def speak(self, value: float = 0.1, blocks: int = 1, overflow: bool = False) -> None:
        """Blocks of one value; the clock goes on with them."""
        size = self.system.stream.form[-1]
        for _ in range(blocks):
            self.time.s += 0.05
            self.system.stream.hear(np.full(size, value), overflow)


@pytest.fixture
def speaker(system: SoundSystem) -> Speaker:
    """Somebody who speaks into it."""
    return Speaker(system)


def state(source: Microphone) -> State:
    """What it is doing now."""
    return source.state


def read(chunks: Iterator[AudioChunk], samples: int) -> Samples:
    """So many samples, which come in whole chunks."""
    parts: list[Samples] = []
    end = None
    while (count := sum(map(len, parts))) < samples:
        chunk = next(chunks)
        assert end in (None, chunk.start)
        end = chunk.end
        parts.append(chunk.samples)
    assert count == samples
    return np.concatenate(parts)


def test_what_is_heard_is_given(system: SoundSystem) -> None:
    """Blocks come out as they were captured, numbered from 0."""
    noise = np.random.default_rng(0).uniform(-1, 1, 2_400).astype(np.float32)
    with Microphone() as source:
        assert source.live and source.duration is None
        assert source.name == "Webcam (hw:1,0)"
        chunks = iter(source)
        for n in range(3):
            system.stream.hear(noise[n * 800 : (n + 1) * 800])
            chunk = next(chunks)
            assert chunk.start == n * 800
            assert np.array_equal(chunk.samples, noise[n * 800 : (n + 1) * 800])
    assert system.stream.closed
    assert system.stream.form == (1, 1, "float32", 16_000, 800)


def test_the_devices_own_rate(system: SoundSystem) -> None:
    """A device that cannot deliver 16 kHz is heard at its own rate and resampled."""
    system.rates = {48_000}
    with Microphone("headset") as source:
        assert source.name == "Headset"
        assert system.stream.form == (2, 1, "float32", 48_000, 2_400)
        for _ in range(10):
            system.stream.hear(np.full(2_400, 0.5))
        source.close()
        samples = np.concatenate([chunk.samples for chunk in source])
    assert len(samples) == 8_000
    np.testing.assert_allclose(samples[100:-100], 0.5, atol=0.01)


def test_a_device_that_refuses_its_own_rate(system: SoundSystem) -> None:
    """Then the usual rates are tried."""
    system.rates = {32_000}
    with Microphone():
        assert system.stream.form[3] == 32_000


def test_a_device_that_refuses_every_rate(system: SoundSystem) -> None:
    """The error names the rates that were tried and what to do."""
    system.rates = set()
    with pytest.raises(AudioError, match=r"refuses every rate \(16000, 44100, 48000.*settings"):
        Microphone().__enter__()


def test_nothing_is_captured_before_it_is_wanted(system: SoundSystem) -> None:
    """The device is looked up at once and started by `with`."""
    source = Microphone(2)
    assert source.name == "Headset"
    assert system.streams == []
    with source:
        assert system.stream.active
        assert state(source) is State.STARTING


def test_closing_ends_the_chunks(system: SoundSystem) -> None:
    """After `close` what was heard before is still given, then the chunks end."""
    with Microphone() as source:
        system.stream.hear(np.zeros(800))
        source.close()
        system.stream.hear(np.zeros(800))  # in PortAudio's thread, at the same moment
        assert [chunk.end for chunk in source] == [800]


def test_a_pause_is_silence_on_the_clock(system: SoundSystem, speaker: Speaker) -> None:
    """What is said in a pause is dropped, what was said before is given, and times stay true."""
    with Microphone(now_s=speaker.time) as source:
        speaker.speak(0.1, 2)
        source.pause()
        assert state(source) is State.PAUSED
        speaker.speak(0.2, 3)
        source.resume()
        speaker.speak(0.3, 1)
        assert state(source) is State.LISTENING
        samples = read(iter(source), 6 * BLOCK)
    expected = np.repeat(np.array([0.1, 0.1, 0, 0, 0, 0.3], np.float32), BLOCK)
    assert np.array_equal(samples, expected)


def test_a_device_that_goes_away_and_returns(
    system: SoundSystem, speaker: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    """It is found by its name, though under another number; the gap is silence of its length."""
    with Microphone("webcam", now_s=speaker.time) as source:
        chunks = iter(source)
        speaker.speak(0.1, 2)
        system.stream.active = False
        assert np.all(read(chunks, 2 * BLOCK) == np.float32(0.1))
        system.plugged = [DEVICES[0], DEVICES[2]]
        speaker.time.s += 0.6
        gap = next(chunks)  # ... the words before it are not kept waiting for the device
        assert (gap.start, np.abs(gap.samples).max()) == (2 * BLOCK, 0)
        assert state(source) is State.GONE
        assert "'Webcam (hw:1,0)' has gone" in caplog.text
        for _ in range(20):  # tries in vain, at the pace of the clock
            speaker.time.s += 0.6
            last = next(chunks)
        system.plugged = [DEVICES[2], {**DEVICES[1], "name": "Webcam (hw:3,0)"}]
        while len(system.streams) == 1:
            speaker.time.s += 0.6
            last = next(chunks)
        assert system.stream.form[0] == 1
        assert state(source) is State.GONE  # until a sound comes
        speaker.speak(0.3, 2)
        while not last.samples.any():
            last = next(chunks)
    spoken = last.end / 16_000
    assert spoken == pytest.approx(speaker.time.s - 0.05 - 100, abs=0.002)
    assert "'Webcam (hw:3,0)' is back after" in caplog.text
    assert state(source) is State.LISTENING
    assert 4 <= system.starts <= 7  # the pauses between the tries grow


def test_a_device_that_stops_without_saying_so(system: SoundSystem, speaker: Speaker) -> None:
    """A stream that is active and gives nothing is opened again."""
    with Microphone(now_s=speaker.time) as source:
        chunks = iter(source)
        speaker.speak()
        read(chunks, BLOCK)
        while len(system.streams) == 1:
            speaker.time.s += 1.0
            assert speaker.time.s < 115
            speaker.system.streams[0].active = True
            if state(source) is State.GONE:
                assert not next(chunks).samples.any()
            else:
                source._look()
        assert speaker.time.s > 105
        assert system.streams[0].closed


def test_another_default_takes_over(
    system: SoundSystem, speaker: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    """Who named no device goes on with the one that the system prefers now."""
    with Microphone(now_s=speaker.time) as source:
        speaker.speak()
        chunks = iter(source)
        read(chunks, BLOCK)
        system.stream.active = False
        system.plugged = [DEVICES[2]]
        system.rates = {48_000}  # another rate, too
        while len(system.streams) == 1:
            speaker.time.s += 0.6
            next(chunks)
        speaker.speak(0.5, 20)
        samples = np.concatenate([chunk.samples for chunk in islice(chunks, 21)])
        assert source.name == "Headset"
    assert "'Headset' is back" in caplog.text
    heard = samples[samples > 0.4]
    assert 15_000 < len(heard) <= 16_000
    np.testing.assert_allclose(heard[100:-100], 0.5, atol=0.01)


def test_quitting_while_the_device_is_away(system: SoundSystem, speaker: Speaker) -> None:
    """`close` ends the chunks then, too."""
    with Microphone(now_s=speaker.time) as source:
        speaker.speak()
        chunks = iter(source)
        read(chunks, BLOCK)
        system.stream.active = False
        system.plugged = []
        speaker.time.s += 0.6
        next(chunks)
        source.close()
        assert sum(len(chunk.samples) for chunk in chunks) < 16_000


def test_a_device_that_is_back_and_taken(
    system: SoundSystem, speaker: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried until it is free; after ten seconds the reason is told, once."""
    with Microphone(now_s=speaker.time) as source:
        speaker.speak()
        chunks = iter(source)
        read(chunks, BLOCK)
        system.stream.active = False
        system.busy = True
        while speaker.time.s < 140:
            speaker.time.s += 0.6
            next(chunks)
        (gone, reason) = (record.getMessage() for record in caplog.records)
        assert gone.endswith("has gone: it is waited for")
        assert "cannot be opened: Device unavailable; close what else uses it" in reason
        system.busy = False
        while len(system.streams) == 1:
            speaker.time.s += 0.6
            next(chunks)


def test_a_stream_that_somebody_ended(system: SoundSystem, speaker: Speaker) -> None:
    """Another part of the process that starts PortAudio anew costs a gap, not the session."""

    class Ended:
        closed = True

        @property
        def active(self) -> bool:
            raise system.PortAudioError("Invalid stream pointer")

        def close(self) -> None:
            """Nothing is left to be closed."""

    with Microphone(now_s=speaker.time) as source:
        speaker.speak()
        chunks = iter(source)
        read(chunks, BLOCK)
        assert source._capture is not None
        source._capture._stream = Ended()
        while len(system.streams) == 1:
            speaker.time.s += 0.6
            next(chunks)
        assert system.stream.active


def test_streams_of_others_are_spared(system: SoundSystem, speaker: Speaker) -> None:
    """PortAudio is not started anew while another part of the process plays through it."""
    loudspeaker = system._StreamBase()
    with Microphone(now_s=speaker.time) as source:
        speaker.speak()
        chunks = iter(source)
        read(chunks, BLOCK)
        system.stream.active = False
        while len(system.streams) == 1:  # in its old place it is found nevertheless
            speaker.time.s += 0.6
            next(chunks)
    assert system.starts == 1
    loudspeaker.closed = True


def test_sound_that_nobody_reads(
    system: SoundSystem,
    speaker: Speaker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What does not fit into the queue is lost and counted; silence keeps its place."""
    monkeypatch.setattr(microphone, "WAITING_S", 0.2)
    with caplog.at_level(logging.WARNING), Microphone(now_s=speaker.time) as source:
        for n in range(1, 7):
            speaker.speak(n / 10)
        assert source.overflows == 2
        assert source.behind_s == pytest.approx(0.3)
        chunks = iter(source)
        heard = [read(chunks, BLOCK)]
        assert source.behind_s == pytest.approx(0.25)
        speaker.speak(0.7)
        source.close()
        heard += [chunk.samples for chunk in chunks]
    values = [0.1, 0.2, 0.3, 0.4, 0, 0, 0.7]
    assert np.array_equal(np.concatenate(heard), np.repeat(np.array(values, np.float32), BLOCK))
    assert "sound was lost 2 times" in caplog.text


def test_sound_that_the_device_lost(system: SoundSystem, speaker: Speaker) -> None:
    """What was lost in the device counts too, and has its place."""
    with Microphone(now_s=speaker.time) as source:
        chunks = iter(source)
        speaker.speak(0.1)
        speaker.speak(0.1, overflow=True)  # too little was lost to be told from a late call
        assert source.overflows == 1
        assert read(chunks, 2 * BLOCK).all()
        speaker.time.s += 0.5
        speaker.speak(0.1, overflow=True)
        assert not read(chunks, 10 * BLOCK).any()
        assert read(chunks, BLOCK).all()
        assert source.overflows == 2


def test_losses_are_not_told_at_every_block(
    system: SoundSystem, speaker: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    """One line at once, the sum later: a line for each would hide the words."""
    with Microphone(now_s=speaker.time) as source:
        speaker.speak(blocks=40, overflow=True)
        read(iter(source), 40 * BLOCK)
        assert len(caplog.records) == 1
        speaker.speak(blocks=3, overflow=True)
        source.close()
        list(source)
    counts = [record.getMessage().split()[-2] for record in caplog.records]
    assert counts == ["40", "43"]


def test_a_microphone_that_is_silent(
    system: SoundSystem, speaker: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once after ten seconds, and after a minute where there had been sound."""
    with Microphone(now_s=speaker.time) as source:
        chunks = iter(source)
        speaker.speak(0.0, 199)
        read(chunks, 199 * BLOCK)
        assert state(source) is State.LISTENING
        assert not caplog.records
        speaker.speak(1e-4, 30)  # noise of a converter, no sound of a room
        read(chunks, 30 * BLOCK)
        assert state(source) is State.SILENT
        speaker.speak(0.1)
        read(chunks, BLOCK)
        assert state(source) is State.LISTENING
        assert source.level_db == pytest.approx(-20)
        for _ in range(1_190 // 10):
            speaker.speak(0.0, 10)
            read(chunks, 10 * BLOCK)
        (record,) = caplog.records
        assert "has been silent for 10 s: is it muted" in record.getMessage()
        speaker.speak(0.0, 20)
        read(chunks, 20 * BLOCK)
        assert "has been silent for 60 s" in caplog.records[-1].getMessage()


def test_a_pause_is_no_silent_microphone(
    system: SoundSystem, speaker: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody who paused is told that nothing is heard."""
    with Microphone(now_s=speaker.time) as source:
        source.pause()
        chunks = iter(source)
        speaker.speak(0.0, 300)
        read(chunks, 300 * BLOCK)
        assert not caplog.records


@pytest.mark.parametrize("device", ["Gramophone", 0, 7])
def test_a_device_that_is_not_there(system: SoundSystem, device: str | int) -> None:
    """An unknown device is an error that lists the inputs there are, and no outputs."""
    with pytest.raises(AudioError, match=r"1: Webcam \(hw:1,0\), 2: Headset") as caught:
        Microphone(device)
    assert repr(device) in str(caught.value)
    assert "0: Loudspeaker" not in str(caught.value)


def test_a_machine_without_microphones(system: SoundSystem) -> None:
    """Without any input the error says so."""
    system.plugged = [DEVICES[0]]
    system._initialize()
    with pytest.raises(AudioError, match=r"no default microphone.*has no input device"):
        Microphone()


def test_a_device_that_is_taken(system: SoundSystem) -> None:
    """A device that cannot be opened is an error that gives PortAudio's reason."""
    system.busy = True
    with pytest.raises(AudioError, match=r"'Webcam .*cannot be opened: Device unavailable; close"):
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
