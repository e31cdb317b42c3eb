"""Files and raw streams as sources of chunks."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from simulst.audio import sources
from simulst.audio.sources import FileSource, RawSource, Source, open_source
from simulst.errors import AudioError

Samples = NDArray[np.float32]


def tone(rate: int, seconds: float = 1.0) -> Samples:
    """A tone of 440 Hz at half of full scale."""
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)).astype(
        np.float32
    )


def pcm(samples: Samples) -> bytes:
    """Samples as raw 16-bit audio."""
    return np.round(samples * 32_767).astype("<i2").tobytes()


def read(source: Source) -> Samples:
    """All samples; asserts that the chunks follow each other from 0 and none is empty."""
    parts, end = [], 0
    with source:
        for chunk in source:
            assert chunk.start == end
            assert chunk.samples.dtype == np.float32 and chunk.samples.ndim == 1
            assert len(chunk.samples)
            parts.append(chunk.samples)
            end = chunk.end
    return np.concatenate(parts)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_file_comes_at_16_khz(tmp_path: Path, rate: int, suffix: str) -> None:
    """A tone in a file of any rate is the same tone at 16 kHz, as long as announced."""
    path = tmp_path / f"talk.{suffix}"
    soundfile.write(path, np.stack([tone(rate)] * 2, axis=1), rate)
    source = FileSource(path)
    assert not source.live
    assert source.duration == 16_000
    samples = read(source)
    assert len(samples) == 16_000
    np.testing.assert_allclose(samples[500:-500], tone(16_000)[500:-500], atol=0.03)


def test_a_file_comes_in_pieces(tmp_path: Path) -> None:
    """A file is given in chunks of about a tenth of a second."""
    path = tmp_path / "talk.wav"
    soundfile.write(path, tone(44_100, 3), 44_100)
    with FileSource(path) as source:
        lengths = [len(chunk.samples) for chunk in source]
    assert len(lengths) >= 30 and max(lengths) <= 1_601


@pytest.mark.parametrize("seconds", [1 / 16_000, 0.005])
def test_a_short_file(tmp_path: Path, seconds: float) -> None:
    """A file of a few samples, even of one, is audio of that length."""
    path = tmp_path / "click.wav"
    soundfile.write(path, tone(16_000, seconds), 16_000)
    assert len(read(FileSource(path))) == round(16_000 * seconds)


def test_a_silent_file(tmp_path: Path) -> None:
    """Silence is audio."""
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(8_000, np.float32), 8_000)
    samples = read(FileSource(path))
    assert len(samples) == 16_000 and not samples.any()


def test_wild_samples_are_tamed(tmp_path: Path) -> None:
    """What is beyond full scale or no number at all does not reach the recogniser."""
    path = tmp_path / "wild.wav"
    wild = np.array([0.5, np.nan, 7.0, -np.inf, -7.0], np.float32)
    soundfile.write(path, wild, 16_000, subtype="FLOAT")
    assert read(FileSource(path)).tolist() == [0.5, 0.0, 1.0, 0.0, -1.0]


def test_a_file_at_an_absurd_rate(tmp_path: Path) -> None:
    """A rate that no speech is recorded at is an error that names the file."""
    path = tmp_path / "slow.wav"
    soundfile.write(path, tone(1_000), 1_000)
    with pytest.raises(AudioError, match=r"slow\.wav: the sample rate is 1000 Hz"):
        FileSource(path)


def test_raw_audio_is_scaled() -> None:
    """16-bit numbers become samples of [-1, 1)."""
    data = np.array([0, 16_384, -32_768, 32_767], "<i2").tobytes()
    source = RawSource(io.BytesIO(data))
    assert source.live and source.duration is None
    assert read(source).tolist() == [0.0, 0.5, -1.0, 32_767 / 32_768]


def test_raw_audio_of_any_rate_and_channels() -> None:
    """Interleaved channels at 48 kHz become one at 16 kHz."""
    both = np.stack([tone(48_000), np.zeros(48_000, np.float32)], axis=1)
    samples = read(RawSource(io.BytesIO(pcm(both)), 48_000, 2))
    assert len(samples) == 16_000
    np.testing.assert_allclose(samples[100:-100], tone(16_000)[100:-100] / 2, atol=0.01)


@pytest.mark.parametrize(("channels", "extra"), [(1, 1), (2, 1), (2, 2), (2, 3)])
def test_an_incomplete_end_is_ignored(channels: int, extra: int) -> None:
    """Bytes at the end that do not make a whole moment are left out."""
    data = pcm(tone(16_000, 0.5)) + b"\x7f" * extra
    assert len(read(RawSource(io.BytesIO(data), 16_000, channels))) == 8_000 // channels


class Dribble(io.RawIOBase):
    """A stream that gives a few bytes at a time and sometimes, not being ready, none."""

    def __init__(self, data: bytes) -> None:
        self.data, self.turn = data, 0

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1, /) -> bytes | None:
        self.turn += 1
        if self.turn % 50 == 0:
            return None
        part, self.data = self.data[:7], self.data[7:]
        return part


def test_raw_audio_that_dribbles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads that cut samples in two, or find nothing yet, change nothing."""
    monkeypatch.setattr(sources, "IDLE_S", 0)
    data = pcm(tone(16_000, 0.1))
    wanted = read(RawSource(io.BytesIO(data), 16_000, 2))
    assert np.array_equal(read(RawSource(Dribble(data), 16_000, 2)), wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"", b"\x01"])
