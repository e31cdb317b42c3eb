"""Sound files of every format, whole and damaged."""

from __future__ import annotations

import logging
import os
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from simulst.audio.decoding import open_sound
from simulst.errors import AudioError

RATE = 22_050


def stereo(seconds: float, rate: int = RATE) -> NDArray[np.float32]:
    """(n, 2): a tone on the left, another, fainter, on the right."""
    t = np.arange(round(seconds * rate)) / rate
    left, right = 0.5 * np.sin(2 * np.pi * 440 * t), 0.25 * np.sin(2 * np.pi * 660 * t)
    return np.stack([left, right], axis=1).astype(np.float32)


def decode(path: Path) -> NDArray[np.float32]:
    """All of a file (n, channels); asserts that its blocks are well formed."""
    sound = open_sound(path)
    blocks = list(sound.blocks)
    sound.close()
    assert all(block.dtype == np.float32 and block.ndim == 2 for block in blocks)
    assert all(len(block) for block in blocks)
    return np.concatenate(blocks)


def write_video(path: Path, *, sound: bool, codec: str = "aac") -> None:
    """A second of black, with or without a second of `stereo`."""
    container: Any = av.open(str(path), "w")
    video = container.add_stream("mpeg4", rate=10)
    video.width = video.height = 64
    video.pix_fmt = "yuv420p"
    audio = container.add_stream(codec, rate=RATE, layout="stereo") if sound else None
    for _ in range(10):
        black = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(video.encode(black))
    container.mux(video.encode(None))
    if audio is not None:
        samples = np.ascontiguousarray(stereo(1).T)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        convert = av.AudioResampler(audio.format.name, "stereo", RATE, frame_size=1024)
        for piece in convert.resample(frame) + convert.resample(None):
            container.mux(audio.encode(piece))
        container.mux(audio.encode(None))
    container.close()


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff"])
def test_lossless_formats(tmp_path: Path, suffix: str) -> None:
    """What was written is read: samples, rate, channels and length."""
    path = tmp_path / f"talk.{suffix}"
    soundfile.write(path, stereo(1), RATE)
    sound = open_sound(path)
    assert (sound.rate, sound.channels, sound.frames) == (RATE, 2, RATE)
    np.testing.assert_allclose(np.concatenate(list(sound.blocks)), stereo(1), atol=1e-4)
    sound.close()


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_lossy_formats(tmp_path: Path, suffix: str) -> None:
    """Compressed sound has its length, and each channel its own loudness."""
    path = tmp_path / f"talk.{suffix}"
    soundfile.write(path, stereo(1), RATE)
    samples = decode(path)
    assert abs(len(samples) - RATE) <= 2_304  # an MP3 may be padded by two of its frames
    np.testing.assert_allclose(samples.std(axis=0), stereo(1).std(axis=0), rtol=0.1)


def test_an_mp3_in_blocks_is_the_mp3_at_once(tmp_path: Path) -> None:
    """Reading an MP3 in blocks once lost half of it, because each block ended with a seek."""
    path = tmp_path / "talk.mp3"
    soundfile.write(path, stereo(2), RATE)
    at_once, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(decode(path), at_once, atol=1e-6)


def test_formats_that_libsndfile_does_not_know(tmp_path: Path) -> None:
    """The sound track of a video is read, whatever else the file holds."""
    path = tmp_path / "talk.mp4"
    write_video(path, sound=True)
    sound = open_sound(path)
    assert (sound.rate, sound.channels) == (RATE, 2)
    assert sound.frames is not None and abs(sound.frames - RATE) <= 2_048
    samples = np.concatenate(list(sound.blocks))
    sound.close()
    assert abs(len(samples) - RATE) <= 2_048
    np.testing.assert_allclose(samples.std(axis=0), stereo(1).std(axis=0), rtol=0.1)


def test_it_is_a_stream(tmp_path: Path) -> None:
    """A long file comes in blocks of a tenth of a second."""
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros((60 * 8_000, 1), np.float32), 8_000)
    sound = open_sound(path)
    assert {len(block) for block in sound.blocks} == {800}
    sound.close()


