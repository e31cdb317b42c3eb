"""The demos run as they stand."""

from __future__ import annotations

import re

import pytest

from demos import library
from simulst import packs


def test_the_library_demo_prints_words_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo prints a word a line, at times that never run backwards and end with the talk."""
    packs.find("listen-en", "asr")
    library.main(str(library.TALK), "de")
    lines = capsys.readouterr().out.splitlines()
    found = [re.fullmatch(r" *([\d.]+) s  (\S+)", line) for line in lines]
    times = [float(match[1]) for match in found if match]
    assert len(times) == len(lines) > 20
    assert times == sorted(times)
    assert times[0] < 6 < 20 < times[-1] < 32
