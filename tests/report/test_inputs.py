"""Which logs are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst.errors import DataError
from simulst.report.inputs import find_logs, title_of
from tests.report.journals import corpus, journal


def test_files_recordings_and_results(tmp_path: Path) -> None:
    """A file is itself; a folder is the log in it, or the logs in its folders, in order."""
    talk = journal(tmp_path / "talk.jsonl")
    (tmp_path / "kept" / "monday").mkdir(parents=True)
    kept = journal(tmp_path / "kept" / "monday" / "session.jsonl")
    logs = [corpus(tmp_path / "out" / name) for name in ("00_wait-k_k=1", "01_wait-k_k=3")]
    (tmp_path / "out" / "table.md").write_text("x", encoding="utf-8")
    assert find_logs([talk, tmp_path / "kept", tmp_path / "out"]) == [talk, kept, *logs]
    assert find_logs([kept.parent]) == [kept]
    assert [title_of(path) for path in (talk, kept, logs[0])] == [
        "talk.jsonl",
        "monday",
        "00_wait-k_k=1",
    ]


def test_a_recording_in_several_languages(tmp_path: Path) -> None:
    """Each language's journal is a log of its own, and named so."""
    folder = tmp_path / "monday"
    folder.mkdir()
    logs = [journal(folder / f"session.{language}.jsonl") for language in ("de", "fr")]
    assert find_logs([tmp_path]) == logs
    assert [title_of(path) for path in logs] == ["monday.de", "monday.fr"]


def test_a_log_is_shown_once(tmp_path: Path) -> None:
    """Named by its file and by its folder it is the same."""
    log = corpus(tmp_path / "run")
    assert len(find_logs([log, log.parent, tmp_path])) == 1


def test_what_is_no_log(tmp_path: Path) -> None:
    """A missing path and a folder without logs say what belongs there."""
    with pytest.raises(DataError, match="talk.jsonl is not there: give a journal"):
        find_logs([tmp_path / "talk.jsonl"])
    with pytest.raises(
        DataError, match="holds no log: .* session.jsonl or session.* or instances.log"
    ):
        find_logs([tmp_path])
