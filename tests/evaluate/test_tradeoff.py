"""Curves at equal latency: the figures are sacrebleu's, and a difference is found or is not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from simulst.cli import main
from simulst.errors import ConfigError, DataError
from simulst.evaluate.logs import Instance, write_instances
from simulst.evaluate.quality import score
from simulst.evaluate.tradeoff import Curve, compare_curves, curve_of, latencies

WORDS = ["der", "die", "das", "Haus", "steht", "am", "Ende"]
REFERENCES = [" ".join(random.Random(f"reference {i}").choices(WORDS, k=9)) for i in range(120)]


def log(k: int, wrong: float, seed: int = 0) -> list[Instance]:
    """Translations under wait-k of which a share of the words is wrong."""
    found = []
    for index, reference in enumerate(REFERENCES):
        dice = random.Random(f"{seed}/{index}")
        words = [word if dice.random() >= wrong else "falsch" for word in reference.split()]
        delays = tuple(float(min(k + t, 9)) for t in range(len(words)))
        source = " ".join(["word"] * 9)
        found.append(Instance(index, " ".join(words), delays, (), reference, source, 9.0))
    return found


def curve(name: str, wrong: Sequence[float], seeds: Sequence[int] = (0,)) -> Curve:
    """A curve at k = 1, 3, 5."""
    runs = [[log(k, w, seed) for k, w in zip((1, 3, 5), wrong, strict=True)] for seed in seeds]
    return curve_of(name, runs, "de")


def test_points_are_sacrebleus() -> None:
    """BLEU from added-up counts is sacrebleu's corpus BLEU, also where no 4-gram is right."""
    for wrong in (0.1, 0.5, 0.9):
        lags, scores = curve("x", (wrong,) * 3).points()
        texts = [instance.prediction for instance in log(1, wrong)]
        assert scores[0, 0] == pytest.approx([score(texts, REFERENCES, "de").bleu] * 3, abs=1e-6)
        assert lags[0, 0] == pytest.approx([1.0, 3.0, 5.0])


def test_between_points_it_is_interpolated() -> None:
    """At a LAAL of 2 the BLEU lies half-way between those at 1 and 3."""
    found = curve("x", (0.5, 0.3, 0.1))
    scores = found.points()[1][0, 0]
    assert found.at(2.0)[0] == pytest.approx((scores[0] + scores[1]) / 2)


def test_a_difference_is_found_and_a_tie_is_not() -> None:
    """A curve with fewer errors is better with a small p; the same text never is."""
    base = curve("base", (0.5, 0.4, 0.3), seeds=(1, 2))
    better, same = curve("better", (0.4, 0.3, 0.2), seeds=(1, 2)), base
    at = latencies(base, [better])
    assert at == pytest.approx([1.0, 3.0, 5.0])
    for difference in compare_curves(base, [better], at, draws=300):
        assert difference.gain > 2
        assert 0 < difference.low < difference.gain < difference.high
        assert difference.p_value < 0.01
    for difference in compare_curves(base, [same], at, draws=300):
        assert difference.gain == 0
        assert difference.p_value == 1


def test_untranslated_sentences_have_no_lag() -> None:
    """An empty translation counts for BLEU and is left out of LAAL."""
    first, *rest = log(3, 0.2)
    empty = Instance(0, "", (), (), first.reference, first.source, 9.0)
    found = curve_of("x", [[[empty, *rest]]], "de")
    assert np.isnan(found.lags[0, 0, 0])
    lags, scores = found.points()
    assert lags[0, 0, 0] == pytest.approx(3.0)
    assert scores[0, 0, 0] < curve_of("x", [[[first, *rest]]], "de").points()[1][0, 0, 0]


def test_what_cannot_be_compared() -> None:
    """Other sentences, no reference, no log and no latency in common are refused."""
    base = curve("base", (0.5, 0.4, 0.3))
    with pytest.raises(DataError, match="no log"):
        curve_of("x", [[]], "de")
    with pytest.raises(DataError, match="no reference"):
        curve_of("x", [[[Instance(0, "a", (1.0,), (), "", "b", 1.0)]]], "de")
    with pytest.raises(DataError, match="different sentences"):
        curve_of("x", [[log(1, 0.1), log(3, 0.1)[:50]]], "de")
    short = curve_of("short", [[log(1, 0.1)[:50], log(3, 0.1)[:50]]], "de")
    with pytest.raises(DataError, match="short and base"):
        compare_curves(base, [short], [2.0], draws=100)
    with pytest.raises(ConfigError, match="latency in common"):
        latencies(base, [curve_of("late", [[log(7, 0.1), log(8, 0.1)]], "de")])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`simulst compare` reads logs or their folders and prints and writes the table."""
    for name, wrong in (("a", 0.5), ("b", 0.3)):
        for k in (1, 3):
            folder = tmp_path / f"{name}{k}"
            folder.mkdir()
            write_instances(folder / "instances.log", log(k, wrong))
    curves = [["--curve", n, *(str(tmp_path / f"{n}{k}") for k in (1, 3))] for n in ("a", "b")]
    out = tmp_path / "table.md"
    options = ["--to", "de", "--draws", "100", "--out", str(out)]
    assert main(["compare", *curves[0], *curves[1], *options]) == 0
    assert "120 sentences" in capsys.readouterr().out
    assert out.read_text().count("| b |") == 2
    assert main(["compare", *curves[0], *options]) == 2
    assert "nothing to compare" in capsys.readouterr().err
