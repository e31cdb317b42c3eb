"""`simulst evaluate` from sound, from its options to its files."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from simulst.asr import forced
from simulst.cli import main
from simulst.errors import DataError
from simulst.evaluate.scoring import read_journal
from simulst.report.inputs import find_logs
from simulst.types import SAMPLE_RATE, Samples, Word
from tests.rehearsal.conftest import script, write_talk

DEMO = Path(__file__).parents[2] / "demos" / "talk"


class ScriptedAligner:
    """Knows when the words of the script were spoken; other text it cannot find."""

    def align(self, sentences: list[str], samples: Samples) -> list[tuple[Word, ...]]:
        found = [tuple(words) for words in script()]
        if [" ".join(word.text for word in words) for words in found] != sentences:
            raise DataError("the words cannot be found in the sound.")
        return found


@pytest.fixture(autouse=True)
def aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The script in place of PocketSphinx."""
    monkeypatch.setattr(forced, "open_aligner", lambda language: ScriptedAligner())


def evaluate(*words: object) -> int:
    """The command line."""
    return main(["evaluate", *map(str, words)])


def table(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a written table, by their first cell."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


@pytest.mark.usefixtures("opened")
def test_what_is_lost_by_listening_is_told_from_what_is_lost_by_streaming(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One table of three lines; the journals of two are written where a report finds them."""
    out = tmp_path / "out"
    assert evaluate(talk, "--to", "de", "--out", out, "--set", "accept.k_min=1") == 0
    rows = table(out / "table.md")
    assert list(rows) == ["heard", "gold words", "gold text, whole sentences"]
    heard, gold, whole = rows.values()
    assert (heard["WER"], gold["WER"], whole["WER"]) == ("0.222", "0.000", "–")
    assert float(heard["BLEU"]) < float(gold["BLEU"]) == float(whole["BLEU"])
    for row in (heard, gold):
        assert min(float(row["LAAL"]), float(row["StreamLAAL"])) > 0
    assert whole["LAAL"] == whole["StreamLAAL"] == "–"
    shown = capsys.readouterr().out
    assert "lost by listening: " in shown and "by streaming: 0.0 BLEU, 0.0 chrF" in shown
    assert "one, talks: 1" in shown and "tok:13a" in shown
    logs = find_logs([out])
    assert [log.parent.name for log in logs] == ["one_gold", "one_heard"]
    assert [i.prediction for i in read_journal(logs[0])[0]] == [
        "THE HOUSE STANDS HERE.",
        "WE ALL MEET AGAIN TOMORROW.",
    ]


@pytest.mark.usefixtures("opened")
def test_talks_have_lines_of_their_own_and_together(talk: Path, tmp_path: Path) -> None:
    """A talk whose words cannot be found lacks one line, and so does the sum."""
    (write_talk(talk.parent / "two") / "transcript.en.txt").write_text("Other.\nText.")
    out = tmp_path / "out"
    assert evaluate(talk.parent, "--to", "de", "--out", out) == 0
    rows = table(out / "table.md")
    both = ["heard", "gold text, whole sentences"]
    names = [f"one: {n}" for n in (both[0], "gold words", both[1])]
    assert list(rows) == names + [f"{who}: {n}" for who in ("two", "all") for n in both]
    assert int(rows["all: heard"]["sentences"]) == 2 * int(rows["one: heard"]["sentences"])
    assert not (out / "two_gold").exists()
    assert evaluate(talk.parent, "--to", "de", "--limit", 1, "--out", out) == 0
    assert "gold words" in table(out / "table.md")


@pytest.mark.usefixtures("opened")
def test_a_talk_that_cannot_be_aligned_is_named(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The warning names the recording."""
    (talk / "transcript.en.txt").write_text("Other.\nText.")
    assert evaluate(talk, "--to", "de") == 0
    shown = capsys.readouterr()
    assert f"{talk / 'audio.wav'}: the words cannot be found" in shown.err
    assert "gold words" not in shown.out.split("\n\n")[0]


@pytest.mark.usefixtures("opened")
def test_without_pocketsphinx_a_line_is_left_out(
    talk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says so, and the others are measured."""
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    from simulst.config import Config
    from tests.rehearsal.conftest import shouting_lines

    lines = shouting_lines(Config(), [word for sentence in script() for word in sentence])
    monkeypatch.setattr("simulst.rehearsal.lines.open_lines", lambda config, target: lines)
    assert evaluate(talk, "--to", "de") == 0
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert "pip install" in line and line.endswith("the line of gold words is left out")
    assert [row.split("  ")[0] for row in shown.out.splitlines()[1:3]] == [
        "heard",
        "gold text, whole sentences",
    ]


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
def test_text_is_read_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], opened: Callable[[list[Word]], None]
) -> None:
    """Each sentence is a talk; one that cannot be aligned is timed by its letters."""
    opened([])
    text = tmp_path / "dev.tsv"
    text.write_text("Good morning.\tGOOD MORNING.\nNo.\tNO.\nNever.\tNEVER.\n")
    out = tmp_path / "out"
    given = ("--to", "de", "--voice", "slt", "--limit", 2, "--out", out)
    assert evaluate(text, *given) == 0
    rows = table(out / "table.md")
    assert list(rows) == ["heard", "gold words", "gold text, whole sentences"]
    assert (rows["heard"]["WER"], rows["heard"]["empty"]) == ("1.000", "2")
    assert (rows["gold words"]["WER"], rows["gold words"]["chrF"]) == ("0.000", "100.00")
    shown = capsys.readouterr()
    assert "sentence 0001, 'Good morning.': its words are timed by their letters" in shown.err
    assert "dev.tsv, first 2 sentences read by slt" in shown.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("talks", "--rule", "wait-k", "--to", "de"), "--rule does not go with sound: set accept."),
        (("talks", "--sweep", "k=1", "--to", "de"), "--sweep does not go with sound"),
        (("talks", "--reference", "r.txt", "--to", "de"), "--reference does not go with sound"),
        (("talks", "--segments", "s.json", "--to", "de"), "--segments does not go with sound"),
        (("talks",), "name one target language"),
        (("talks", "--to", "de,fr"), "name one target language"),
        (("talks", "talks", "--to", "de"), "give one folder or one text"),
        (("talks", "--voice", "slt", "--to", "de"), "is a folder"),
        (("a.jsonl", "--voice", "slt", "--to", "de"), "not a.jsonl"),
        (("talks", "--to", "de", "--limit", "-1"), "neither may be below 0"),
        (("dev.tsv", "--to", "de", "--voice", "hal"), "no voice 'hal'"),
        (("dev.tsv", "--to", "de", "--voice", "slt", "--set", "asr.language=fr"), "speaks English"),
        (("talks", "--to", "fr"), "reference.fr.txt is missing"),
        (("talks", "--to", "de", "--set", "asr.language=it"), "transcript.it.txt is missing"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    talk: Path, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each mistake is told before anything is loaded."""
    (talk.parent / "dev.tsv").write_text("Yes.\tJa.\n")
    known = {"talks": talk.parent, "dev.tsv": talk.parent / "dev.tsv"}
    assert evaluate(*(known.get(option, option) for option in options)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None,
    reason='needs pip install "simulst[pocketsphinx]"',
)
def test_the_sample_talk_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the packs that ship, the first two sentences: gold words are all of them."""
    monkeypatch.undo()
    talk = tmp_path / "talk"
    talk.mkdir()
    samples, rate = soundfile.read(DEMO / "audio.flac", dtype="float32")
    soundfile.write(talk / "audio.flac", samples[: round(7.5 * SAMPLE_RATE)], rate)
    for name in ("transcript.en.txt", "reference.de.txt"):
        lines = (DEMO / name).read_text(encoding="utf-8").splitlines()[:2]
        (talk / name).write_text("\n".join(lines), encoding="utf-8")
    assert evaluate(talk, "--to", "de", "--out", tmp_path / "out") == 0
    heard, gold, whole = table(tmp_path / "out" / "table.md").values()
    assert gold["WER"] == "0.000" and float(heard["WER"]) < 0.6
    assert gold["sentences"] == "2" and float(whole["chrF"]) > 30
    assert all(float(row["LAAL"]) <= float(row["LAAL + computing"]) for row in (heard, gold))
