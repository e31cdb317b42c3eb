"""News by number."""

from __future__ import annotations

import pytest

from simulst.errors import ProtocolError
from simulst.server.history import History
from simulst.types import Update, Word


def update(text: str = "", tentative: str = "") -> Update:
    """An update with a word, or without anything that lasts."""
    committed = (Word(text, 0, 1),) if text else ()
    return Update(1, committed, tentative_source=tentative)


def test_what_lasts_is_repeated() -> None:
    """After a number come all later updates that hold something lasting, and nothing tentative."""
    history = History()
    given = [history.add(each) for each in (update("a"), update(tentative="b"), update("b", "c"))]
    assert [each.number for each in given] == [1, 2, 3]
    assert given[2].update.tentative_source == "c"
    again = history.after(1)
    assert [each.number for each in again] == [3]
    assert again[0].update == update("b")
    assert history.after(3) == []


def test_what_is_forgotten_is_not_passed_over() -> None:
    """Beyond what is kept, or for a number that never was, there is an error and no gap."""
    history = History(kept=3)
    for number in range(10):
        history.add(update(str(number)))
    assert [each.number for each in history.after(7)] == [8, 9, 10]
    for number in (6, 0, 11):
        with pytest.raises(ProtocolError, match="cannot be repeated: kept are those after 7"):
            history.after(number)


def test_nothing_is_kept_for_who_cannot_come_back() -> None:
    """A history of nothing only counts."""
    history = History(kept=0)
    assert history.add(update("a")).number == 1
    assert history.after(1) == []


def test_each_language_is_kept_by_itself() -> None:
    """Numbers run through all languages; what one has much of does not push out another's."""
    history = History(kept=2)
    history.add(update("a"), target="de")
    for number in range(5):
        history.add(update(str(number)), target="fr")
    history.add(update("b"), target="de")
    assert [(each.number, each.target) for each in history.after(0, ("de",))] == [
        (1, "de"),
        (7, "de"),
    ]
    assert [each.number for each in history.after(4, ("fr", "de"))] == [5, 6, 7]
    with pytest.raises(ProtocolError, match="kept are those after 4, up to 7"):
        history.after(0, ("de", "fr"))
    assert history.after(0, ("zh",)) == []
