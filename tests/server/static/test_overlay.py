"""Captions alone, for OBS and second screens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.static.browser import (
    begin,
    message,
    state,
    stop,
    until,
    wait_for_words,
    words,
)
from tests.server.static.metronome import Server, running, written


def test_the_overlay_follows(page: Any, server: Server) -> None:
    """Captions alone show what was committed, through a cut, in the size of the address."""
    begin(page, server)
    wait_for_words(page, 3)
    overlay = page.context.new_page()
    overlay.goto(f"{server.url}overlay?session={server.session.follow}&size=30&lines=3")
    until(overlay, lambda: len(words(overlay, "#text")) >= 3)
    server.cut()
    until(page, lambda: state(page) == "Connection lost")
    server.mend()
    wait_for_words(page, 14)
    stop(page)
    expected = written(server.engine.words)
    until(overlay, lambda: words(overlay, "#text") == expected)
    assert words(overlay, "#text", ".tentative") == []
    box = overlay.locator("#window").bounding_box()
    assert box["height"] == pytest.approx(30 * 1.3 * 3, abs=1)


def test_another_language_can_be_chosen(page: Any) -> None:
    """Where several are served the page links to any of them, and the overlay changes over."""
    with running(further=("fr",)) as server:
        begin(page, server)
        wait_for_words(page, 1)
        page.get_by_label("Language of the overlay").select_option("fr")
        page.get_by_role("button", name="Overlay link").click()
        until(page, lambda: "copied" in message(page) or "to=fr" in message(page))
        overlay = page.context.new_page()
        overlay.goto(f"{server.url}overlay?session={server.session.follow}&to=fr")
        until(overlay, lambda: len(words(overlay, "#text")) >= 2)
        assert overlay.locator("#text").get_attribute("lang") == "fr"
        assert server.session.languages.present == ["de", "fr"]
        overlay.get_by_label("Language").select_option("de")
        until(overlay, lambda: "to=de" in overlay.url)
        stop(page)
        until(overlay, lambda: words(overlay, "#text") == written(server.engine.words))
        assert overlay.locator("#text").get_attribute("lang") == "de"
