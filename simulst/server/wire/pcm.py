"""What clients send for sound: bytes in one of a few encodings to samples, one frame at a time;
and the one form in which sound is sent to them.

A frame holds whole samples: half a sample is refused and not kept for the next frame, because
a client that cuts inside a sample has most often lost count, and all that follows would be noise.
None of the errors is fatal; a wire whose protocol cannot go on after one makes it so.
"""

from __future__ import annotations

import base64
import binascii

import numpy as np
from numpy.typing import NDArray

from simulst.errors import ProtocolError
from simulst.types import Samples

__all__ = ["MOST_BYTES", "alaw", "from_base64", "f32le", "mulaw", "s16le", "to_base64", "u8"]

MOST_BYTES = 4 * 2**20  # of one frame: 87 s of 16-bit sound at 24 kHz, no live client sends as much


def from_base64(text: object) -> bytes:
    """The bytes behind standard base64 with its padding.

    Raises:
        ProtocolError: it is not text, not base64, or longer than a frame may be.
    """
    if not isinstance(text, str):
        raise ProtocolError(
            f"the audio is of type {type(text).__name__}: it must be a base64 string",
            "invalid_audio",
        )
    if len(text) > (MOST_BYTES + 2) // 3 * 4:
        raise _too_large(len(text) // 4 * 3)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(
            f"the audio is not base64 ({error}): encode it with the standard alphabet and padding, "
            "without line breaks",
            "invalid_audio",
        ) from error


def to_base64(samples: Samples) -> str:
    """(n,) float32 in [-1, 1] as signed 16-bit integers, little-endian, in base64."""
    levels = np.clip(np.rint(samples * 32_768), -32_768, 32_767)
    return base64.b64encode(levels.astype("<i2").tobytes()).decode("ascii")


def s16le(data: bytes) -> Samples:
    """Signed 16-bit integers, little-endian, as (n,) float32 in [-1, 1).

    Raises:
        ProtocolError: an odd number of bytes, or too many.
    """
    return _whole(data, "<i2").astype(np.float32) / np.float32(32_768)


def f32le(data: bytes) -> Samples:
    """32-bit floats, little-endian, as (n,) float32 clipped to [-1, 1]; NaN becomes silence.

    Raises:
        ProtocolError: the number of bytes is no multiple of four, or too large.
    """
    values = _whole(data, "<f4").astype(np.float32)
    return np.clip(np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=-1.0), -1, 1)


def u8(data: bytes) -> Samples:
    """Unsigned bytes around 128 as (n,) float32 in [-1, 1).

    Raises:
        ProtocolError: too many bytes.
    """
    return (_whole(data, "u1").astype(np.float32) - np.float32(128)) / np.float32(128)


def mulaw(data: bytes) -> Samples:
    """G.711 µ-law, a byte a sample, as (n,) float32 in [-1, 1].

    Raises:
        ProtocolError: too many bytes.
    """
    samples: Samples = _MULAW[_whole(data, "u1")]
    return samples


def alaw(data: bytes) -> Samples:
    """G.711 A-law, a byte a sample, as (n,) float32 in [-1, 1].

    Raises:
        ProtocolError: too many bytes.
    """
    samples: Samples = _ALAW[_whole(data, "u1")]
    return samples


def _whole(data: bytes, kind: str) -> NDArray[np.generic]:
    """The bytes as numbers."""
    if len(data) > MOST_BYTES:
        raise _too_large(len(data))
    size = np.dtype(kind).itemsize
    if len(data) % size:
        raise ProtocolError(
            f"the audio has {len(data)} bytes: a sample has {size}, so send a multiple of {size}; "
            "check the encoding",
            "invalid_audio",
        )
    return np.frombuffer(data, dtype=kind)


def _too_large(size: int) -> ProtocolError:
    return ProtocolError(
        f"the audio has {size} bytes: one message may have {MOST_BYTES}; send it in shorter ones",
        "too_large",
    )


def _mulaw_table() -> Samples:
    """Value of every byte, ITU-T G.711 table 2: the bits are sent inverted."""
    code = ~np.arange(256, dtype=np.uint8)
    segment, step = (code >> 4) & 7, (code & 15).astype(np.int32)
    size = ((2 * step + 33) << segment) - 33  # of 8,159
    return (np.where(code & 128, -size, size) * 4 / 32_768).astype(np.float32)


def _alaw_table() -> Samples:
    """Value of every byte, ITU-T G.711 table 1: every other bit is sent inverted."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment, step = (code >> 4) & 7, (code & 15).astype(np.int32)
    low = 2 * step + 1
    size = np.where(segment == 0, low, (low + 32) << np.maximum(segment.astype(np.int32) - 1, 0))
    return (np.where(code & 128, size, -size) * 8 / 32_768).astype(np.float32)  # size of 4,096


_MULAW = _mulaw_table()
_ALAW = _alaw_table()
