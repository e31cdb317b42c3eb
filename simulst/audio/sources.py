"""Where audio comes from: files and raw streams here, the microphone beside it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import numpy as np

from simulst.audio.clock import chunks
from simulst.audio.decoding import open_sound
from simulst.audio.microphone import Microphone
from simulst.audio.mixing import Block
from simulst.audio.resampling import Resampler
from simulst.errors import AudioError
from simulst.types import SAMPLE_RATE, AudioChunk

__all__ = ["FileSource", "RawSource", "Source", "open_source"]

READ_S = 0.1  # of raw audio in one read; live captions lag by so much
IDLE_S = 0.01  # wait when a non-blocking stream has nothing
BYTES = 2  # of a sample of raw audio
CONTAINERS = (b"RIFF", b"OggS", b"fLaC")  # how sound files begin; as raw PCM they are a click


class Source(Protocol):
    """A stream of audio, iterated once inside a `with` block.

    It gives chunks of 16 kHz mono, none of them empty, without gaps from sample 0.
    """

    @property
    def live(self) -> bool:
        """Whether it comes at the pace of the speaker."""
        ...

    @property
    def duration(self) -> int | None:
        """Samples at 16 kHz, as far as it is known beforehand."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __iter__(self) -> Iterator[AudioChunk]: ...


class FileSource:
    """A sound file of any format, or the sound of a video, as fast as it can be decoded.

    Args:
        path: of the file; it is opened at once and let go at the end of the `with` block.

    Attributes:
        duration: samples at 16 kHz by the file's own account; a damaged file gives fewer.

    Raises:
        AudioError: it cannot be read, or holds no audio.
    """

    live = False

    def __init__(self, path: str | Path) -> None:
        self._sound = open_sound(Path(path))
        try:
            resampler = Resampler(self._sound.rate)
        except AudioError as error:
            self._sound.close()
            raise AudioError(f"{path}: {error}") from error
        frames = self._sound.frames
        self.duration = None if frames is None else resampler.length(frames)
        self._chunks = chunks(self._sound.blocks, resampler)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sound.close()

    def __iter__(self) -> Iterator[AudioChunk]:
        return self._chunks


class RawSource:
    """Headerless PCM, 16-bit signed little-endian, channels interleaved, as from a pipe.

    Args:
        stream: read to its end, and left open. An incomplete moment at the end is ignored.
        rate: Hz, 4,000 to 192,000.
        channels: at least 1.

    Raises:
        AudioError: rate or channels make no sense. While iterating: the stream cannot be read,
            ends without a sample, or is a sound file and not PCM.
    """

    live = True
    duration = None

    def __init__(self, stream: BinaryIO, rate: int = SAMPLE_RATE, channels: int = 1) -> None:
        if channels < 1:
            raise AudioError(f"the raw audio has {channels} channels: it must have at least 1")
        self._stream, self._channels = stream, channels
        self._chunks = chunks(self._blocks(rate), Resampler(rate))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The stream belongs to whoever opened it."""

    def __iter__(self) -> Iterator[AudioChunk]:
        return self._chunks

    def _blocks(self, rate: int) -> Iterator[Block]:
        moment = BYTES * self._channels  # bytes of one sample of every channel
        rest, empty = b"", True
        while data := self._read(round(rate * READ_S) * moment):
            if empty and data.startswith(CONTAINERS):
                raise AudioError(
                    "the raw audio is a sound file, not headerless 16-bit PCM: name the file, or "
                    "decode it first (ffmpeg -i FILE -f s16le -ac 1 -ar 16000 -)"
                )
            data = rest + data
            whole = len(data) - len(data) % moment
            rest = data[whole:]
            if whole:
                empty = False
                values = np.frombuffer(data[:whole], dtype="<i2").astype(np.float32)
                yield values.reshape(-1, self._channels) / np.float32(32_768)
        if empty:
            raise AudioError("the raw audio holds no audio: it ended before the first sample")

    def _read(self, count: int) -> bytes:
        """At most `count` bytes, none only at the end."""
        read: Callable[[int], bytes | None] = self._stream.read  # None: nothing yet
        try:
            while (data := read(count)) is None:
                time.sleep(IDLE_S)
        except OSError as error:
            raise AudioError(
                f"the raw audio cannot be read: {error.strerror or error}; check what feeds it"
            ) from error
        return data


def open_source(spec: str, *, rate: int = SAMPLE_RATE, channels: int = 1) -> Source:
    """Open what a command line names.

    Args:
        spec: "-" for raw PCM on standard input, "mic" or "mic:DEVICE" (a number, or part of the
            name) for a microphone, anything else for a file (./mic for one of that name).
        rate: of raw PCM, Hz.
        channels: of raw PCM.

    Raises:
        AudioError: it cannot be opened.
    """
    if spec == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise AudioError(
                "standard input is no stream of audio: pipe raw 16-bit PCM into it, or name a file"
            )
        return RawSource(sys.stdin.buffer, rate, channels)
    kind, colon, device = spec.partition(":")
    if kind == "mic" and (device or not colon):
        return Microphone(int(device) if device.isdecimal() else device or None)
    return FileSource(spec)
