"""Sound files of any format as a stream of blocks; the whole file is never in memory.

libsndfile reads what it knows, FFmpeg the rest, video included. A damaged file gives what can
be decoded of it and a warning in the log.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from simulst.audio.mixing import Block
from simulst.errors import AudioError

__all__ = ["Sound", "open_sound"]

BLOCK_S = 0.1  # of audio in one block read by libsndfile
UNKNOWN = 1 << 62  # libsndfile gives the largest count there is where it cannot tell
PLAYLIST = b"#EXTM3U"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """An open sound file, to be read once and closed.

    Attributes:
        rate: Hz.
        channels: at least 1.
        frames: moments in the file as it claims itself, or None if it does not say. A file that
            was cut off claims more than it has.
        blocks: (n, channels) float32 each, n > 0; there is at least one.
        close: lets the file go.
    """

    rate: int
    channels: int
    frames: int | None
    blocks: Iterator[Block]
    close: Callable[[], None]


class Forward(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is never rewound.

    soundfile seeks after every read. In an MP3 that loses what a frame borrows from the ones
    before it: read in blocks, more than half of the sound can be missing, and no error tells.
    """

    def seekable(self) -> bool:
        """Never, whatever the file could do."""
        return False


def open_sound(path: Path) -> Sound:
    """Open a sound file, or a video file with sound.

    Raises:
        AudioError: the path is missing, a folder, unreadable or empty, or nothing in it can be
            decoded as audio.
    """
    _check(path)
    # libsndfile needs to seek; a pipe would lose its first bytes to the attempt
    sound = _open_soundfile(path) if path.is_file() else None
    return sound or _open_av(path)


def _check(path: Path) -> None:
    """Refuse what is no readable file with something in it."""
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise AudioError(f"{path}: {why}; give an existing sound file") from error
    if path.is_dir():
        raise AudioError(f"{path} is a folder; give one of the sound files in it")
    if not os.access(path, os.R_OK):
        raise AudioError(f"{path} may not be read; change its permissions or copy it")
    if path.is_file() and size == 0:
        raise AudioError(f"{path} is empty (0 bytes); record or copy it again")
    if path.is_file() and _begins(path, PLAYLIST):
        # FFmpeg would wait for ever for a live one to grow
        raise AudioError(f"{path} is a playlist; give one of the sound files in it")


def _begins(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _first(blocks: Iterator[Block]) -> Iterator[Block] | None:
    """The same blocks with the first already read, or None if there is none."""
    first = next(blocks, None)
    return None if first is None else itertools.chain([first], blocks)


def _open_soundfile(path: Path) -> Sound | None:
    """Open with libsndfile; None if it cannot read a single block."""
    try:
        file = Forward(path)
    except soundfile.SoundFileError:
        return None
    blocks = _first(_read_soundfile(file, path))
    if blocks is None:
        file.close()
        return None
    frames = file.frames if 0 < file.frames < UNKNOWN else None
    return Sound(file.samplerate, file.channels, frames, blocks, file.close)


def _read_soundfile(file: Any, path: Path) -> Iterator[Block]:
    count = max(1, round(file.samplerate * BLOCK_S))
    read = 0
    while True:
        try:
            block = file.read(count, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            log.warning("%s is damaged after %.1f s: %s", path, read / file.samplerate, error)
            return
        if not len(block):
            break
        read += len(block)
        yield block
    if read < file.frames < UNKNOWN:
        log.warning(
            "%s is cut off: it claims %.1f s and holds %.1f s",
            path,
            file.frames / file.samplerate,
            read / file.samplerate,
        )


def _open_av(path: Path) -> Sound:
    """Open with FFmpeg."""
    import av

    try:
        # "file:" because a name may look like an address; it also keeps FFmpeg off the network
        container = av.open(f"file:{path}")
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioError(
            f"{path} cannot be decoded as audio: it is damaged or not a sound file; "
            "if it plays elsewhere, convert it to WAV or FLAC"
        ) from error
    stream = container.streams.best("audio")
    if stream is None:
        container.close()
        raise AudioError(f"{path} holds no audio track; give a sound file, or a video with sound")
    frames = _frames(container, stream, path)
    # the header of some AAC files names half the rate: the first decoded frame knows
    first = next(frames, None)
    if first is None:
        container.close()
        raise AudioError(f"{path} holds no audio; record it again or give another file")
    duration = None
    if stream.duration and stream.time_base:
        duration = round(stream.duration * stream.time_base * first.sample_rate)
    elif container.duration:
        duration = round(container.duration * first.sample_rate / av.time_base)
    return Sound(
        first.sample_rate,
        len(first.layout.channels),
        duration,
        _convert(itertools.chain([first], frames), first),
        container.close,
    )


def _frames(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    """Decoded frames that hold samples; damaged packets are left out."""
    from av.error import FFmpegError

    damaged = 0
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except FFmpegError:
                damaged += 1
                continue
            yield from (frame for frame in frames if frame.samples)
    except FFmpegError as error:
        log.warning("%s is damaged: %s", path, error.strerror)
    if damaged:
        log.warning("%s is damaged; packets that could not be decoded: %d", path, damaged)


def _convert(frames: Iterator[Any], first: Any) -> Iterator[Block]:
    """Frames as float32 blocks in the form of the first one, should a later one differ."""
    from av import AudioResampler

    form, converter = None, None
    for frame in itertools.chain(frames, [None]):
        key = frame and (frame.format.name, frame.layout.name, frame.sample_rate)
        ready: list[Any] = []
        if key != form:
            ready += converter.resample(None) if converter else []
            form, converter = key, AudioResampler("fltp", first.layout, first.sample_rate)
        if frame is not None:
            ready += converter.resample(frame) if converter else []
        for piece in ready:
            if piece is not None and piece.samples:
                yield np.ascontiguousarray(piece.to_ndarray().T)  # (n, channels)