def test_an_empty_stream(data: bytes) -> None:
    """A stream that ends before its first sample holds no audio."""
    with pytest.raises(AudioError, match="holds no audio"), RawSource(io.BytesIO(data)) as source:
        list(source)


def test_a_sound_file_in_the_pipe() -> None:
    """A WAV file piped in as if it were raw is refused, not heard as noise."""
    file = io.BytesIO()
    soundfile.write(file, tone(16_000), 16_000, format="WAV")
    file.seek(0)
    with pytest.raises(AudioError, match="is a sound file"), RawSource(file) as source:
        list(source)


def test_a_stream_that_breaks() -> None:
    """A stream that cannot be read is an error, not a traceback."""

    class Broken(io.RawIOBase):
        def read(self, count: int = -1, /) -> bytes | None:
            raise OSError(5, "Input/output error")

    source = RawSource(Broken())  # type: ignore[arg-type]
    with pytest.raises(AudioError, match="cannot be read: Input/output error"), source:
        list(source)


def test_the_stream_stays_open() -> None:
    """Whoever opened a stream closes it."""
    stream = io.BytesIO(pcm(tone(16_000, 0.1)))
    read(RawSource(stream))
    assert not stream.closed


@pytest.mark.parametrize(("rate", "channels"), [(100, 1), (16_000, 0)])
def test_absurd_raw_forms(rate: int, channels: int) -> None:
    """A rate or a number of channels that cannot be is refused at once."""
    with pytest.raises(AudioError, match="must"):
        RawSource(io.BytesIO(b""), rate, channels)


def test_a_path_opens_a_file(tmp_path: Path) -> None:
    """What is neither "-" nor a microphone is a file."""
    path = tmp_path / "talk.wav"
    soundfile.write(path, tone(16_000), 16_000)
    source = open_source(str(path))
    assert isinstance(source, FileSource)
    assert len(read(source)) == 16_000


def test_a_dash_opens_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "-" reads raw audio from standard input, in the form that was given."""
    stream = io.BytesIO(pcm(np.stack([tone(8_000)] * 2, axis=1)))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream, isatty=lambda: False))
    source = open_source("-", rate=8_000, channels=2)
    assert isinstance(source, RawSource)
    assert len(read(source)) == 16_000


@pytest.mark.parametrize("stdin", [None, SimpleNamespace(isatty=lambda: True)])
def test_a_terminal_is_no_audio(monkeypatch: pytest.MonkeyPatch, stdin: object) -> None:
    """ "-" without anything piped in says so."""
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(AudioError, match="standard input is no stream of audio"):
        open_source("-")


@pytest.mark.parametrize(
    ("spec", "device"),
    [("mic", None), ("mic:3", 3), ("mic:USB Audio: hw", "USB Audio: hw")],
)
def test_mic_opens_a_microphone(
    monkeypatch: pytest.MonkeyPatch, spec: str, device: str | int | None
) -> None:
    """ "mic" opens the default microphone, "mic:" one by number or name."""
    monkeypatch.setattr(sources, "Microphone", lambda device: ("microphone", device))
    assert open_source(spec) == ("microphone", device)  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("spec", ["mic:", "microphone.wav", "mic.wav"])
def test_what_only_looks_like_a_microphone(spec: str) -> None:
    """Other names that begin with "mic" are files, and these are missing."""
    with pytest.raises(AudioError, match=f"{spec}: No such file"):
        open_source(spec)
