"""Tables of figures."""

from __future__ import annotations

from pathlib import Path

from simulst.evaluate.scoring import score_log
from simulst.report.figures import comparison, rows, table, tiles
from simulst.report.markup import markup
from tests.report.journals import Page, corpus, journal


def test_a_session_has_all_its_figures(tmp_path: Path) -> None:
    """Latency in both kinds, what the rule did, speed and quality, each with what it rests on."""
    reference = tmp_path / "reference.txt"
    reference.write_text("ja gut\nnein\n", encoding="utf-8")
    score = score_log(journal(tmp_path / "talk.jsonl"), "", reference)
    found = {row[0]: row[2:] for row in rows(score, 0.25)}
    assert found["LAAL"][:2] == ("3.50 s", "4.00 s")
    assert found["acceptance"][0] == "50.0%" and found["forced"][0] == "1"
    assert found["before last word"][0] == "33.3%" and found["real-time factor"][0] == "0.25"
    assert found["chrF"][0] == "100.00" and "tok:13a" in found["BLEU"][2]
    assert all(signature for *_, signature in found.values())
    assert "Y=H" in found["AL"][2] and "n=2" in found["AL"][2]


def test_a_corpus_is_measured_in_words(tmp_path: Path) -> None:
    """Text has no computing time, no session's figures, and the reference's length."""
    score = score_log(corpus(tmp_path / "00_wait-k_k=2", lag=2), "de")
    found = {row[0]: row[2:] for row in rows(score)}
    assert found["LAAL"][:2] == ("2.00 words", "–") and found["BLEU"][0] == "100.00"
    assert "acceptance" not in found and "Y of the reference" in found["LAAL"][2]


def test_tiles_leave_out_what_was_not_measured(tmp_path: Path) -> None:
    """A figure that is not there has no tile."""
    shown = markup(tiles(score_log(journal(tmp_path / "talk.jsonl")), None))
    assert "lag (LAAL)" in shown and "BLEU" not in shown and "real-time" not in shown


def test_tables_have_heads(tmp_path: Path) -> None:
    """Every column has a heading and every row a name; logs lead to their sections."""
    scores = [score_log(journal(tmp_path / name)) for name in ("a.jsonl", "b.jsonl")]
    page = Page(markup(comparison(scores, [("log1", "first"), ("log2", "second")])))
    assert [a["href"] for a in page.named("a")] == ["#log1", "#log1", "#log2", "#log2"]
    links = [text for name, text in page.texts if name == "a"]
    assert links == ["first", "first + computing", "second", "second + computing"]
    cells = Page(markup(table(rows(scores[0]))))
    assert {a["scope"] for a in cells.named("th")} == {"col", "row"}
