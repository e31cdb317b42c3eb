"""Axes of charts."""

from __future__ import annotations

from simulst.report.axes import Frame, around


def test_figures_become_pixels() -> None:
    """The ends of the axes are the edges of the plot; upwards is more."""
    frame = Frame(600, 300, [0.0, 10.0], [0, 1])
    assert frame.x(0) < frame.x(5) < frame.x(10) <= 600
    assert frame.x(5) == (frame.x(0) + frame.x(10)) / 2
    assert 0 <= frame.y(1) < frame.y(0) <= 300
    assert frame.path([(0, 0), (10, 1)]).startswith("M") and "L" in frame.path([(0, 0), (10, 1)])


def test_axes_have_air_around_their_figures() -> None:
    """Also around a single one, and around nothing but zeros."""
    for values in ([1.0, 3.0], [2.0], [0.0], [-1.5, 40.0]):
        found = around(values)
        assert found[0] < min(values) and found[-1] > max(values)
