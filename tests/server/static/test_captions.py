"""The text: saved, and read aloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulst.emit import captions, cues
from tests.server.static.browser import begin, stop, wait_for_words
from tests.server.static.metronome import Server, written


def test_the_transcript_can_be_saved(page: Any, server: Server) -> None:
    """The files hold what `simulst interpret` would have written."""
    begin(page, server)
    wait_for_words(page, 14)
    stop(page)
    saved = {}
    for kind in ("txt", "srt"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Save .{kind}").click()
        assert download.value.suggested_filename.endswith(f".{kind}")
        saved[kind] = Path(download.value.path()).read_text(encoding="utf-8")
    assert saved["txt"].split() == written(server.engine.words)
    pending, found = cues.Pending(), []
    for update in server.engine.updates:
        pending, finished = cues.group(pending, update)
        found += finished
    assert saved["srt"] == "".join(captions.srt(i, cue) for i, cue in enumerate(found, 1))


def test_a_screen_reader_hears_committed_text_only(page: Any, server: Server) -> None:
    """The live region gets each committed word once, in phrases, in the language of the text."""
    begin(page, server)
    wait_for_words(page, 15)
    stop(page)
    live = page.get_by_role("log")
    assert live.get_attribute("aria-live") == "polite"
    assert live.get_attribute("lang") == "de"
    phrases = live.locator("p").all_text_contents()
    assert " ".join(phrases).split() == written(server.engine.words)
    assert len(phrases) < server.engine.words / 2
    assert page.locator(".tentative:not([aria-hidden=true])").count() == 0
