"""A connection that is cut, and what the page makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.static.browser import (
    TONE_S,
    begin,
    message,
    state,
    stop,
    until,
    wait_for_end,
    wait_for_words,
    words,
)
from tests.server.static.metronome import Server, written


def test_a_page_goes_on_after_a_cut(page: Any, server: Server) -> None:
    """When the connection is back no word is lost and none comes twice; nobody does a thing."""
    begin(page, server)
    wait_for_words(page, 3)
    server.cut()
    until(page, lambda: state(page) == "Connection lost")
    assert "sent as soon as the server is back" in message(page)
    page.wait_for_timeout(500)  # speech goes on meanwhile
    server.mend()
    until(page, lambda: state(page) == "Live")
    assert message(page) == ""
    wait_for_words(page, 14)
    stop(page)
    assert words(page) == written(server.engine.words)
    assert abs(server.engine.tone_s() - TONE_S) < 0.2  # each sample once


def test_a_cut_after_stop_does_not_cost_the_last_words(page: Any, server: Server) -> None:
    """A page that waits for the last words says finish again."""
    begin(page, server)
    wait_for_words(page, 1)
    server.cut()
    page.get_by_role("button", name="Stop").click()
    until(page, lambda: page.get_by_role("button", name="Give up").is_visible())
    server.mend()
    wait_for_end(page)
    assert server.engine.updates[-1].ended
    assert words(page) == written(server.engine.words)


@pytest.mark.parametrize("drained", [True, False])
def test_a_new_server_goes_on_with_a_new_session(page: Any, server: Server, drained: bool) -> None:
    """After a restart the text stays and a session of the new server goes on behind it."""
    begin(page, server)
    wait_for_words(page, 3)
    if drained:
        server.drain()
        until(page, lambda: state(page) != "Live")
    else:
        server.cut()
        until(page, lambda: state(page) == "Connection lost")
    before = words(page)
    if drained:
        assert before == written(server.engine.words)
    server.restart()
    until(page, lambda: len(words(page)) >= len(before) + 3)
    stop(page)
    after = words(page)
    assert after[: len(before)] == before
    assert after[len(before) :] == written(server.engine.words)
    assert ("Some words may be missing" in message(page)) is not drained


def test_sound_is_kept_for_a_while(page: Any, server: Server) -> None:
    """Sound comes again from any position; what is too old is as much silence, in small pieces."""
    page.goto(server.url)
    positions, kept, silence, end = page.evaluate(
        """async () => {
            const { History } = await import("/static/history.js");
            const history = new History(3000);
            for (let i = 0; i < 50; i++) {
                history.push(Int16Array.from({ length: 1000 }, (_, j) => i * 1000 + j - 32768));
            }
            const read = (position) => {
                const pcm = history.from(position);
                return [pcm[0], pcm.length];
            };
            const positions = [47000, 47999, 48500, 49999];
            return [positions.map(read), history.start, read(0), history.from(50000)];
        }"""
    )
    assert positions == [[14_232, 1_000], [15_231, 1], [15_732, 500], [17_231, 1]]
    assert kept == 47_000
    assert silence == [0, 16_000]
    assert end is None
