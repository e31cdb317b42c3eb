"""Listening to many streams at once: speech goes in, committed words and sentence ends come out.

The listener holds weights and settings only; what it has heard of a stream is a `ListenerState`,
a value. It does no I/O and reads no clock: how far a stream has come is told to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from simulst.asr import guards
from simulst.asr.agreement import Pending, flush, policy_of
from simulst.asr.sentences import Events, Sentence, close, close_after_pause, follow
from simulst.asr.text import is_mark, key
from simulst.asr.window import LONGEST_SAMPLES, Rolling, append, drop, empty, extend, settle
from simulst.config import Asr
from simulst.protocols import Transcriber
from simulst.types import SAMPLE_RATE, AudioChunk, Hypothesis, Speech, Window, Word

__all__ = ["Listener", "ListenerState"]

_HALF_LIFE_SAMPLES = 2 * SAMPLE_RATE
"""Of the loudness that is remembered: a bang must not silence who speaks after it."""

_NOTHING = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class ListenerState:
    """What is remembered of one stream; bounded, however long the stream.

    Attributes:
        window: audio that is still recognised, with the committed words inside.
        pending: words of the last hypothesis that are not committed.
        sentence: the source sentence that is open.
        recent: keys of the last committed words, for the loop guard.
        level: loudness of the speech heard lately, in [0, 1].
        speaking: speech has begun and not ended.
        unheard: the window has audio that no hypothesis has been made from.
    """

    window: Rolling = field(default_factory=lambda: empty(0))
    pending: Pending = ()
    sentence: Sentence = field(default_factory=Sentence)
    recent: tuple[str, ...] = ()
    level: float = 0.0
    speaking: bool = False
    unheard: bool = False


class Listener:
    """Turns speech into committed words, for any number of streams in one model call.

    Args:
        transcriber: recognises windows.
        config: its policy, limits and sentence rules are read here.
    """

    def __init__(self, transcriber: Transcriber, config: Asr) -> None:
        self.transcriber = transcriber
        self.config = config
        self._commit = policy_of(config)
        self._longest = round(config.window_s * SAMPLE_RATE)

    def open(self) -> ListenerState:
        """The state of a stream of which nothing has been heard."""
        return ListenerState()

    def step(
        self,
        states: Sequence[ListenerState],
        inputs: Sequence[tuple[Speech, ...]],
        clocks: Sequence[int],
    ) -> list[tuple[ListenerState, Hypothesis]]:
        """Hear what is new in each stream.

        One call of the transcriber serves all streams; another follows only for streams with a
        second run of speech in this step. Without new speech there is none.

        Args:
            states: one a stream.
            inputs: speech that is new, in order; how it is divided makes no difference.
            clocks: samples of each stream taken in so far, silence included.
        """
        assert len(states) == len(inputs) == len(clocks)
        streams = list(states)
        events: list[Events] = [() for _ in streams]
        work = [_runs(state, speech) for state, speech in zip(states, inputs, strict=True)]
        while any(work):
            rows = [row for row, runs in enumerate(work) if runs]
            ended: dict[int, bool] = {}
            for row in rows:
                streams[row], ended[row], work[row] = _take_in(streams[row], work[row])
            heard = self._recognise({row: streams[row] for row in rows})
            for row in rows:
                streams[row], new = self._advance(streams[row], heard.get(row), ended[row])
                events[row] += new
        for row, state in enumerate(streams):
            if not state.speaking:
                sentence, new = close_after_pause(state.sentence, clocks[row], self.config)
                streams[row] = replace(state, sentence=sentence)
                events[row] += new
        return [_result(state, new) for state, new in zip(streams, events, strict=True)]

    def finish(
        self, states: Sequence[ListenerState], clocks: Sequence[int]
    ) -> list[tuple[ListenerState, Hypothesis]]:
        """Commit what is still open and close the sentence, because the stream is over.

        Args:
            states: one a stream; their speech has been recognised, so no model is called.
            clocks: samples of each stream taken in, all in all.
        """
        results = []
        for state, clock in zip(states, clocks, strict=True):
            state, events = self._advance(state, None, ended=True)
            sentence, end = close(state.sentence)
            state = replace(state, sentence=sentence, window=empty(clock))
            results.append(_result(state, events + end))
        return results

    def _recognise(self, states: dict[int, ListenerState]) -> dict[int, tuple[Word, ...]]:
        """Hypotheses of the streams that have new audio, from one call of the transcriber."""
        fresh = {row: state for row, state in states.items() if state.unheard}
        audible = {
            row: Window(state.window.chunk, state.window.prefix)
            for row, state in fresh.items()
            if guards.is_audible(state.window.beyond_prefix, state.level)
        }
        words = self.transcriber.transcribe(list(audible.values())) if audible else []
        heard: dict[int, tuple[Word, ...]] = dict.fromkeys(fresh, ())
        for row, found in zip(audible, words, strict=True):
            found = guards.drop_implausible(found)
            heard[row] = guards.drop_unspoken(found, audible[row].audio, states[row].level)
        return heard

    def _advance(
        self, state: ListenerState, words: tuple[Word, ...] | None, ended: bool
    ) -> tuple[ListenerState, Events]:
        """Commit what a new hypothesis allows and let go of audio that is done with.

        Args:
            state: with the audio that the hypothesis was made from.
            words: the hypothesis; None if there was no new audio.
            ended: speech is over, so that every word becomes final.
        """
        pending = state.pending
        committed: tuple[Word, ...] = ()
        looped = False
        if words is not None:
            before_loop = guards.find_loop(state.recent, words)
            if before_loop is not None:
                words, looped = words[:before_loop], True
            pending, committed = self._commit(pending, words, state.window.end)
        if ended:
            pending, rest = flush(pending)
            committed += rest
        state, events = self._accept(state, committed)
        window = extend(state.window, committed)
        if ended:
            window = empty(window.end)
        elif looped:
            # the words that led into the loop would lead into it again
            window = drop(window, len(window.prefix), pending)
        else:
            window = drop(window, _closed_words(window, events), pending)
        window, forced = settle(window, pending, self._longest)
        state, more = self._accept(state, forced)
        state = replace(
            state,
            window=window,
            pending=pending[len(forced) :],
            speaking=state.speaking and not ended,
            unheard=False,
        )
        return state, events + more

    def _accept(self, state: ListenerState, words: Sequence[Word]) -> tuple[ListenerState, Events]:
        """Enter committed words into the sentence and into what the loop guard looks back on."""
        sentence, events = follow(state.sentence, words, self.config)
        keys = (key(word.text) for word in words if not is_mark(word))
        recent = (*state.recent, *keys)[-guards.HISTORY :]
        return replace(state, sentence=sentence, recent=recent), events


def _runs(state: ListenerState, speech: Sequence[Speech]) -> tuple[Speech, ...]:
    """Speech joined as far as it goes on without a gap; a gap ends what is before it."""
    runs: list[Speech] = []
    if state.speaking:
        runs.append(Speech(AudioChunk(_NOTHING, state.window.end)))
    for piece in speech:
        last = runs[-1] if runs and not runs[-1].ended else None
        if last is not None and last.audio.end == piece.audio.start:
            samples = np.concatenate([last.audio.samples, piece.audio.samples])
            runs[-1] = Speech(AudioChunk(samples, last.audio.start), piece.ended)
            continue
        if last is not None:
            assert last.audio.end < piece.audio.start, (last.audio.end, piece.audio.start)
            runs[-1] = replace(last, ended=True)
        runs.append(piece)
    return tuple(run for run in runs if len(run.audio.samples) or run.ended)


def _take_in(
    state: ListenerState, runs: tuple[Speech, ...]
) -> tuple[ListenerState, bool, tuple[Speech, ...]]:
    """Append the first run, as far as a window can hold it; say whether speech has ended."""
    run, rest = runs[0], runs[1:]
    window = state.window if state.speaking else empty(run.audio.start)
    room = LONGEST_SAMPLES - len(window.samples)
    assert room > 0
    samples = run.audio.samples[:room]
    ended = run.ended
    if len(samples) < len(run.audio.samples):
        remainder = AudioChunk(run.audio.samples[room:], run.audio.start + room)
        rest, ended = (Speech(remainder, run.ended), *rest), False
    faded = state.level * 0.5 ** (len(samples) / _HALF_LIFE_SAMPLES)
    state = replace(
        state,
        window=append(window, samples),
        level=max(faded, guards.loudness(samples)),
        speaking=True,
        unheard=len(samples) > 0,
    )
    return state, ended, rest


def _closed_words(window: Rolling, events: Events) -> int:
    """How many words of the window's prefix belong to sentences that are closed."""
    count = len(window.prefix) - sum(isinstance(event, Word) for event in events)
    closed = 0
    for event in events:
        if isinstance(event, Word):
            count += 1
        else:
            closed = count
    return closed


def _result(state: ListenerState, events: Events) -> tuple[ListenerState, Hypothesis]:
    tentative = tuple(word for word in state.pending if not is_mark(word))
    return state, Hypothesis(events, tentative)
