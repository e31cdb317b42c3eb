"""The picture of quality against latency."""

from __future__ import annotations

from simulst.report import scatter
from simulst.report.markup import markup
from tests.report.journals import Page


def test_curves_differ_in_form() -> None:
    """Each curve has marks of its own form, a label at every point, and its numbers in words."""
    dots = [scatter.Dot(2.0, 30.0, "k=1", "one"), scatter.Dot(1.0, 20.0, "k=2", "two")]
    chart = markup(scatter.curves({"a": dots, "<b>": dots[:1]}, "words"))
    assert scatter.SHAPES[0] in chart and scatter.SHAPES[1] in chart
    assert "a: 30.0 at 2.00, 20.0 at 1.00" in chart and "k=2" in chart
    first = next(a["d"] for a in Page(chart).named("path") if a.get("d", "").count("L") == 1)
    (x0, y0), (x1, y1) = (map(float, part.split()) for part in first[1:].split("L"))
    assert x0 < x1 and y0 > y1, "from the fast and bad to the slow and good"


def test_one_point_is_a_picture() -> None:
    """Axes have room around a single point."""
    assert "<svg" in markup(scatter.curves({"a": [scatter.Dot(0.0, 0.0, "", "")]}, "s"))


def test_labels_do_not_cover_each_other() -> None:
    """Settings that fall together are labelled around their place, as far as there is room."""
    dots = [scatter.Dot(1.0, 20.0 + i / 1000, f"M={i}", "") for i in range(20)]
    dots.append(scatter.Dot(2.0, 30.0, "far", ""))
    page = Page(markup(scatter.curves({"a": dots}, "words")))
    places = [
        (float(a["x"]), float(a["y"])) for a in page.named("text") if a.get("class") == "label"
    ]
    assert 4 <= len(places) < len(dots)
    assert len(set(places)) == len(places)
    assert ("text", "far") in page.texts
