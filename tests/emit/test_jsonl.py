"""The journal: nothing lasting is lost between writing and reading."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simulst.emit.jsonl import Journal, read, read_signature, read_summary
from simulst.errors import DataError, OutputError
from simulst.types import Update
from tests.emit.units import talk

SIGNATURE = {"simulst": "0.1.0", "k_min": 2, "m": 1.0, "config": {"seed": 0}}


def written(folder: Path) -> Path:
    """The journal of a short talk."""
    sink = Journal(folder / "talk.jsonl", SIGNATURE)
    for update in talk():
        sink.write(update)
    sink.summarise({"words": 3})
    sink.close()
    return folder / "talk.jsonl"


def test_reading_gives_what_was_written(tmp_path: Path) -> None:
    """Words, ends, emissions and verdicts come back equal; what was tentative is not kept."""
    lasting = [replace(u, tentative_source="", tentative_target="") for u in talk()[1:]]
    assert list(read(written(tmp_path))) == lasting


def test_signature_first_summary_last(tmp_path: Path) -> None:
    """The first line says what made the session, the last one how it went."""
    path = written(tmp_path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"type": "signature", "format": 1, **SIGNATURE}
    assert [line["type"] for line in lines[1:-1]] == ["update"] * 4
    assert lines[-1] == {"type": "summary", "words": 3}
    assert read_signature(path) == SIGNATURE


def test_a_step_without_anything_lasting_takes_no_line(tmp_path: Path) -> None:
    """An hour of silence does not fill the disk."""
    sink = Journal(tmp_path / "quiet.jsonl", {})
    for heard in range(0, 160_000, 8000):
        sink.write(Update(heard=heard, tentative_source="hm"))
    sink.close()
    assert len((tmp_path / "quiet.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("lost", [1, 5, 40])
def test_a_last_line_cut_short_is_left_out(tmp_path: Path, lost: int) -> None:
    """After a kill in the middle of a line everything before it is read."""
    path = written(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)[:-1]
    path.write_bytes(b"".join(lines)[:-lost])
    kept = list(read(path))
    assert [u.heard for u in kept] == [16000, 24000, 32000] + [36000] * (lost == 1)


def test_a_cut_inside_a_letter_is_tolerated(tmp_path: Path) -> None:
    """A last line that ends in half of a UTF-8 letter is left out too."""
    path = tmp_path / "cut.jsonl"
    path.write_bytes('{"type": "signature", "format": 1}\n{"type": "upd", "x": "ä'.encode()[:-1])
    assert list(read(path)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("plain text\n", "line 1: not JSON"),
        ('{"index": 0}\n', "line 1: no journal entry"),
        ('{"type": "update", "heard": 1}\n', "does not begin with a signature"),
        ('{"type": "signature", "format": 2}\n', "has format 2, this simulst reads 1"),
        ('{"type": "signature", "format": 1}\n{"type": "update"}\n', "line 2: damaged"),
        ('{"type": "signature", "format": 1}\nx\n{"type": "update"}\n', "line 2: not JSON"),
        (
            '{"type": "signature", "format": 1}\n'
            '{"type": "update", "heard": 1, "emissions": [{"reason": "whim"}]}\n',
            "line 2: damaged",
        ),
    ],
)
def test_what_is_no_journal_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The error names the file, the line and what is wrong with it."""
    path = tmp_path / "strange.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        list(read(path))
    assert "strange.jsonl" in str(caught.value)


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    """The error says which file is not there."""
    with pytest.raises(DataError, match=r"gone\.jsonl cannot be read: No such file"):
        list(read(tmp_path / "gone.jsonl"))


def test_a_full_disk_is_told_at_once(tmp_path: Path) -> None:
    """A journal that cannot even take its signature is refused."""
    (tmp_path / "full.jsonl").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"full\.jsonl cannot be written: No space left"):
        Journal(tmp_path / "full.jsonl", SIGNATURE)


def test_the_summary_is_read_back(tmp_path: Path) -> None:
    """The closing figures come back as they were given; after a kill there are none."""
    for closed in (True, False):
        path = tmp_path / f"{closed}.jsonl"
        journal = Journal(path, {})
        if closed:
            journal.summarise({"words": 3, "laal_ms": None})
        journal.close()
        assert read_summary(path) == ({"words": 3, "laal_ms": None} if closed else {})


def test_a_value_of_the_wrong_kind_is_damage(tmp_path: Path) -> None:
    """A time that is no number is refused where it stands, not where it is used."""
    path = tmp_path / "talk.jsonl"
    word = '"committed": [{"text": "a", "start": "b", "end": 1}]'
    for heard, said in (("1", "start is 'b'"), ("null", "heard is None")):
        lines = (
            '{"type": "signature", "format": 1}',
            f'{{"type": "update", "heard": {heard}, {word}}}',
        )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with pytest.raises(DataError, match=f"line 2: damaged .{said}, it must be int"):
            list(read(path))
