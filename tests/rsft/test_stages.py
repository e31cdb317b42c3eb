"""Stage files: signed, in order, and gone on with after a kill at any byte."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.errors import DataError, OutputError
from simulst.rsft.stages import StageFile, digest, read_records, read_signature

SIGNATURE = {"stage": "samples", "seed": 1}
RECORDS = [{"id": i, "text": f"Straße {i}\n"} for i in range(5)]


def fill(path: Path, stop: int = len(RECORDS)) -> None:
    """Append the records that are not there yet."""
    with StageFile(path, SIGNATURE) as stage:
        for record in RECORDS[stage.done : stop]:
            stage.append(record)


def test_a_signature_and_records(tmp_path: Path) -> None:
    """What is written is read back, the signature apart from the records."""
    path = tmp_path / "folder" / "samples.jsonl"
    fill(path)
    assert read_signature(path) == SIGNATURE
    assert list(read_records(path)) == RECORDS
    assert list(read_records(path, skip=3)) == RECORDS[3:]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 220))
def test_a_kill_at_any_byte(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """Cut anywhere, the file is completed to what it would have been: nothing lost or doubled."""
    folder = tmp_path_factory.mktemp("kill")
    whole, cut_short = folder / "whole.jsonl", folder / "cut.jsonl"
    fill(whole)
    cut_short.write_bytes(whole.read_bytes()[:cut])
    fill(cut_short)
    assert cut_short.read_bytes() == whole.read_bytes()


def test_another_run_is_refused(tmp_path: Path) -> None:
    """A file of other settings is left alone, and the message names them."""
    path = tmp_path / "samples.jsonl"
    fill(path, 2)
    before = path.read_bytes()
    with pytest.raises(DataError, match="another seed"):
        StageFile(path, {**SIGNATURE, "seed": 2})
    assert path.read_bytes() == before


def test_damage_is_named(tmp_path: Path) -> None:
    """A missing file, a foreign file and a broken line each get a clear error."""
    path = tmp_path / "samples.jsonl"
    with pytest.raises(DataError, match="run the stage before it"):
        read_signature(path)
    path.write_text('{"no": "signature"}\n')
    with pytest.raises(DataError, match="no stage file"):
        list(read_records(path))
    path.write_text('{"stage": "samples"}\n{"id": 0}\n{"id": \n{"id": 2}\n')
    with pytest.raises(DataError, match="line 3 is damaged"):
        list(read_records(path))


def test_a_full_disk_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a write fails the records before it stay readable, and the run goes on later."""
    path = tmp_path / "samples.jsonl"
    with StageFile(path, SIGNATURE) as stage:
        stage.append(RECORDS[0])

        def full(record: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(stage, "_write", full)
        with pytest.raises(OutputError, match="No space left on device; 1 records are kept"):
            stage.append(RECORDS[1])
    assert list(read_records(path)) == RECORDS[:1]
    fill(path)
    assert list(read_records(path)) == RECORDS


def test_digest_ignores_order() -> None:
    """The same facts in another order have the same fingerprint, other facts another."""
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})
