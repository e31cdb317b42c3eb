"""The page: sound goes out, words come in, and what is wrong is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from simulst.server.tokens import Tokens
from simulst.server.wire.base import Lagging
from tests.server.static.browser import (
    RATE,
    TONE_S,
    begin,
    message,
    state,
    stop,
    tone,
    until,
    wait_for_end,
    wait_for_words,
    words,
)
from tests.server.static.metronome import Server, running, written

TOKEN = "token-of-the-page-test"


def test_the_microphone_is_sent_and_the_last_words_come(page: Any, server: Server) -> None:
    """The sound arrives whole; what is uncertain is marked; words that waited come after Stop."""
    begin(page, server)
    wait_for_words(page, 14)
    assert words(page, ".target", ".tentative")[0].startswith("vielleicht")
    assert words(page, ".source", ".tentative")[0].startswith("perhaps")
    stop(page)
    engine = server.engine
    assert words(page) == written(engine.words)
    assert words(page, ".source") == [f"word{i}" for i in range(engine.words)]
    assert words(page, ".target", ".tentative") == []
    assert engine.updates[-1].ended
    assert abs(engine.tone_s() - TONE_S) < 0.2
    assert re.fullmatch(r"\d+\.\d s", str(page.locator("#lag").text_content()))
    assert state(page) == "Ready"


def test_a_file_is_sent_at_the_pace_of_its_speaker(
    page: Any, server: Server, tmp_path: Path
) -> None:
    """A file arrives with its length, and the session ends by itself."""
    path = tone(tmp_path / "talk.wav", 1.0, rate=44_100)
    page.goto(server.url)
    page.get_by_label("Sound").select_option("file")
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Start").click()
    until(page, lambda: state(page) == "Live")
    wait_for_end(page)
    heard = sum(map(len, server.engine.sound))
    assert abs(heard - 1.0 * RATE) < 0.05 * RATE
    assert words(page) == written(server.engine.words)


def test_a_page_that_is_refused_asks_for_a_token(page: Any, tmp_path: Path) -> None:
    """The page asks for a token until it is the right one, and shows that to the server."""
    path = tmp_path / "tokens"
    path.write_text(f"{TOKEN}\n")
    with running(Tokens.load(path)) as server:
        page.goto(server.url)
        for text, told in (("wrong", "asks for a token"), (TOKEN, "refused this token")):
            page.get_by_role("dialog").get_by_text(told).wait_for()
            page.get_by_role("textbox", name="Token").fill(text)
            page.keyboard.press("Enter")
        until(page, lambda: state(page) == "Ready")
        page.get_by_role("button", name="Start").click()
        wait_for_words(page, 1)
        stop(page)
        assert words(page) == written(server.engine.words)


def test_a_full_server_is_said_to_be_full(page: Any) -> None:
    """A session that finds no place ends at once, with the reason, and can be started again."""
    with running(sessions=1) as server:
        server.enter()
        page.goto(server.url)
        page.get_by_role("button", name="Start").click()
        until(page, lambda: "full" in message(page))
        assert state(page) == "Stopped"
        server.leave()
        page.get_by_role("button", name="Start").click()
        until(page, lambda: state(page) == "Live")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("NotAllowedError", "may not use the microphone"),
        ("NotFoundError", "No microphone was found"),
        ("NotReadableError", "in use by another program"),
    ],
)
def test_a_microphone_that_cannot_be_had_is_explained(
    page: Any, server: Server, error: str, told: str
) -> None:
    """Whatever the browser says about the microphone is put into words that help."""
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia ="
        f" () => Promise.reject(new DOMException('no', '{error}'))"
    )
    page.goto(server.url)
    page.get_by_role("button", name="Start").click()
    until(page, lambda: told in message(page))
    assert page.get_by_role("button", name="Start").is_enabled()


def test_a_server_that_falls_behind_is_shown(page: Any, server: Server) -> None:
    """The page says how much sound waits, until none does."""
    begin(page, server)
    server.tell(Lagging(3_200))
    until(page, lambda: "3.2 s of sound are waiting" in message(page))
    server.tell(Lagging(0))
    until(page, lambda: message(page) == "")
