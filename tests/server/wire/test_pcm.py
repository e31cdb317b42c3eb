"""Sound as clients encode it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.errors import ProtocolError
from simulst.server.wire import pcm
from simulst.types import Samples

EVERY_BYTE = bytes(range(256))


def reference(data: bytes, subtype: str) -> Samples:
    """The samples as libsndfile decodes them."""
    sound, _ = soundfile.read(
        io.BytesIO(data), samplerate=8000, channels=1, format="RAW", subtype=subtype,
        endian="LITTLE", dtype="float32",
    )  # fmt: skip
    return np.asarray(sound, np.float32)


@pytest.mark.parametrize(
    ("decode", "subtype"),
    [(pcm.s16le, "PCM_16"), (pcm.u8, "PCM_U8"), (pcm.mulaw, "ULAW"), (pcm.alaw, "ALAW")],
)
def test_integers_mean_what_libsndfile_says(
    decode: Callable[[bytes], Samples], subtype: str
) -> None:
    """Every byte decodes to the same sample, bit for bit."""
    samples = decode(EVERY_BYTE)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, reference(EVERY_BYTE, subtype))


def test_floats_stay_within_bounds() -> None:
    """Floats come as they are; what is too loud is clipped and NaN is silence."""
    values = np.array([0.25, -1, 3, -np.inf, np.inf, np.nan], "<f4")
    np.testing.assert_array_equal(pcm.f32le(values.tobytes()), [0.25, -1, 1, -1, 1, 0])


@pytest.mark.parametrize("decode", [pcm.s16le, pcm.f32le, pcm.u8, pcm.mulaw, pcm.alaw])
def test_no_bytes_are_no_samples(decode: Callable[[bytes], Samples]) -> None:
    """An empty frame is fine."""
    assert decode(b"").shape == (0,)


@pytest.mark.parametrize(("decode", "size"), [(pcm.s16le, 2), (pcm.f32le, 4)])
def test_half_a_sample_is_refused(decode: Callable[[bytes], Samples], size: int) -> None:
    """The error says how many bytes came and what divides them; the session may go on."""
    with pytest.raises(ProtocolError, match=f"has 9 bytes.*multiple of {size}") as caught:
        decode(b"\0" * 9)
    assert not caught.value.fatal


def test_too_many_bytes_are_refused() -> None:
    """A frame has a limit, in bytes and in base64, which is not decoded then."""
    with pytest.raises(ProtocolError, match=f"one message may have {pcm.MOST_BYTES}") as caught:
        pcm.u8(bytes(pcm.MOST_BYTES + 1))
    assert caught.value.code == "too_large"
    with pytest.raises(ProtocolError, match="in shorter ones") as caught:
        pcm.from_base64("A" * (pcm.MOST_BYTES * 4 // 3 + 8))
    assert caught.value.code == "too_large"


@given(st.binary(max_size=40))
@settings(max_examples=30, deadline=None)
def test_base64_gives_the_bytes_back(data: bytes) -> None:
    """What was encoded comes out again."""
    assert pcm.from_base64(base64.b64encode(data).decode()) == data


@pytest.mark.parametrize("value", ["AAA", "AA==AA==", "A A=", "Ünot", "\ud800", "AAA\n=", "-_-_"])
def test_what_is_not_base64_is_refused(value: str) -> None:
    """Missing padding, foreign characters and what follows the padding are errors."""
    with pytest.raises(ProtocolError, match="not base64"):
        pcm.from_base64(value)


@pytest.mark.parametrize("value", [None, 1, [], {}, b"AAAA"])
def test_base64_is_text(value: object) -> None:
    """The error names the type that came."""
    with pytest.raises(ProtocolError, match=f"of type {type(value).__name__}"):
        pcm.from_base64(value)
