"""The picture of the curves."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from simulst.errors import OutputError
from simulst.evaluate.plots import plot

CURVES = {"wait-k, k varied": [(1.0, 15.0, "k=1"), (2.0, 21.0, "k=2")], "ratio": [(1.5, 20.0, "")]}


def test_the_picture_is_a_png_of_readable_size(tmp_path: Path) -> None:
    """The file is a PNG at least 800 pixels wide."""
    plot(tmp_path / "curve.png", CURVES, title="t", note="a signature")
    data = (tmp_path / "curve.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert width >= 800 and height >= 500


def test_an_unwritable_picture_is_named(tmp_path: Path) -> None:
    """A folder that is not there is an OutputError with the path."""
    with pytest.raises(OutputError, match=r"no/curve\.png"):
        plot(tmp_path / "no" / "curve.png", CURVES, title="t")
