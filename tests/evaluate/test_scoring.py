"""Scoring of logs: SimulEval's and simulst's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulst.emit.jsonl import Journal
from simulst.errors import ConfigError, DataError
from simulst.evaluate.logs import Instance, write_instances
from simulst.evaluate.scoring import HEADER, LogScore, cells, is_journal, read_journal, score_log
from simulst.types import Emission, Reason, SentenceEnd, Update, Verdict, Word

S = 16_000
TEXT = [
    Instance(0, "ein Hund bellt", (2, 3, 3), (), "ein Hund bellt", "a dog barks", 3),
    Instance(1, "", (), (), "ja gut", "yes good", 2),
]


def row(score: LogScore, number: int = 0) -> dict[str, str]:
    """One row of the table by heading."""
    return dict(zip(HEADER, cells(score)[number], strict=True))


def journal(path: Path, units: tuple[str, ...] = ("ja", "gut", "nein"), space: str = " ") -> Path:
    """Two sentences from 1 s and from 5 s on; three units at 2, 3 and 7 s."""
    sink = Journal(path, {"target": "de" if space else "zh", "rule": "ratio", "k_min": 2})
    words = (Word("yes", S, 2 * S), Word("good", 2 * S, 3 * S))

    def written(index: int, sentence: int, read: int, delay: int) -> Emission:
        return Emission(
            *(index, sentence, units[index], space if index else "", read, delay * S, 0),
            Reason.FORCED if index == 1 else Reason.RATIO,
            delay * S + S // 2,
        )

    sink.write(
        Update(
            2 * S,
            words[:1],
            (written(0, 0, 1, 2),),
            (
                Verdict(0, 0, 5, 1, 0.5, 0.5, 1.0, 0.5, True, Reason.RATIO),
                Verdict(0, 1, 6, 1, 0.1, 0.5, 0.2, 0.5, False, Reason.RATIO),
            ),
        )
    )
    sink.write(Update(3 * S, (words[1], SentenceEnd(3 * S)), (written(1, 0, 2, 3),)))
    sink.write(
        Update(7 * S, (Word("no", 5 * S, 6 * S), SentenceEnd(6 * S)), (written(2, 1, 1, 7),))
    )
    sink.write(Update(7 * S, ended=True))
    sink.summarise({"words": 3})
    sink.close()
    return path


def test_a_journal_becomes_sentences_with_delays_of_their_own(tmp_path: Path) -> None:
    """Delays and lengths are milliseconds from the start of each sentence's first word."""
    (first, second), summary = read_journal(journal(tmp_path / "talk.jsonl"))
    assert (first.source, first.prediction) == ("yes good", "ja gut")
    assert (first.delays, first.elapsed, first.source_length) == ((1000, 2000), (1500, 2500), 2000)
    assert (second.delays, second.source_length) == ((2000,), 1000)
    assert (summary.acceptance, summary.forced, summary.sentences) == (0.5, 1, 2)


def test_journals_are_told_from_instances(tmp_path: Path) -> None:
    """The first line decides what a log is."""
    write_instances(tmp_path / "instances.log", TEXT)
    assert is_journal(journal(tmp_path / "talk.jsonl"))
    assert not is_journal(tmp_path / "instances.log")
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="empty.jsonl is empty"):
        is_journal(tmp_path / "empty.jsonl")


def test_a_session_is_scored_as_one_document(tmp_path: Path) -> None:
    """The reference may be cut into other sentences than the recogniser heard."""
    (tmp_path / "ref.txt").write_text("ja\ngut nein\n\n", encoding="utf-8")
    score = score_log(journal(tmp_path / "talk.jsonl"), reference=tmp_path / "ref.txt")
    assert score.quality is not None
    assert score.quality.chrf == pytest.approx(100)


def test_a_session_has_latency_without_a_reference(tmp_path: Path) -> None:
    """Without a reference there is no BLEU, but latency, acceptance and forced writes."""
    score = score_log(journal(tmp_path / "talk.jsonl"))
    ideal, computing = row(score), row(score, 1)
    # (1000 + (2000 - 1000)) / 2 = 1000 and 2000
    assert (ideal["BLEU"], ideal["LAAL"], ideal["unit"]) == ("–", "1500", "ms")
    assert (ideal["accepted"], ideal["forced"]) == ("0.500", "1")
    assert computing["log"] == "talk.jsonl + computing"
    # (1500 + (2500 - 1000)) / 2 = 1500 and 2500
    assert computing["LAAL"] == "2000"


