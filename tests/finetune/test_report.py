"""The report: figures that add up, pictures where matplotlib is, and none made up."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from simulst.corpus import Pair
from simulst.errors import OutputError
from simulst.finetune import report
from simulst.finetune.gain import measure
from simulst.finetune.options import HeldOut
from simulst.finetune.report import Chapter, Story
from simulst.rsft.figures import read_figures
from simulst.rsft.jobs import summary
from tests.fakes import SENTENCES
from tests.finetune.conftest import simulst, words

DEV = tuple(Pair(*SENTENCES[i : i + 2]) for i in (0, 2, 4))
SCORES = ((0, 1.5), (2, 2.25), (4, 2.0))


@pytest.fixture
def story(folder: Path) -> Story:
    """A finished round."""
    more = ("--teacher", str(folder / "teacher"), "--temperatures", "0.5,1")
    simulst(*words(folder, *more))
    held_out = HeldOut(DEV, ())
    chapter = Chapter(folder / "mine-work" / "round-1", SCORES, SCORES[1])
    return Story(str(folder / "policy"), str(folder / "teacher"), held_out, (1, 3), (chapter,))


def rows_of(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table after a heading."""
    lines = text[text.index(heading) :].splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("| :--"))
    table = []
    for line in lines[first + 1 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def test_figures_are_those_of_the_stages(folder: Path, story: Story) -> None:
    """What is counted by lag and temperature adds up to what the accept stage says."""
    [chapter] = story.chapters
    figures = read_figures(chapter.folder / "samples.jsonl", chapter.folder / "accepted.jsonl")
    expected = summary(chapter.folder / "accepted.jsonl")
    total = figures.total
    for name in ("drawn", "passed_whole", "judged", "passed", "kept"):
        assert getattr(total, name) == expected[name]
    assert figures.tokens == expected["tokens"] and figures.targets == expected["kept"]
    assert total.mean_ratio == pytest.approx(expected["mean_ratio"])
    assert set(figures.tallies) == {(lag, warmth) for lag in (1, 2) for warmth in (0.5, 1.0)}
    tested = [sum(row[0] for row in rows) for rows in figures.positions.values()]
    assert sum(tested) == total.judged
    assert 0 < figures.unique[None, None] <= total.drawn == 6
    assert figures.distinct[None, None] == expected["distinct"]


def test_the_report_tells_what_happened(folder: Path, story: Story) -> None:
    """Curves before and after, dev BLEU by step, every proposal; and what dev cannot tell."""
    report.write(folder / "report", story, str(folder / "mine"))
    text = (folder / "report" / "report.md").read_text()
    gain = measure(story.before, str(folder / "mine"), DEV, (1, 3))
    gained = rows_of(text, "## What was gained")
    assert [row[0] for row in gained] == ["1", "3"]
    assert [row[2] for row in gained] == [f"{point.bleu:.2f}" for point in gain.before]
    assert [row[5] for row in gained] == [f"{point.bleu:.2f}" for point in gain.after]
    assert "measure a text given with --test before you believe it" in text
    assert [row[1:] for row in rows_of(text, "## What was learnt")] == [
        [str(step), f"{score:.2f}"] for step, score in SCORES
    ]
    proposals = rows_of(text, "## Round 1")
    names = [row[0] for row in proposals]
    assert names[0] == "k 1, temperature 0.5" and names[-1] == "all"
    assert {"k 1", "k 2", "temperature 0.5", "temperature 1"} <= set(names)
    assert sum(int(row[1]) for row in proposals[:4]) == int(proposals[-1][1]) == 6
    assert 'There are no pictures: matplotlib is not installed; pip install "simulst[plot]"' in text
    assert not list((folder / "report").glob("*.png"))


def test_without_anything_to_judge(folder: Path, story: Story) -> None:
    """Without dev and test text the report says that the gain was not measured."""
    [chapter] = story.chapters
    bare = Story(story.before, "", HeldOut((), ()), (1,), (Chapter(chapter.folder),))
    report.write(folder / "report", bare, str(folder / "mine"))
    text = (folder / "report" / "report.md").read_text()
    assert "It was not measured" in text and "What was learnt" not in text


def test_the_last_weights_were_not_chosen(folder: Path, story: Story) -> None:
    """With `--last` the dev text chose nothing, and may judge."""
    last = replace(story.chapters[0], best=SCORES[-1], chosen=False)
    report.write(folder / "report", replace(story, chapters=(last,)), str(folder / "mine"))
    assert "before you believe it" not in (folder / "report" / "report.md").read_text()


def test_a_test_text_judges_alone(folder: Path, story: Story) -> None:
    """With test text the curves are of it, and the warning is gone."""
    tested = Story(story.before, "", HeldOut(DEV[:2], DEV[2:]), (1,), story.chapters)
    report.write(folder / "report", tested, str(folder / "mine"))
    text = (folder / "report" / "report.md").read_text()
    assert "1 sentences of test text" in text and "before you believe it" not in text


def test_pictures(folder: Path, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where matplotlib is installed every picture is drawn and shown."""
    pytest.importorskip("matplotlib")
    monkeypatch.delitem(sys.modules, "matplotlib.figure")
    report.write(folder / "report", story, str(folder / "mine"))
    text = (folder / "report" / "report.md").read_text()
    pictures = sorted(path.name for path in (folder / "report").glob("*.png"))
    assert pictures == [
        *("curve.png", "learning.png", "round-1-positions.png", "round-1-proposals.png")
    ]
    assert all(f"]({name})" in text for name in pictures)
    assert all((folder / "report" / name).read_bytes()[:4] == b"\x89PNG" for name in pictures)


def test_a_folder_that_cannot_be(folder: Path, story: Story) -> None:
    """A file in the way is named."""
    (folder / "report").write_text("in the way")
    with pytest.raises(OutputError, match="report cannot be made: File exists"):
        report.write(folder / "report", story, "")
