"""`simulst evaluate` from its options to its files."""

from __future__ import annotations

import argparse
import builtins
from pathlib import Path
from typing import Any

import pytest

from simulst.errors import ConfigError, DataError, ModelError, SimulstError
from simulst.evaluate import command
from simulst.evaluate.logs import read_instances
from simulst.translate.storage import save_translator
from tests import fakes
from tests.evaluate.test_scoring import journal
from tests.evaluate.test_talk import times


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A translator pack of random weights."""
    folder = tmp_path_factory.mktemp("packs") / "random-en-de"
    translator = fakes.translator()
    save_translator(folder, translator.model, translator.vocabulary, "en", "de")
    return folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Three sentences with references."""
    lines = ("\t".join(fakes.SENTENCES[i : i + 2]) for i in (0, 2, 4))
    path = tmp_path / "dev.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(*arguments: object) -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(a) for a in arguments]))


def test_a_text_gives_table_logs_and_curve(
    pack: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every point has a row and a log of its own, and the signature says what was run."""
    out = tmp_path / "out"
    rules = ("--rule", "wait-k", "--sweep", "wait-k:k=1,3", "--sweep", "ratio:m=0.5")
    assert run(text, "--to", "de", "--pack", pack, *rules, "--out", out) == 0
    printed = capsys.readouterr().out
    assert printed.count("wait-k ") == 2 and printed.count("ratio ") == 1
    assert "pack random-en-de" in printed and "tok:13a" in printed
    logs = sorted(out.glob("*/instances.log"))
    assert [path.parent.name for path in logs] == [
        "00_wait-k_k=1",
        "01_wait-k_k=3",
        "02_ratio_k=2_6_L=1_q=1_M=0.5_sharpness=1",
    ]
    delays = [read_instances(path)[0].delays for path in logs]
    assert [d[0] for d in delays[:2]] == [1, 3]
    assert (out / "table.md").read_text(encoding="utf-8").startswith("| rule |")
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_logs_it_writes_score_the_same(
    pack: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scoring a written log gives the figures that were printed for its point."""
    run(text, "--to", "de", "--pack", pack, "--rule", "wait-k", "--out", tmp_path / "out")
    header, row = capsys.readouterr().out.splitlines()[:2]
    first = dict(zip(header.split(), row.split(), strict=False))
    (log,) = (tmp_path / "out").glob("*/instances.log")
    run(log, "--to", "de")
    header, row = capsys.readouterr().out.splitlines()[:2]
    again = dict(zip(header.split(), row.split(), strict=False))
    assert again["unit"] == "words"
    for name in ("BLEU", "chrF", "LAAL", "DAL", "ATD"):
        assert again[name] == first[name]


def test_the_limit_takes_the_first_sentences(
    pack: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--limit evaluates so many pairs and the signature says so."""
    run(text, "--to", "de", "--pack", pack, "--limit", 2, "--set", "accept.rule=wait-k")
    assert "dev.tsv, first 2 pairs" in capsys.readouterr().out


def test_a_glossary_is_written_and_named(
    pack: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its terms are in the log, the signature says which they were, broken lines are told."""
    terms = tmp_path / "terms.tsv"
    terms.write_text("friend\tBusenfreund\nroad\n")
    options = ("--to", "de", "--pack", pack, "--rule", "wait-k", "--glossary", terms)
    run(text, *options, "--out", tmp_path / "out")
    printed = capsys.readouterr()
    assert "pack random-en-de with terms.tsv (1 terms, " in printed.out
    assert printed.err.startswith(f"simulst: {terms}, line 2: ")
    (log,) = (tmp_path / "out").glob("*/instances.log")
    found = ["Busenfreund" in each.prediction for each in read_instances(log)]
    assert found == [False, True, False]


def test_without_matplotlib_the_figures_are_still_written(
    pack: Path,
    text: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The missing extra is named, and costs only the picture."""
    load = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return load(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    run(text, "--to", "de", "--pack", pack, "--rule", "wait-k", "--out", tmp_path / "out")
    assert "pip install simulst[plot]" in capsys.readouterr().err
    assert (tmp_path / "out" / "table.md").exists()
    assert not (tmp_path / "out" / "curve.png").exists()


def test_a_session_with_times_has_scores_of_the_whole_talk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second table, and beside the sentences' log one of the talk that other scorers take."""
    (tmp_path / "ref").write_text("ja gut\nnein\n", encoding="utf-8")
    given = ("--reference", tmp_path / "ref", "--segments", times(tmp_path / "times.json"))
    assert run(journal(tmp_path / "talk.jsonl"), *given, "--out", tmp_path / "out") == 0
    shown = capsys.readouterr().out
    assert "LongYAAL" in shown and "StreamLAAL cut by" in shown
    assert "LongYAAL" in (tmp_path / "out" / "table.md").read_text(encoding="utf-8")
    (found,) = read_instances(tmp_path / "out" / "00_talk.jsonl_talk" / "instances.log")
    assert (found.source, found.delays) == ("a.wav", (2000, 3000, 7000))
    config = tmp_path / "out" / "00_talk.jsonl_talk" / "config.yaml"
    assert config.read_text(encoding="utf-8").startswith("source_type: speech")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (("dev.tsv",), ConfigError, "--to is missing"),
        (("dev.tsv", "--to", "de", "--limit", "-1"), ConfigError, "neither may be below 0"),
        (("dev.tsv", "more.tsv", "--to", "de"), ConfigError, "2 inputs"),
        (("dev.tsv", "--to", "de", "--reference", "r.txt"), ConfigError, "brings its own"),
        (("dev.tsv", "--to", "de", "--segments", "s.json"), ConfigError, "brings its own"),
        (("a.log", "--segments", "s.json"), ConfigError, "give it with --reference"),
        (("a.log", "--sweep", "k=1", "--limit", "3"), ConfigError, "--sweep, --limit: logs"),
        (("none.log",), DataError, "none.log cannot be read"),
        (("none.tsv", "--to", "de"), DataError, "none.tsv cannot be read"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: tuple[str, ...], error: type[SimulstError], message: str, tmp_path: Path
) -> None:
    """Each mistake is told before anything is loaded."""
    inputs = [tmp_path / o if "." in o and not o.startswith("-") else o for o in options]
    with pytest.raises(error, match=message):
        run(*inputs)


def test_a_pack_of_another_language_is_refused(pack: Path, text: Path) -> None:
    """The pack must translate into the language that is asked for."""
    with pytest.raises(ModelError, match="not en to fr"):
        run(text, "--to", "fr", "--pack", pack)