def test_a_journal_without_spaces_is_scored_in_characters(tmp_path: Path) -> None:
    """Units joined by nothing are cut into characters, each with its delay."""
    (first, second), _ = read_journal(journal(tmp_path / "zh.jsonl", ("是", "很好", "不"), ""))
    assert (first.prediction, first.delays) == ("是很好", (1000, 2000, 2000))
    assert first.character and second.character


def test_chinese_is_scored_by_characters(tmp_path: Path) -> None:
    """BLEU of a Chinese journal is of its characters, and its signature says so."""
    (tmp_path / "ref.txt").write_text("是很好\n不\n", encoding="utf-8")
    log = journal(tmp_path / "zh.jsonl", ("是", "很好", "不"), "")
    score = score_log(log, reference=tmp_path / "ref.txt")
    assert score.quality is not None and score.summary is not None
    assert score.quality.bleu == pytest.approx(100) and "tok:zh" in score.quality.bleu_signature
    assert score.quality.chrf == pytest.approx(100)
    assert (score.summary.words, score.summary.character) == (4, True)
    # the first: (1000 + (2000 - 2000 / 3)) / 2; the second: 2000
    assert score.latency is not None
    assert score.latency.laal == pytest.approx(((1000 + 2000 - 2000 / 3) / 2 + 2000) / 2)
    assert score.summary.laal_ms == pytest.approx(score.latency.laal)


def test_the_language_of_a_journal_is_its_own(tmp_path: Path) -> None:
    """--to may repeat the journal's target language but not contradict it."""
    path = journal(tmp_path / "talk.jsonl")
    assert score_log(path, "de").latency is not None
    with pytest.raises(ConfigError, match="translated into de, --to is fr"):
        score_log(path, "fr")


def test_instances_are_scored_line_by_line(tmp_path: Path) -> None:
    """A SimulEval log is scored with its references; empty translations are skipped by latency."""
    path = tmp_path / "instances.log"
    write_instances(path, TEXT)
    score = score_log(path, "de")
    assert score.quality is not None and score.latency is not None
    assert (score.speech, score.latency.sentences, score.latency.skipped) == (False, 1, 1)
    assert score.quality.bleu < 100
    assert len(cells(score)) == 1


def test_logs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    """SimulEval calls every log instances.log; the table shows the folder instead."""
    (tmp_path / "wait-3").mkdir()
    path = tmp_path / "wait-3" / "instances.log"
    write_instances(path, TEXT)
    assert row(score_log(path, "de"))["log"] == "wait-3"
    assert row(score_log(journal(tmp_path / "talk.jsonl")))["log"] == "talk.jsonl"


def test_another_reference_may_be_given_line_by_line(tmp_path: Path) -> None:
    """A reference file replaces the references of the log and must have as many lines."""
    path, reference = tmp_path / "instances.log", tmp_path / "ref.txt"
    write_instances(path, TEXT[:1])
    reference.write_text("eine Katze miaut laut\n", encoding="utf-8")
    score = score_log(path, "de", reference)
    assert score.quality is not None and score.quality.bleu < 50
    reference.write_text("eins\nzwei\n", encoding="utf-8")
    with pytest.raises(DataError, match="1 instances, the reference 2 lines"):
        score_log(path, "de", reference)


def test_characters_need_the_language_for_their_tokens(tmp_path: Path) -> None:
    """BLEU of an instance log in characters is not computed without a language."""
    path = tmp_path / "instances.log"
    write_instances(path, [Instance(0, "今天好", (1, 1, 2), (), "今天好", "a b", 2, True)])
    with pytest.raises(ConfigError, match="--to zh"):
        score_log(path)
    assert score_log(path, "zh").quality is not None


def test_a_journal_that_contradicts_itself_is_damaged(tmp_path: Path) -> None:
    """An emission for a sentence that has not begun is an error, not a crash."""
    path = journal(tmp_path / "talk.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    update = json.loads(lines[1])
    update["emissions"][0]["sentence"] = 5
    path.write_text("\n".join([lines[0], json.dumps(update)]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="belongs to sentence 5"):
        read_journal(path)


def test_a_journal_of_silence_is_an_error(tmp_path: Path) -> None:
    """A session in which nothing was heard cannot be scored."""
    sink = Journal(tmp_path / "silence.jsonl", {"target": "de"})
    sink.write(Update(S, ended=True))
    sink.close()
    with pytest.raises(DataError, match="nothing was heard"):
        read_journal(tmp_path / "silence.jsonl")


def test_an_empty_reference_is_an_error(tmp_path: Path) -> None:
    """A reference without text is told by name."""
    (tmp_path / "ref.txt").write_text("\n \n", encoding="utf-8")
    with pytest.raises(DataError, match="ref.txt holds no reference"):
        score_log(journal(tmp_path / "talk.jsonl"), reference=tmp_path / "ref.txt")
