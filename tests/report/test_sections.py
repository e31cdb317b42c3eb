"""What a page says of a log."""

from __future__ import annotations

from pathlib import Path

from simulst.evaluate.scoring import score_log
from simulst.report.markup import markup
from simulst.report.sections import corpus as corpus_section
from simulst.report.sections import session as session_section
from simulst.report.talk import read_talk
from tests.report.journals import Page, corpus, journal


def test_a_session_shows_everything(tmp_path: Path) -> None:
    """Lag, timeline, acceptance, figures, and each sentence with both its texts in a table."""
    path = journal(tmp_path / "talk.jsonl")
    page = Page(markup(session_section(score_log(path), read_talk(path), "log1")))
    headings = [text for name, text in page.texts if name == "h3"]
    assert headings == ["Lag over time", "The talk", "Acceptance", "Figures"]
    cells = [text for name, text in page.texts if name == "td"]
    assert {"yes good", "ja gut", "no", "nein"} <= set(cells)
    assert {a["lang"] for a in page.named("td") if "lang" in a} == {"en", "de"}
    reasons = [text for name, text in page.texts if name == "th"]
    assert {"ratio", "forced", "finish"} <= {text.strip() for text in reasons}


def test_a_chinese_session_is_told_in_characters(tmp_path: Path) -> None:
    """Counts are of characters and named so, and texts stand without spaces."""
    path = journal(tmp_path / "talk.jsonl", units=("是的", "很好。", "不"))
    shown = markup(session_section(score_log(path), read_talk(path), "log1"))
    assert "6 characters written" in shown
    assert "words written" not in shown
    assert "Written: 是的很好。." in shown


def test_a_session_that_was_killed_says_so(tmp_path: Path) -> None:
    """The page does not pass a part for the whole."""
    path = journal(tmp_path / "talk.jsonl", closed=False)
    shown = markup(session_section(score_log(path), read_talk(path), "log1"))
    assert "The session was cut off" in shown


def test_a_corpus_shows_its_latest_sentences(tmp_path: Path) -> None:
    """Spread of the lag, figures, and the sentences that came latest with their references."""
    score = score_log(corpus(tmp_path / "run"), "de")
    page = Page(markup(corpus_section(score, "log1")))
    assert [text for name, text in page.texts if name == "h3"] == [
        "Lag of the sentences",
        "Figures",
        "The latest",
    ]
    assert ("td", "the small dog barks loud") in page.texts
    folded = markup(corpus_section(score, "log1", folded=True))
    assert "<details><summary><h2>run</h2></summary>" in folded


def test_a_title_is_said_once(tmp_path: Path) -> None:
    """Alone on its page, a section leaves its title to the page."""
    score = score_log(corpus(tmp_path / "run"), "de")
    assert "<h2>" not in markup(corpus_section(score, "log1", alone=True))
