"""SRT and WebVTT files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given

from simulst.emit.captions import Captions, srt, vtt
from simulst.emit.cues import Cue, Pending, finish, group
from simulst.errors import OutputError
from simulst.types import Update
from tests.emit.units import one_by_one, streams, talk, unit, units


def test_srt_has_numbers_times_and_text(tmp_path: Path) -> None:
    """A talk becomes numbered cues with comma milliseconds."""
    path = tmp_path / "talk.srt"
    sink = Captions(path, srt)
    for update in talk():
        sink.write(update)
    sink.close()
    assert path.read_text() == (
        "1\n00:00:01,000 --> 00:00:02,250\nGuten Morgen.\n\n"
        "2\n00:00:02,250 --> 00:00:04,250\nDanke.\n\n"
    )


def test_vtt_shows_a_cue_grow(tmp_path: Path) -> None:
    """Each later unit carries the time when it was written."""
    path = tmp_path / "talk.vtt"
    sink = Captions(path, vtt, head="WEBVTT\n\n")
    for update in talk():
        sink.write(update)
    sink.close()
    assert path.read_text() == (
        "WEBVTT\n\n"
        "1\n00:00:01.000 --> 00:00:02.250\nGuten <00:00:01.500>Morgen.\n\n"
        "2\n00:00:02.250 --> 00:00:04.250\nDanke.\n\n"
    )


@given(streams())
def test_vtt_is_well_formed(updates: list[Update]) -> None:
    """Times inside a cue grow and lie between its ends, and no text looks like markup."""
    pending, cues = Pending(), list[Cue]()
    for update in updates:
        pending, finished = group(pending, update)
        cues += finished
    for number, cue in enumerate(cues + finish(pending), 1):
        name, times, *rows = vtt(number, cue).removesuffix("\n\n").split("\n")
        start, end = times.split(" --> ")
        body = "\n".join(rows)
        inner = re.findall(r"<([\d:.]+)>", body)
        assert name == str(number)
        assert [start, *inner, end] == sorted({start, *inner, end})
        assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", re.sub(r"<[\d:.]+>", "", body))
        assert "" not in rows


def test_hours_are_counted() -> None:
    """A cue after the first hour is not wrapped round."""
    one = unit(0, "Spät.", 2 * 3600 + 61.25)
    assert "\n02:01:01,250 --> 02:01:03,250\n" in srt(
        1, Cue(one.delay, one.delay + 32000, ((one,),))
    )


def test_finished_cues_are_on_disk_before_the_end(tmp_path: Path) -> None:
    """A process that dies leaves every cue that was finished, whole."""
    path = tmp_path / "talk.srt"
    sink = Captions(path, srt)
    for update in one_by_one(units("a b c d e", every_s=1.6)):
        sink.write(update)
    assert path.read_text() == "1\n00:00:01,000 --> 00:00:07,000\na b c d\n\n"
    sink.close()


def test_close_writes_the_cue_that_was_growing(tmp_path: Path) -> None:
    """A session that breaks off loses no unit."""
    path = tmp_path / "talk.srt"
    sink = Captions(path, srt)
    sink.write(one_by_one(units("Ja"))[0])
    sink.close()
    assert path.read_text() == "1\n00:00:01,000 --> 00:00:03,000\nJa\n\n"


def test_a_full_disk_is_named_once(tmp_path: Path) -> None:
    """The error names file and reason; closing afterwards neither repeats nor hides it."""
    path = tmp_path / "full.srt"
    path.symlink_to("/dev/full")
    sink = Captions(path, srt)
    with pytest.raises(OutputError, match=r"full\.srt cannot be written: No space left"):
        for update in talk():
            sink.write(update)
    sink.close()