def test_a_file_may_be_very_short(tmp_path: Path) -> None:
    """Five milliseconds of sound are sound."""
    path = tmp_path / "click.wav"
    soundfile.write(path, stereo(0.005), RATE)
    assert len(decode(path)) == len(stereo(0.005))


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_file_from_a_pipe(tmp_path: Path, size: int) -> None:
    """A header whose writer could not know the length does not hide the sound behind it."""
    path = tmp_path / "pipe.wav"
    soundfile.write(path, stereo(0.5), RATE)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    np.testing.assert_allclose(decode(path), stereo(0.5), atol=1e-4)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_file_cut_off_gives_what_it_has(tmp_path: Path, suffix: str) -> None:
    """Half of a file gives about half of its sound."""
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4 * RATE, 1)).astype(np.float32)
    soundfile.write(path, noise, RATE)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert 0.3 < len(decode(path)) / len(noise) < 0.6


def test_damage_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A warning says which file is damaged, and where."""
    path = tmp_path / "cut.flac"
    soundfile.write(path, stereo(4), RATE)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with caplog.at_level(logging.WARNING):
        decode(path)
    assert "cut.flac" in caplog.text and "damaged after" in caplog.text


def test_a_damaged_video_gives_what_it_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Packets that cannot be decoded are left out and counted."""
    path = tmp_path / "bad.mp4"
    write_video(path, sound=True)
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 3_000
    data[middle : middle + 3_000] = b"\xff" * 3_000
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert RATE // 4 < len(decode(path)) < RATE
    assert "bad.mp4 is damaged; packets that could not be decoded" in caplog.text


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_a_pipe_can_be_read(tmp_path: Path, suffix: str) -> None:
    """A named pipe, which cannot be rewound, is decoded as it comes."""
    path, pipe = tmp_path / f"talk.{suffix}", tmp_path / "pipe"
    soundfile.write(path, stereo(1), RATE)
    wanted = decode(path)
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(path.read_bytes()), daemon=True)
    writer.start()
    samples = decode(pipe)
    np.testing.assert_allclose(samples[: len(wanted)], wanted[: len(samples)], atol=1e-3)
    assert abs(len(samples) - len(wanted)) <= 2_304
    writer.join(5)


def refuse(path: Path) -> str:
    """The one line that says why `path` cannot be read; it names the path."""
    with pytest.raises(AudioError) as caught:
        open_sound(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_a_missing_file(tmp_path: Path) -> None:
    """A path that leads nowhere is named."""
    assert "No such file" in refuse(tmp_path / "missing.wav")


def test_a_folder(tmp_path: Path) -> None:
    """A folder is no sound file."""
    assert "is a folder" in refuse(tmp_path)


def test_an_empty_file(tmp_path: Path) -> None:
    """A file of no bytes is empty."""
    path = tmp_path / "empty.wav"
    path.touch()
    assert "is empty (0 bytes)" in refuse(path)


def test_a_header_alone(tmp_path: Path) -> None:
    """A sound file without a sample holds no audio."""
    path = tmp_path / "header.wav"
    soundfile.write(path, stereo(0), RATE)
    assert "holds no audio" in refuse(path)


@pytest.mark.parametrize("content", [b"\x07\xa3\x91\x00\xfe" * 500, b"RIFF"])
def test_no_sound_file(tmp_path: Path, content: bytes) -> None:
    """Bytes that mean nothing are not decoded, whatever the name says."""
    path = tmp_path / "talk.wav"
    path.write_bytes(content)
    assert "cannot be decoded as audio" in refuse(path)


def test_a_text(tmp_path: Path) -> None:
    """A text is no sound file."""
    path = tmp_path / "notes.txt"
    path.write_text("nothing to hear\n" * 50)
    assert "holds no audio track" in refuse(path)


def test_a_silent_film(tmp_path: Path) -> None:
    """A video without sound is told from one that is damaged."""
    path = tmp_path / "film.mp4"
    write_video(path, sound=False)
    assert "holds no audio track" in refuse(path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of somebody else is named with the reason."""
    path = tmp_path / "secret.wav"
    soundfile.write(path, stereo(0.1), RATE)
    # whoever runs the tests as root may read everything
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "may not be read" in refuse(path)


def test_a_playlist(tmp_path: Path) -> None:
    """A live playlist is refused at once; FFmpeg once waited for it to grow."""
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\ntalk.ts\n")
    assert "is a playlist" in refuse(path)
