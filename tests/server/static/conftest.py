"""A browser with a microphone, and a server for it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.static.browser import TONE_S, WAIT_MS, tone
from tests.server.static.metronome import Server, running


@pytest.fixture(scope="package")  # not longer: its event loop would be in the way of others
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium, whose microphone hears a tone of a second, then nothing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed")
    spoken = tone(tmp_path_factory.mktemp("page") / "spoken.wav", TONE_S, rest_s=0.5)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",  # it refuses to run in one as root
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={spoken}%noloop",
                "--autoplay-policy=no-user-gesture-required",
                "--mute-audio",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that lets everybody in."""
    with running() as server:
        yield server


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A tab that may use the microphone; nothing in it may fail or break the page's policy."""
    context = browser.new_context(permissions=["microphone"])
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if _is_fault(line) else None)
    yield page
    context.close()
    assert wrong == []


def _is_fault(line: Any) -> bool:
    """Whether a line of the console is none of those that every failed connection leaves there."""
    failed = re.compile("WebSocket connection to|Failed to load resource")
    return line.type in ("error", "warning") and not failed.match(line.text)
