"""Pictures of figures."""

from __future__ import annotations

from pathlib import Path

from simulst.report import charts
from simulst.report.markup import markup
from simulst.report.talk import Share, Talk, read_talk
from tests.report.journals import Page, journal


def test_lag_leads_to_the_timeline(tmp_path: Path) -> None:
    """Each sentence is a link to the row where its first word was written; its text is a tip."""
    chart = charts.lag_over_time(read_talk(journal(tmp_path / "talk.jsonl")), "a")
    assert chart is not None
    page = Page(markup(chart))
    assert [a["href"] for a in page.named("a")] == ["#a-0", "#a-30"]
    assert len(page.named("circle")) == 3
    assert page.named("svg")[0]["aria-label"].startswith("Lag over 0:32: LAAL of 2 sentences")
    assert any("yes good" in text for name, text in page.texts if name == "title")


def test_nothing_gives_no_picture() -> None:
    """Without words, judged tokens or sentences there is no picture, and no error."""
    empty = Talk(Path("x"), {}, (), (), {}, {}, {}, 0.0, None)
    assert charts.lag_over_time(empty, "a") is None
    assert charts.acceptance({}) is None and charts.spread([], "s") is None


def test_acceptance_says_its_numbers() -> None:
    """Bars are as high as their share; those that rest on few tokens are pale and say so."""
    chart = charts.acceptance({"1": Share(40, 30), "2": Share(4, 4)})
    assert chart is not None
    page = Page(markup(chart))
    many, few = page.named("rect")
    assert (many["class"], few["class"]) == ("bar", "bar few")
    assert abs(float(many["height"]) / float(few["height"]) - 0.75) < 0.01
    titles = [text for name, text in page.texts if name == "title"]
    assert titles[0] == "token 1: 30 of 40 accepted, 75 % (95 % interval 60–86 %)"


def test_every_sentence_is_in_the_spread() -> None:
    """The bars hold all sentences, also the earliest, the latest, and those that are all alike."""
    for lags in ([1.0, 2.0, 2.1, 7.0], [-2.0, 3.0], [3.0, 3.0]):
        chart = charts.spread(lags, "words")
        assert chart is not None
        texts = [text for name, text in Page(markup(chart)).texts if name == "title"]
        assert sum(int(text.split(": ")[1].split()[0]) for text in texts) == len(lags)
