"""Tiny packs and a talk for the commands, and a process that can be killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulst import cli
from simulst.translate.storage import save_translator
from tests.fakes import SENTENCES, translator


@pytest.fixture(autouse=True)
def short_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights seldom end a word by themselves."""
    monkeypatch.setattr("simulst.translate.rows.LONGEST_UNIT", 2)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than all else; the tests of the pictures take this back."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy, teachers, a talk and dev text."""
    for name, model in (
        ("policy", translator()),
        ("teacher", translator(3, bidirectional=True)),
        ("stranger", translator(1, "character")),
    ):
        save_translator(
            tmp_path / name, model.model, model.vocabulary, "en", "de", {"license": "CC0"}
        )
    talk = tmp_path / "talks" / "one"
    talk.mkdir(parents=True)
    (talk / "transcript.en.txt").write_text("\n".join(SENTENCES[::2]))
    (talk / "reference.de.txt").write_text("\n".join(SENTENCES[1::2]))
    (tmp_path / "dev.tsv").write_text("The old road.\tDie alte Straße.\n")
    return tmp_path


def words(folder: Path, *more: str, out: str = "mine") -> list[str]:
    """`simulst finetune` on the talks of the folder, as a command line."""
    return [
        *("finetune", str(folder / "talks"), "--pack", str(folder / "policy")),
        *("--out", str(folder / out), "--drafts", "2", "--lags", "1,2", "--temperatures", "0.5"),
        *("--steps", "4", "--tokens", "20", "--no-gates", "--join", "0", *more),
    ]


def simulst(*line: str) -> None:
    """Run a command; its errors are raised and not printed."""
    parsed = cli._parser(list(line)).parse_args(list(line))
    assert parsed.run(parsed) == 0


def in_a_child(act: Callable[[], None]) -> int:
    """Run something in a process of its own; its exit status, negative after a signal."""
    child = os.fork()
    if child == 0:
        try:
            act()
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def die() -> None:
    """As if the power went."""
    os.kill(os.getpid(), signal.SIGKILL)
