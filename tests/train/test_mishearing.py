"""Mishearing: sources become what a listener wrote, and hopeless ones are left out."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from simulst.corpus import Pair, read_pairs
from simulst.errors import ConfigError
from simulst.train import mishearing
from simulst.train.mishearing import Ear
from simulst.train.rewriting import rewrite
from simulst.types import Window, Word

PAIRS = [
    Pair("The children are playing in the garden behind the house.", "Die Kinder spielen."),
    Pair("Where is the station?", "Wo ist der Bahnhof?"),
    Pair("We have not seen the letter yet.", "Wir haben den Brief noch nicht gesehen."),
]
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


class Parrot:
    """A listener that writes what it is told to, whatever was said."""

    languages: tuple[str, ...] = ("en",)

    def __init__(self, text: str) -> None:
        self._text = text

    def transcribe(self, windows: Sequence[Window]) -> list[tuple[Word, ...]]:
        """The same words for every window that has sound in it."""
        words = self._text.split()
        return [
            tuple(Word(word, 0, 1, 1.0) for word in words) if abs(w.audio.samples).max() else ()
            for w in windows
        ]


def heard(text: str, tmp_path: Path, most_errors: float = 0.5) -> str:
    """What is kept of 'Where is the station?' when the listener writes `text`."""
    return Ear("", ("slt",), 1, most_errors).hear(Parrot(text), PAIRS[1].source, tmp_path)


@needs_flite
def test_what_was_heard_is_kept_up_to_a_bound(tmp_path: Path) -> None:
    """Two wrong words in four are borne by a bound of one half, three are not."""
    assert heard("where is a nation", tmp_path) == "where is a nation"
    assert heard("where was a nation", tmp_path) == ""
    assert heard("where was a nation", tmp_path, most_errors=0.8) == "where was a nation"
    assert heard("", tmp_path, most_errors=9) == ""


@needs_flite
def test_the_command_hears_with_the_pack_and_goes_on(tmp_path: Path) -> None:
    """The shipped listener hears the sentences; a run that was cut off ends with the same file."""
    data, out = tmp_path / "data.tsv", tmp_path / "heard.tsv"
    data.write_text("".join(f"{p.source}\t{p.target}\n" for p in PAIRS), encoding="utf-8")
    parser = argparse.ArgumentParser()
    mishearing.add_arguments(parser)
    line = f"--data {data} --voices slt --most-errors 0.9 --out {out}"
    assert mishearing.run(parser.parse_args(line.split())) == 0
    pairs = read_pairs(out, ["pairs-misheard"])
    assert {pair.target for pair in pairs} <= {pair.target for pair in PAIRS}
    words = [word.strip(".,?").lower() for pair in pairs for word in pair.source.split()]
    assert len({"children", "garden", "house", "station", "letter"} & set(words)) >= 2
    whole = out.read_bytes()
    out.write_bytes(whole[:-9])
    assert mishearing.run(parser.parse_args(line.split())) == 0
    assert out.read_bytes() == whole
    for bad in ("--processes 0", "--pairs -1", "--voices nobody"):
        with pytest.raises(ConfigError):
            mishearing.run(parser.parse_args([*line.split(), *bad.split()]))


def test_a_side_is_written_anew(tmp_path: Path) -> None:
    """New sources stand before the old targets; an empty one keeps its line."""
    out = tmp_path / "new.tsv"
    changed = ["one", "", "three"]
    rewrite(PAIRS, "source", lambda some: changed, out, lambda done: None, kind="new")
    lines = [line.split("\t") for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line[2:] for line in lines] == [
        [text, pair.target] for text, pair in zip(changed, PAIRS, strict=True)
    ]
    assert len(read_pairs(out)) == 2
