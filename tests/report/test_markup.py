"""Trees of elements as HTML."""

from __future__ import annotations

from simulst.report.markup import clean, element, heading, markup, seconds, time_of
from tests.report.journals import Page


def test_text_and_attributes_are_escaped() -> None:
    """Nothing in a text or an attribute can open an element or end the attribute."""
    made = Page(markup(element("p", "<script>a & b</script>", title='"><b>')))
    assert made.tags == [("p", {"title": '"><b>'})]
    assert "".join(text for _, text in made.texts) == "<script>a & b</script>"


def test_children_come_in_order() -> None:
    """Text before, between and after elements stays where it was put; None is left out."""
    made = markup(element("p", "a", element("b", "c"), None, "d", (element("i", t) for t in "ef")))
    assert made == "<p>a<b>c</b>d<i>e</i><i>f</i></p>"


def test_names_and_numbers_of_attributes() -> None:
    """Underscores stand for hyphens, floats have one decimal at most, None is no attribute."""
    made = markup(element("path", class_="x", data_s=1, x=2.0, y=2.25, viewBox="0 0 1 1", id=None))
    assert made == '<path class="x" data-s="1" x="2" y="2.2" viewBox="0 0 1 1"></path>'


def test_what_no_page_may_hold_is_replaced() -> None:
    """Controls and halves of surrogate pairs, which a damaged log can have, become one sign."""
    assert clean("a\x00b\ud800c\x1b\td\n") == "a\ufffdb\ufffdc\ufffd\td\n"
    assert "\ufffd" in markup(element("p", "\udcff")).encode().decode()


def test_a_head_marks_the_columns_of_numbers() -> None:
    """They stand to the right, as the numbers do."""
    made = markup(heading("name", "BLEU", numbers=("BLEU",)))
    assert '<th scope="col">name</th><th scope="col" class="n">BLEU</th>' in made


def test_times() -> None:
    """Minutes and seconds, hours where there are some, and lags in seconds."""
    assert [time_of(t) for t in (0, 59.9, 61, 3_725)] == ["0:00", "0:59", "1:01", "1:02:05"]
    assert (seconds(1_234), seconds(None)) == ("1.23 s", "–")
