"""`simulst evidence` from drafts to its table and its picture."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import pytest

from simulst import packs
from simulst.errors import ConfigError, DataError, ModelError, OutputError, SimulstError
from simulst.evaluate import evidence
from simulst.evaluate.evidence import HEADER, estimates
from simulst.evaluate.reliability import plot
from simulst.hindsight import Observation
from simulst.translate.storage import save_evidence, save_translator
from simulst.types import Draft, Score
from tests import fakes

DRAFT = Draft((5, 6), (2,), ("eins",), (math.log(0.5), math.log(0.8)), (1.0, 0.5))
VIEWS = (
    Score((math.log(0.25), math.log(0.9)), (7, 6), (2.0, 0.1), (0.3, 0.95)),
    Score((math.log(0.01), math.log(0.99)), (7, 6), (2.0, 0.1)),
)


def test_each_evidence_says_its_own() -> None:
    """Expectations of two tokens whose p, q, entropies and alpha are given."""
    found = {e.name: e for e in estimates([Observation(0, DRAFT, (0.2, 1.0), VIEWS)], learned=True)}
    for name, expected in {
        "S1 p/q": (0.5, 1.0),
        "S1 p^16/q": (0.02, 1.0),
        "S1 same best": (0.0, 1.0),
        "S3 learned": (0.3, 0.95),
        "entropy of q": (math.exp(-1), math.exp(-0.5)),
        "entropy of p": (math.exp(-2), math.exp(-0.1)),
        "q": (0.5, 0.8),
        "p": (0.25, 0.9),
    }.items():
        assert found[name].expected == pytest.approx(np.array(expected)), name


def test_tokens_that_are_never_judged_are_left_out() -> None:
    """Only tokens that have an alpha count; a second view is that of the verifier."""
    verifier = (Score((math.log(0.4),) * 2, (5, 6), (1.0, 1.0)),) * 2
    found = estimates([Observation(0, DRAFT, (0.2,), VIEWS + verifier)], learned=False)
    names = [e.name for e in found]
    assert all(len(e.expected) == 1 for e in found)
    assert "S3 learned" not in names
    assert found[names.index("S2 p/q")].expected == pytest.approx([0.8])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text, a pack with evidence and one that can be its verifier."""
    path = tmp_path_factory.mktemp("study")
    for name, seed in (("plain", 0), ("other", 1)):
        model = fakes.translator(seed)
        save_translator(path / name, model.model, model.vocabulary, "en", "de")
    head = fakes.expectant().evidence
    assert head is not None
    save_evidence(path / "learned", packs.open_pack(path / "plain"), head, {})
    lines = ("\t".join(fakes.SENTENCES[i : i + 2]) for i in (0, 2, 4))
    (path / "dev.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (path / "short.tsv").write_text("Yes.\tJa.\n", encoding="utf-8")
    return path


def run(*arguments: object) -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser()
    evidence.add_arguments(parser)
    return evidence.run(parser.parse_args([str(a) for a in arguments]))


def test_a_text_gives_table_and_picture(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All evidence has its row, and the signature says what was run."""
    text, out = folder / "dev.tsv", folder / "out"
    packs_ = ("--pack", folder / "learned", "--verifier", folder / "other")
    assert run(text, "--to", "de", *packs_, "--sharpness", "inf", "--limit", 2, "--out", out) == 0
    printed = capsys.readouterr().out
    for name in ("S1 p/q", "S1 p^16/q", "S2 p/q", "S3 learned", "entropy of p", "full source"):
        assert f"\n{name} " in printed
    assert "dev.tsv, first 2 sentences" in printed and "alpha by P's choice" in printed
    assert "translator learned; verifier other; P at full source learned" in printed
    table = (out / "evidence.md").read_text(encoding="utf-8").splitlines()
    assert table[0] == f"| {' | '.join(HEADER)} |"
    full = next(line for line in table if "full source |" in line).split(" | ")
    assert full[1] == "1.000"
    assert (out / "evidence.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_not_there_has_no_row(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a verifier there is no S2, without learned evidence for this L no S3."""
    run(folder / "dev.tsv", "--to", "de", "--pack", folder / "learned", "--lookback", 2)
    printed = capsys.readouterr().out
    assert "S1 p/q" in printed and "S2" not in printed and "S3" not in printed


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("dev.tsv", ("--k", "x"), ConfigError, "--k is 'x'"),
        ("dev.tsv", ("--limit", "-1"), ConfigError, "--limit is -1"),
        ("dev.tsv", ("--lookback", "-1"), ConfigError, "0 or more"),
        ("dev.tsv", ("--from", "fr"), ModelError, "not fr to de"),
        ("none.tsv", (), DataError, "none.tsv cannot be read"),
        ("short.tsv", (), DataError, "drafted before its end"),
        ("dev.tsv", ("--out", "dev.tsv/out"), OutputError, "cannot be written"),
    ],
)
def test_refusals(
    folder: Path, text: str, options: tuple[str, ...], error: type[SimulstError], message: str
) -> None:
    """What cannot be measured is told by one line."""
    if options[:1] == ("--out",):
        options = ("--out", str(folder / options[1]))
    with pytest.raises(error, match=message):
        run(folder / text, "--to", "de", "--pack", folder / "plain", *options)


def test_an_unwritable_picture_is_named(tmp_path: Path) -> None:
    """A folder that is not there is an OutputError with the path."""
    rows = {"a": np.array([0.0, 1.0])}
    with pytest.raises(OutputError, match=r"no/e\.png"):
        plot(tmp_path / "no" / "e.png", rows, np.array([0.0, 1.0]), title="t")
