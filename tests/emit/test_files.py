"""From a file's name to what is written into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst.emit.files import SUFFIXES, check, open_file
from simulst.errors import OutputError
from tests.emit.units import talk


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".SRT"])
def test_each_suffix_gets_its_form(tmp_path: Path, suffix: str) -> None:
    """Every known suffix gives a file that holds the translation."""
    path = tmp_path / f"talk{suffix}"
    check([path])
    sink = open_file(path, {"simulst": "0.1.0"})
    for update in talk():
        sink.write(update)
    sink.close()
    assert "Danke." in path.read_text()


def test_unknown_suffixes_list_the_known(tmp_path: Path) -> None:
    """The error names the valid suffixes and makes no file."""
    with pytest.raises(OutputError, match=r"'\.ass' .* \.srt, \.vtt, \.jsonl, \.txt"):
        check([tmp_path / "talk.srt", tmp_path / "talk.ass"])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A folder that does not exist is found before anything starts."""
    with pytest.raises(OutputError, match="there is no folder"):
        check([tmp_path / "nowhere" / "talk.srt"])


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder with a caption file's name is refused."""
    (tmp_path / "talk.srt").mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        check([tmp_path / "talk.srt"])


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    """Two sinks in one file would write over each other, however it is spelt."""
    with pytest.raises(OutputError, match="named twice"):
        check([tmp_path / "talk.srt", tmp_path / "." / "talk.srt"])


def test_checking_leaves_an_old_file_alone(tmp_path: Path) -> None:
    """Yesterday's captions survive a start that fails later."""
    (tmp_path / "talk.srt").write_text("old")
    check([tmp_path / "talk.srt"])
    assert (tmp_path / "talk.srt").read_text() == "old"


def test_no_permission_is_named(tmp_path: Path) -> None:
    """A file that cannot be made is an error with path and reason."""
    with pytest.raises(OutputError, match=r"/proc/talk\.srt cannot be written"):
        open_file(Path("/proc/talk.srt"), {})
