"""The page as a whole."""

from __future__ import annotations

import re
from pathlib import Path

from simulst.evaluate.scoring import is_journal, score_log
from simulst.report.page import Entry, page
from simulst.report.talk import read_talk
from tests.report.journals import Page, corpus, journal


def made(*logs: Path) -> str:
    """The page of some logs."""
    return page([Entry(score_log(p, "de"), read_talk(p) if is_journal(p) else None) for p in logs])


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    """No address, no font, no file: links lead within the page, and fetching is forbidden."""
    text = made(journal(tmp_path / "a.jsonl"), corpus(tmp_path / "run"))
    shown = Page(text)
    assert not re.search(r"https?:|url\((?!#)|@import|@font-face", text)
    assert not [a for _, a in shown.tags if "src" in a]
    assert not shown.named("link") and not shown.named("img")
    assert all(a["href"].startswith("#") for a in shown.named("a"))
    policy = next(a["content"] for a in shown.named("meta") if "http-equiv" in a)
    assert "default-src 'none'" in policy


def test_links_have_their_ends(tmp_path: Path) -> None:
    """Ids are unique on a page of several logs, and every link leads to one."""
    logs = (journal(tmp_path / "a.jsonl"), journal(tmp_path / "b.jsonl"), corpus(tmp_path / "run"))
    shown = Page(made(*logs))
    names = [a["id"] for _, a in shown.tags if "id" in a]
    assert len(names) == len(set(names))
    assert {a["href"][1:] for a in shown.named("a")} <= set(names)


def test_a_log_cannot_add_markup(tmp_path: Path) -> None:
    """Words, names and signatures that look like HTML come out as text."""
    evil = "<script>alert(1)</script>"
    log = journal(tmp_path / "<b>talk.jsonl", words=(evil, "</svg><img/src=x>", '"onload="x'))
    shown = Page(made(log))
    assert len(shown.named("script")) == 1 and not shown.named("img") and not shown.named("b")
    assert not [a for _, a in shown.tags if "onload" in a]
    assert ("text", evil) in shown.texts or any(evil in text for _, text in shown.texts)
    assert any("<b>talk.jsonl" in text for name, text in shown.texts if name == "h1")


def test_pictures_have_words(tmp_path: Path) -> None:
    """Every picture has a text for those who do not see it, or is hidden from them."""
    shown = Page(made(journal(tmp_path / "a.jsonl"), corpus(tmp_path / "run")))
    for attributes in shown.named("svg"):
        told = attributes.get("role") == "img" and attributes["aria-label"]
        assert told or attributes.get("aria-hidden") == "true"
    assert shown.named("html")[0]["lang"] == "en"


def test_several_logs_stand_side_by_side(tmp_path: Path) -> None:
    """Two logs get a table of both and a list of contents; one alone gets neither."""
    one, two = journal(tmp_path / "a.jsonl"), journal(tmp_path / "b.jsonl")
    both = made(one, two)
    assert "Side by side" in both and "2 logs" in both
    assert "Side by side" not in made(one)


def test_many_corpora_are_folded(tmp_path: Path) -> None:
    """Results of a long sweep show their curve and a table; each log opens when asked."""
    logs = [corpus(tmp_path / f"0{i}_wait-k_k={i}", lag=i, good=i > 1) for i in range(1, 5)]
    shown = made(*logs)
    assert shown.count("<details>") == 4 and "Quality against latency" in shown
    assert "<details>" not in made(*logs[:3])


def test_the_same_logs_give_the_same_page(tmp_path: Path) -> None:
    """No time of day and no chance goes into it."""
    log = journal(tmp_path / "a.jsonl")
    assert made(log) == made(log)


def test_dark_and_light_follow_the_reader() -> None:
    """The style has both, and is closed by nothing in it."""
    text = Path(str(page.__globals__["STATIC"])) / "report.css"
    style = text.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in style and "</" not in style
    assert "</" not in (text.parent / "report.js").read_text(encoding="utf-8")
