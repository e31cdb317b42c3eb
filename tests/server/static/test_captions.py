"""The text: saved, and read aloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulst.emit import captions, cues
from tests.emit.units import one_by_one, unit
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


def test_chinese_is_cut_as_elsewhere(page: Any, server: Server) -> None:
    """Lines of full-width characters, and what may not be parted, are those of the captions."""
    pieces = [
        *"在大学里，她（二〇二六年）研究人们怎样学习语言",
        "Py",
        "thon",
        *"。」ャー「好",
        "！？",
    ] * 6
    units, at_s = [], 0.0
    for i, piece in enumerate(pieces):
        at_s += (0.0, 0.25, 0.5, 2.5)[i * 7 % 64 % 4] if i % 5 else 0.25
        units.append(unit(i, piece, at_s, sentence=i // 90, space=""))
    pending, found = cues.Pending(), []
    for update in one_by_one(units):
        pending, finished = cues.group(pending, update)
        found += finished
    found += cues.finish(pending)
    page.goto(server.url)
    saved = page.evaluate(
        "async (units) => (await import('/static/subtitles.js')).srt(units)",
        [
            {"text": e.text, "space": e.space, "sentence": e.sentence, "shown_s": e.delay / 16_000}
            for e in units
        ],
    )
    assert len(found) > 10
    assert saved == "".join(captions.srt(i, cue) for i, cue in enumerate(found, 1))


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
