"""Figures of the lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst.emit.jsonl import Journal
from simulst.rehearsal.scores import HEADER, Heard, cells, losses, read_heard, row, word_error_rate
from simulst.types import Update
from tests.evaluate.test_scoring import journal


def test_word_errors_know_no_case_and_no_marks() -> None:
    """Marks inside words part them, apostrophes do not; errors are counted over all words."""
    said = ["Don’t stop – self-government!", "Ça va? In 1935."]
    assert word_error_rate(said, ["don't STOP self government", "ça va in 1935"]) == 0
    assert word_error_rate(said, ["do stop self government", ""]) == pytest.approx(5 / 8)


def test_a_journal_is_scored_against_its_talk(tmp_path: Path) -> None:
    """Words, text, sentences as they were heard and as they were said."""
    path = journal(tmp_path / "session.jsonl")
    heard = read_heard(path, "Yes, good. No.", ["ja gut", "nein"], [(1000, 2000), (5000, 1000)])
    assert heard.words == "yes good no" and heard.text == "ja gut nein"
    found = row("heard", [heard], "de")
    assert found.wer == 0 and found.quality.chrf == 100
    # LAAL: (1000 + 2000 - 1000) / 2 of the first, 2000 of the second; half a second of computing
    assert (found.laal, found.laal_ca) == (1500, 2000)
    assert (found.stream, found.stream_ca) == (1500, 2000)
    assert found.sentences == 2 and found.empty == 0
    shown = dict(zip(HEADER, cells(found), strict=True))
    assert (shown["WER"], shown["LAAL"], shown["StreamLAAL"]) == ("0.000", "1500", "1500")


def test_a_talk_of_which_nothing_was_heard_counts(tmp_path: Path) -> None:
    """All its words are errors, its translation is empty, and it has no latency."""
    sink = Journal(tmp_path / "session.jsonl", {"target": "de"})
    sink.write(Update(16_000, ended=True))
    sink.close()
    deaf = read_heard(tmp_path / "session.jsonl", "Yes, good. No.", ["ja gut nein"], [(0, 900)])
    good = read_heard(
        journal(tmp_path / "other.jsonl"), "Yes, good. No.", ["ja gut nein"], [(1000, 5000)]
    )
    alone, both = row("heard", [deaf], "de"), row("heard", [deaf, good], "de")
    assert (alone.wer, alone.laal, alone.stream, alone.empty) == (1, None, None, 1)
    assert (both.wer, both.empty, both.sentences) == (0.5, 1, 2)
    assert both.laal == row("heard", [good], "de").laal
    assert both.quality.chrf < row("heard", [good], "de").quality.chrf == 100


def test_losses_are_differences_of_the_lines() -> None:
    """Listening: from gold words to what was heard; streaming: from whole sentences to these."""
    texts = ("ja", "ja gut nein", "ja gut nein doch")
    rows = [row("", [Heard("", "ja gut nein doch", text)], "de") for text in texts]
    listening = rows[1].quality.chrf - rows[0].quality.chrf
    streaming = 100 - rows[1].quality.chrf
    line = losses(*rows)
    assert f"{listening:.1f} chrF; by streaming" in line and f"{streaming:.1f} chrF" in line
    assert min(listening, streaming) > 5
