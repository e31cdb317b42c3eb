"""A microphone's user: keys, and the choice of the view."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import pytest
from rich.console import Console

from simulst import live
from simulst.audio.microphone import Microphone
from simulst.audio.sources import RawSource
from simulst.emit.panes import Panes
from simulst.emit.terminal import Terminal
from simulst.live import attended, view
from simulst.session import Stop
from tests.audio.fakes import SoundSystem


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Microphone:
    """A microphone of a sound system that is made up."""
    monkeypatch.setitem(sys.modules, "sounddevice", SoundSystem())
    return Microphone()


class Keyboard:
    """Stands in for the terminal's keys."""

    live = True

    def __init__(self, actions: Mapping[str, Callable[[], object]]) -> None:
        self.press = actions
        self.let_go_of = False
        keyboards.append(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.let_go()

    def let_go(self) -> None:
        self.let_go_of = True


keyboards: list[Keyboard] = []


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are pressed by the test."""
    monkeypatch.setattr(live, "Keys", Keyboard)
    keyboards.clear()


@pytest.mark.usefixtures("keyboard")
@pytest.mark.parametrize("key", ["p", " "])
def test_keys_pause_and_resume(
    source: Microphone, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The same key does both, and it is said for views that do not show it."""
    with attended(source) as hint:
        assert hint == "p pause  q quit"
        (keys,) = keyboards
        seen = [source.paused]
        for _ in range(2):
            keys.press[key]()
            seen.append(source.paused)
    assert seen == [False, True, False]
    assert [record.getMessage() for record in caplog.records] == ["paused", "listening again"]


@pytest.mark.usefixtures("keyboard")
def test_q_ends_the_sound(source: Microphone) -> None:
    """Nothing more is heard, and the chunks end."""
    with attended(source), source:
        keyboards[0].press["q"]()
        assert list(source) == []


@pytest.mark.usefixtures("keyboard")
def test_a_signal_lets_the_terminal_go(source: Microphone) -> None:
    """Whoever stops a session calls back first."""
    stop = Stop()
    with attended(source, stop):
        (call,) = stop.before
        call()
        assert keyboards[0].let_go_of


@pytest.mark.usefixtures("keyboard")
def test_other_sources_have_no_keys() -> None:
    """A file or a pipe is read as before."""
    with attended(RawSource(io.BytesIO(b"\0\0"))) as hint:
        assert hint == ""
        assert keyboards == []


@pytest.mark.parametrize(
    ("terminal", "term", "expected"),
    [(True, "xterm", Panes), (False, "xterm", Terminal), (True, "dumb", Terminal)],
)
def test_panes_are_for_terminals(
    source: Microphone,
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    term: str,
    expected: type,
) -> None:
    """Pipes and terminals without control codes get lines."""
    monkeypatch.setenv("TERM", term)
    screen = io.StringIO()
    monkeypatch.setattr(live, "Console", lambda: Console(file=screen, force_terminal=terminal))
    sink = view(source, "en", "de", "q quit")
    assert type(sink) is expected
    sink.close()


def test_a_file_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no microphone is shown as before."""
    console = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(live, "Console", lambda: console)
    sink = view(RawSource(io.BytesIO(b"\0\0")), "en", "de")
    assert isinstance(sink, Terminal)
    sink.close()


def test_the_status_is_the_microphones(source: Microphone) -> None:
    """State, level, losses and the keys reach the line; what is wrong is not well."""
    source.overflows = 2
    status = live._status(source, "q quit")
    assert (status.state, status.well, status.overflows) == ("starting", True, 2)
    assert status.keys == "q quit"
    source.pause()
    assert (live._status(source, "").state, live._status(source, "").well) == ("paused", False)
