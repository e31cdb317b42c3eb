"""`simulst report` from its options to its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulst import cli
from simulst.report.markup import Element, markup
from tests.report.journals import Page, corpus, journal, lines


def failure(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that is said of something the user can mend."""
    assert cli.main(["report", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_journal_becomes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page is written where it was asked for, with the quality if there is a reference."""
    reference, out = tmp_path / "reference.txt", tmp_path / "page.html"
    reference.write_text("ja gut\nnein\n", encoding="utf-8")
    log = journal(tmp_path / "talk.jsonl")
    command = ["report", str(log), "--out", str(out), "--reference", str(reference)]
    assert cli.main(command) == 0
    assert capsys.readouterr().out == f"wrote {out}\n"
    shown = Page(out.read_text(encoding="utf-8"))
    assert ("title", "talk.jsonl – simulst report") in shown.texts
    assert any("tok:13a" in text for name, text in shown.texts if name == "code")


def test_sessions_and_corpora_on_one_page(tmp_path: Path) -> None:
    """A journal and a folder of results each get their sections."""
    corpus(tmp_path / "out" / "00_wait-k_k=1", good=False)
    corpus(tmp_path / "out" / "01_wait-k_k=3", lag=3)
    log, out = journal(tmp_path / "talk.jsonl"), tmp_path / "page.html"
    assert cli.main(["report", str(log), str(tmp_path / "out"), "--out", str(out)]) == 0
    shown = Page(out.read_text(encoding="utf-8"))
    assert [a["id"] for a in shown.named("section")] == ["all", "curves", "log1", "log2", "log3"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty: no log"),
        ("not JSON\n", "line 1"),
        ('{"type": "update", "heard": 1}\n', "line 1"),
        ('{"type": "signature", "format": 9}\n', "has format 9, this simulst reads 1"),
        ('{"type": "signature", "format": 1}\n', "holds no sentence"),
    ],
)
def test_what_is_no_journal(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty file, another format, or none at all is told in one line that names the file."""
    log = tmp_path / "talk.jsonl"
    log.write_text(text, encoding="utf-8")
    line = failure(capsys, log, "--out", tmp_path / "page.html")
    assert said in line and "talk.jsonl" in line
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("start", "soon"), ("text", None), ("end", [1]), ("probability", {})]
)
def test_a_damaged_line(
    name: str, value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value of the wrong kind is told with its line."""
    log = journal(tmp_path / "talk.jsonl")
    entries = lines(log)
    entries[2]["committed"][0][name] = value
    log.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    line = failure(capsys, log, "--out", tmp_path / "page.html")
    assert "talk.jsonl, line 3: damaged" in line and name in line


def test_kinds_mixed_in_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A journal with an instance in it, or the reverse, is refused with its line."""
    log, instances = journal(tmp_path / "talk.jsonl"), corpus(tmp_path / "run")
    first, second = (path.read_text(encoding="utf-8") for path in (log, instances))
    log.write_text(first + second, encoding="utf-8")
    assert "talk.jsonl, line 7: no journal entry" in failure(capsys, log)
    instances.write_text(second + first, encoding="utf-8")
    assert "instances.log, line 4" in failure(capsys, instances, "--to", "de")


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    """What a kill left of the last line does not cost the rest."""
    log, out = journal(tmp_path / "talk.jsonl", closed=False), tmp_path / "page.html"
    with log.open("a", encoding="utf-8") as file:
        file.write('{"type": "upda')
    assert cli.main(["report", str(log), "--out", str(out)]) == 0
    assert "cut off" in out.read_text(encoding="utf-8")


def test_nothing_that_is_read_is_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--out may not be the log, and a folder that is not there is told."""
    log = journal(tmp_path / "talk.jsonl")
    before = log.read_bytes()
    assert "is what is read" in failure(capsys, log, "--out", log)
    assert log.read_bytes() == before
    assert "cannot be written" in failure(capsys, log, "--out", tmp_path / "no" / "page.html")


def test_half_a_pair_does_not_stop_the_page(tmp_path: Path) -> None:
    """A surrogate that stands alone in a journal can be written, as a replacement sign."""
    log, out = journal(tmp_path / "talk.jsonl", words=("a\\b", "c", "d")), tmp_path / "page.html"
    log.write_text(log.read_text(encoding="utf-8").replace("a\\\\b", "a\\ud800b"), encoding="utf-8")
    assert cli.main(["report", str(log), "--out", str(out)]) == 0
    assert "a\ufffdb" in out.read_text(encoding="utf-8")
    assert markup(Element("p")) == "<p></p>"
