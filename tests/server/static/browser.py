"""What the tests of the page do in the browser, and look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.server.static.metronome import Server

RATE = 16_000
TONE_S = 1.2
"""Of what the microphone hears; then it is silent."""
WAIT_MS = 15_000


def tone(path: Path, length_s: float, rate: int = RATE, rest_s: float = 0) -> Path:
    """A file that holds a tone, and silence after it."""
    time = np.arange(int(length_s * rate)) / rate
    sound = 0.4 * np.sin(2 * np.pi * 330 * time)
    soundfile.write(path, np.append(sound, np.zeros(int(rest_s * rate))), rate)
    return path


def until(page: Any, holds: Callable[[], bool]) -> None:
    """Wait until something holds; the page's policy forbids to watch for it in there."""
    for _ in range(WAIT_MS // 50):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came; the page says: {page.locator('body').inner_text()}")


def state(page: Any) -> str:
    """How things stand, in the page's words."""
    return str(page.locator("#state").text_content())


def message(page: Any) -> str:
    """What the page complains of; "" for nothing."""
    alert = page.locator("#message")
    return str(alert.text_content()) if alert.is_visible() else ""


def begin(page: Any, server: Server) -> None:
    """Open the page and press Start."""
    page.goto(server.url)
    page.get_by_role("button", name="Start").click()
    until(page, lambda: state(page) == "Live")


def stop(page: Any) -> None:
    """Press Stop and wait for the last words."""
    page.get_by_role("button", name="Stop").click()
    wait_for_end(page)


def words(page: Any, line: str = ".target", kind: str = ".committed") -> list[str]:
    """Words of the translation, or of the source."""
    spans = page.locator(f"{line} {kind}").all_text_contents()
    return [word for span in spans for word in span.split()]


def wait_for_words(page: Any, count: int) -> None:
    """Until so many words of the translation stand there."""
    until(page, lambda: len(words(page)) >= count)


def wait_for_end(page: Any) -> None:
    """Until the session has come to its end."""
    until(page, lambda: page.locator("#start").text_content() == "Start")
