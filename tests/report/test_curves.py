"""Which logs lie on one curve."""

from __future__ import annotations

from pathlib import Path

from simulst.evaluate.scoring import LogScore, score_log
from simulst.report.curves import curve_of, section, setting
from simulst.report.markup import markup
from tests.report.journals import corpus, journal


def scores(folder: Path, *names: str) -> list[LogScore]:
    """Logs of folders with the names that `simulst evaluate --out` gives."""
    return [
        score_log(corpus(folder / name, lag=1 + i, good=i > 0), "de")
        for i, name in enumerate(names)
    ]


def test_settings_are_read_from_names() -> None:
    """Rule and parameters of a numbered folder; any other log is known by its name."""
    log = Path("out/02_ratio_k=3_7_L=1_M=0.5_sharpness=16/instances.log")
    assert setting(log) == ("ratio", ("k=3–7", "L=1", "M=0.5", "sharpness=16"))
    assert setting(Path("out/00_wait-k_k=1/instances.log")) == ("wait-k", ("k=1",))
    assert setting(Path("out/mine/instances.log")) == ("mine", ())
    assert setting(Path("02_ratio.log")) == ("02_ratio.log", ())


def test_a_curve_varies_one_parameter(tmp_path: Path) -> None:
    """Sweeps of one rule over M and over k are two curves, and another rule is a third."""
    found = curve_of(
        scores(
            tmp_path,
            "00_ratio_k=3_7_M=0.5",
            "01_ratio_k=3_7_M=1",
            "02_ratio_k=1_5_M=2",
            "03_ratio_k=2_6_M=2",
            "04_wait-k_k=1",
        )
    )
    assert [(name, [label for _, label in points]) for name, points in found] == [
        ("ratio k=3–7", ["M=0.5", "M=1"]),
        ("ratio M=2", ["k=1–5", "k=2–6"]),
        ("wait-k k=1", [""]),
    ]


def test_folders_do_not_share_a_curve(tmp_path: Path) -> None:
    """The same rule in two folders of results is two curves."""
    logs = scores(tmp_path / "a", "00_wait-k_k=1") + scores(tmp_path / "b", "00_wait-k_k=3")
    assert [name for name, _ in curve_of(logs)] == ["wait-k k=1", "wait-k k=3"]
    same = scores(tmp_path / "c", "00_wait-k_k=1") + scores(tmp_path / "d", "00_wait-k_k=1")
    found = section(same)
    assert found is not None and "wait-k k=1 (d)" in markup(found)


def test_what_makes_no_curve(tmp_path: Path) -> None:
    """A single log makes no curve, nor do sessions, whose BLEU is of another kind."""
    (log,) = scores(tmp_path, "00_wait-k_k=1")
    reference = tmp_path / "reference.txt"
    reference.write_text("ja gut nein\n", encoding="utf-8")
    talk = score_log(journal(tmp_path / "talk.jsonl"), "", reference)
    assert section([log]) is None and section([talk, talk, log]) is None


def test_texts_are_not_mixed(tmp_path: Path) -> None:
    """Logs of different sentences stand in different pictures."""
    one = scores(tmp_path / "a", "00_wait-k_k=1", "01_wait-k_k=3")
    for name in ("00_wait-k_k=1", "01_wait-k_k=3"):
        path = corpus(tmp_path / "b" / name)
        kept = path.read_text(encoding="utf-8").splitlines()[:2]
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")
        one.append(score_log(path, "de"))
    found = section(one)
    assert found is not None
    shown = markup(found)
    assert shown.count('class="chart"') == 2
    assert "3 sentences;" in shown and "2 sentences;" in shown
