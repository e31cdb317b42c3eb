"""The measurement before the first session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from simulst import packs
from simulst.conference import build
from simulst.config import load
from simulst.server.capacity import measure, speech, weigh
from simulst.types import Update, Word
from tests.server.client import Echo, Hall, Together


def test_speech_is_as_long_as_asked_for() -> None:
    """It fits into [-1, 1], and begins again where it ends."""
    sound = speech(30.0)
    assert sound.shape == (480_000,) and sound.dtype == np.float32
    assert 0.3 < np.abs(sound).max() <= 1.0
    assert np.array_equal(sound[: 12 * 16_000], sound[12 * 16_000 : 24 * 16_000])
    assert np.array_equal(speech(1.0), sound[:16_000])


def test_the_packs_take_it_for_speech() -> None:
    """The voice gate opens, words are heard in it and translated: all parts are measured."""
    packs.find("listen-en", "asr")
    engine = build(load(), ("de",))
    sound, session = speech(7.0), engine.open()
    words = emissions = 0
    for begin in range(0, len(sound), engine.step_samples):  # as it is measured
        chunk = sound[begin : begin + engine.step_samples]
        ((session, updates),) = engine.step([session], [chunk])
        words += sum(isinstance(item, Word) for item in updates["de"].committed)
        emissions += len(updates["de"].emissions)
    assert words > 3 and emissions > 3


def test_the_cost_is_for_a_second() -> None:
    """An engine that computes next to nothing, a call for each step, costs next to nothing."""
    engine = Echo()
    assert 0 < measure(Together({"de": engine}), ("de",), seconds=2.0) < 1
    assert len(engine.calls) == 30


class Watch:
    """A clock that engines move on."""

    s = 0.0

    def perf_counter(self) -> float:
        return self.s

    process_time = perf_counter


def test_a_further_language_costs_what_is_not_recognition(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dearest language counts, and of it the share that a session in none does without."""
    watch = Watch()
    monkeypatch.setattr("simulst.server.capacity.time", watch)

    class Busy(Together):
        def step(self, states: Sequence[Hall], *more: Any) -> list[tuple[Hall, dict[str, Update]]]:
            (state,) = states
            watch.s += 0.02 + sum({"de": 0.002, "fr": 0.005}[target] for target in state.booths)
            return super().step(states, *more)

    cost, share = weigh(Busy({"de": Echo("de"), "fr": Echo("fr")}), seconds=1.0)
    assert cost == pytest.approx(0.25)  # a step is 0.1 s
    assert share == pytest.approx(0.2)
    cost, share = weigh(Busy({"de": Echo()}), seconds=1.0)
    assert cost == pytest.approx(0.22) and share == 1
