"""The picture of a talk."""

from __future__ import annotations

from pathlib import Path

from simulst.report.markup import markup
from simulst.report.talk import read_talk
from simulst.report.timeline import timeline
from tests.report.journals import Page, journal


def test_rows_and_the_silence_between_them(tmp_path: Path) -> None:
    """A row has an id by its time and tells in words what it shows; silence is one line."""
    parts = timeline(read_talk(journal(tmp_path / "talk.jsonl")), "a")
    assert [part.get("id") for part in parts] == ["a-0", None, "a-20", "a-30"]
    assert parts[1].text == "0:10 to 0:20: nothing was said"
    assert parts[0].get("aria-label") == (
        "0:00 to 0:10. Said: yes good. Written: ja gut. Held 1 times."
    )
    assert "Said: nothing. Written: nein." in str(parts[3].get("aria-label"))


def test_how_words_came_to_be_written_is_marked(tmp_path: Path) -> None:
    """Forced words, those of a closed sentence and holds have marks and classes of their own."""
    first, _, _, last = timeline(read_talk(journal(tmp_path / "talk.jsonl")), "a")
    drawn = markup(first)
    assert 'class="mark forced"' in drawn and 'class="unit forced even"' in drawn
    assert 'class="mark held"' in drawn and 'class="mark rule"' in drawn
    assert 'class="unit finish odd"' in markup(last)


def test_words_and_lines_know_each_other(tmp_path: Path) -> None:
    """A target word, its line and its source word carry the same key, which pointing lights up."""
    first = Page(markup(timeline(read_talk(journal(tmp_path / "talk.jsonl")), "a")[0]))
    units = [a for a in first.named("text") if a.get("class", "").startswith("unit")]
    links = [a for a in first.named("path") if a.get("class", "").startswith("link")]
    said = [a for a in first.named("g") if a.get("class", "").startswith("said")]
    assert [a["data-s"] for a in units] == ["0.0", "0.1"] == [a["data-s"] for a in said]
    keys = {(a["data-s"], a["data-k"]) for a in units}
    assert keys == {(a["data-s"], a["data-k"]) for a in links}


def test_lag_with_computing_is_drawn_only_where_it_was_measured(tmp_path: Path) -> None:
    """Without elapsed times there is neither a dashed line nor a tail."""
    for elapsed in (True, False):
        talk = read_talk(journal(tmp_path / f"{elapsed}.jsonl", elapsed=elapsed))
        drawn = "".join(markup(part) for part in timeline(talk, "a"))
        assert ("line computing" in drawn) == ('class="tail"' in drawn) == elapsed


def test_nothing_written_is_still_a_timeline(tmp_path: Path) -> None:
    """A journal that was cut before the first word was written shows what was said."""
    path = journal(tmp_path / "talk.jsonl", elapsed=False)
    kept = path.read_text(encoding="utf-8").splitlines()[:1]
    said = (
        '{"type": "update", "heard": 32000, "committed": '
        '[{"text": "yes", "start": 16000, "end": 32000, "probability": 1.0}]}'
    )
    path.write_text("\n".join([*kept, said]) + "\n", encoding="utf-8")
    (row,) = timeline(read_talk(path), "a")
    assert "Said: yes. Written: nothing." in str(row.get("aria-label"))
