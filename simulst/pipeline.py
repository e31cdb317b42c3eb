"""One session: audio in, emissions out. No I/O, no clock of its own, no threads.

    audio -> voice gate -> listener -> policy (translator and acceptor) -> emissions

Audio of any packet size is cut into steps on the sample clock, so the same talk gives the same
emissions however it arrives. A session is a value: it can be stepped beside others, forked
and saved.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulst import __version__
from simulst.accept import rules
from simulst.asr.listener import Listener, ListenerState
from simulst.asr.opening import open_transcriber, package
from simulst.audio.vad import GateState, VoiceGate
from simulst.config import Config
from simulst.protocols import Acceptor, Transcriber, Translator
from simulst.translate.policy import Policy, SentenceState, Written
from simulst.translate.storage import open_translators
from simulst.types import (
    SAMPLE_RATE,
    AudioChunk,
    Emission,
    Hypothesis,
    Samples,
    SentenceEnd,
    Speech,
    Update,
    Verdict,
    Word,
)

__all__ = ["Interpreter", "SessionState", "build"]


@dataclass(frozen=True, slots=True, eq=False)
class SessionState:
    """A session between two steps.

    Attributes:
        heard: samples taken in by the recogniser.
        pending: samples that do not fill a step yet.
        gate, listener, sentence: the states of the parts.
        emitted: target units emitted so far.
        spoken: end of the last word read, in samples.
        tentative: translation held back at the last step.
        ended: closed and flushed.
    """

    gate: GateState
    listener: ListenerState
    sentence: SentenceState
    heard: int = 0
    pending: tuple[Samples, ...] = ()
    emitted: int = 0
    spoken: int = 0
    tentative: str = ""
    ended: bool = False


@dataclass(slots=True)
class _Work:
    """A session while a step works on it."""

    state: SessionState
    committed: list[Word | SentenceEnd]
    emissions: list[Emission]
    verdicts: list[Verdict]
    tentative_source: str = ""
    stride: int = 1


class Interpreter:
    """The engine: weights and settings, no state.

    Args:
        config: what decides the emissions.
        transcriber, translator, acceptor: the parts.
        verifier: a p of its own for the acceptor, if not the translator itself.
        names: of the packs, for the signature.
    """

    def __init__(
        self,
        config: Config,
        transcriber: Transcriber,
        translator: Translator,
        acceptor: Acceptor,
        verifier: Translator | None = None,
        names: dict[str, str] | None = None,
    ) -> None:
        self.config = config
        self.source_language = translator.source_language
        self.target_language = translator.target_language
        self._space = translator.space
        self._names = dict(names or {})
        self._gate = VoiceGate(config.audio)
        self._listener = Listener(transcriber, config.asr)
        self._policy = Policy(
            translator, acceptor, config.accept, config.translate, config.seed, verifier
        )
        self.step_samples = config.audio.step_ms * SAMPLE_RATE // 1000

    def open(self) -> SessionState:
        """A session that has heard nothing."""
        return SessionState(self._gate.open(), self._listener.open(), self._policy.open())

    def step(
        self,
        states: Sequence[SessionState],
        inputs: Sequence[Samples | None],
        strides: Sequence[int] | None = None,
    ) -> list[tuple[SessionState, Update]]:
        """Feed each session more audio, or None to end it and flush its last words.

        Args:
            states: sessions that have not ended.
            inputs: (n,) float32 samples at 16 kHz for each, any n >= 0, or None.
            strides: for each, how many steps may be heard as one if so much audio is waiting;
                more than 1 costs less and commits later, for a session that is late anyway.
        """
        works = []
        for state, samples, stride in zip(
            states, inputs, strides or [1] * len(states), strict=True
        ):
            assert not state.ended, "the session has ended"
            if samples is not None:
                state = replace(state, pending=(*state.pending, samples))
            works.append(_Work(state, [], [], [], stride=stride))
        ends = [samples is None for samples in inputs]
        step = self.step_samples
        while busy := [w for w in works if _waiting(w.state) >= step]:
            sizes = [min(_waiting(w.state) // step, w.stride) * step for w in busy]
            self._hear(busy, [self._take(w, size) for w, size in zip(busy, sizes, strict=True)])
        last = [w for w, end in zip(works, ends, strict=True) if end]
        self._hear(last, [self._take(w, _waiting(w.state)) for w in last])
        self._close(last)
        updates = [self._update(w) for w in works]
        return [(w.state, update) for w, update in zip(works, updates, strict=True)]

    # -- one step of the grid --------------------------------------------------------------

    @staticmethod
    def _take(work: _Work, size: int) -> AudioChunk:
        """Move `size` pending samples onto the session's clock."""
        state = work.state
        if state.pending:
            flat = np.concatenate(state.pending).astype(np.float32, copy=False)
        else:
            flat = np.zeros(0, np.float32)
        rest = flat[size:]
        chunk = AudioChunk(flat[:size], state.heard)
        work.state = replace(state, heard=state.heard + size, pending=(rest,) if len(rest) else ())
        return chunk

    def _hear(self, works: Sequence[_Work], chunks: Sequence[AudioChunk]) -> None:
        """Gate and recognise one chunk of each session, and translate what became final."""
        speech: list[tuple[Speech, ...]] = []
        for work, chunk in zip(works, chunks, strict=True):
            gate, let_through = self._gate.step(work.state.gate, chunk)
            work.state = replace(work.state, gate=gate)
            speech.append(let_through)
        self._listen(works, speech)

    def _listen(self, works: Sequence[_Work], speech: Sequence[tuple[Speech, ...]]) -> None:
        found = self._listener.step(
            [w.state.listener for w in works], speech, [w.state.heard for w in works]
        )
        self._translate(works, found)

    def _close(self, works: Sequence[_Work]) -> None:
        """Flush what the gate and the listener still hold."""
        self._listen(works, [self._gate.finish(w.state.gate) for w in works])
        found = self._listener.finish(
            [w.state.listener for w in works], [w.state.heard for w in works]
        )
        self._translate(works, found)
        for work in works:
            work.state = replace(work.state, ended=True)

    def _translate(
        self, works: Sequence[_Work], found: Sequence[tuple[ListenerState, Hypothesis]]
    ) -> None:
        """Feed the committed words to the policy, one word of each session at a time."""
        queues: list[tuple[_Work, list[tuple[Word | None, bool]]]] = []
        for work, (listener, hypothesis) in zip(works, found, strict=True):
            work.state = replace(work.state, listener=listener)
            work.committed += hypothesis.committed
            work.tentative_source = " ".join(word.text for word in hypothesis.tentative)
            if queue := _reads(hypothesis.committed):
                queues.append((work, queue))
        turn = 0
        while busy := [(w, q[turn]) for w, q in queues if turn < len(q)]:
            written = self._policy.step(
                [w.state.sentence for w, _ in busy],
                [word.text if word else None for _, (word, _) in busy],
                [closed for _, (_, closed) in busy],
            )
            for (work, (word, _)), (sentence, result) in zip(busy, written, strict=True):
                self._emit(work, sentence, result, word)
            turn += 1

    def _emit(
        self, work: _Work, sentence: SentenceState, result: Written, word: Word | None
    ) -> None:
        """Turn what the policy wrote into emissions."""
        state = work.state = replace(work.state, spoken=word.end if word else work.state.spoken)
        for text, reason in zip(result.units, result.reasons, strict=True):
            number = state.emitted + len(work.emissions)
            work.emissions.append(
                Emission(
                    index=number,
                    sentence=sentence.sentence,
                    text=text,
                    space=self._space if number else "",
                    read=len(sentence.source),
                    delay=state.heard,
                    spoken=state.spoken,
                    reason=reason,
                )
            )
        work.verdicts += result.verdicts
        if sentence.closed:
            following = self._policy.open(sentence.sentence + 1)
            work.state = replace(state, sentence=following, tentative="")
        else:
            work.state = replace(state, sentence=sentence, tentative=result.tentative)

    @staticmethod
    def _update(work: _Work) -> Update:
        """Number the emissions on, and say what happened."""
        work.state = replace(work.state, emitted=work.state.emitted + len(work.emissions))
        return Update(
            heard=work.state.heard,
            committed=tuple(work.committed),
            emissions=tuple(work.emissions),
            verdicts=tuple(work.verdicts),
            tentative_source=work.tentative_source,
            tentative_target=work.state.tentative,
            ended=work.state.ended,
        )

    def signature(self) -> dict[str, Any]:
        """What a log must say so that its figures can be made again."""
        accept = self.config.accept
        recogniser = package(self.config.asr)
        return {
            "simulst": __version__,
            "torch": importlib.metadata.version("torch"),
            "faster-whisper": importlib.metadata.version("faster-whisper"),  # the voice gate's too
            recogniser: importlib.metadata.version(recogniser),
            "source": self.source_language,
            "target": self.target_language,
            **self._names,
            "rule": accept.rule,
            "k_min": accept.k_min,
            "k_max": accept.k_max,
            "m": accept.m,
            "seed": self.config.seed,
            "config": self.config.as_dict(),
        }


def _waiting(state: SessionState) -> int:
    return sum(len(samples) for samples in state.pending)


def _reads(items: Sequence[Word | SentenceEnd]) -> list[tuple[Word | None, bool]]:
    """Words, each with whether its sentence ends with it; a late end stands alone."""
    reads: list[tuple[Word | None, bool]] = []
    for item in items:
        if isinstance(item, Word):
            reads.append((item, False))
        elif reads and not reads[-1][1]:
            reads[-1] = (reads[-1][0], True)
        else:
            reads.append((None, True))
    return reads


def build(config: Config, target: str) -> Interpreter:
    """Load the packs that the settings name.

    Args:
        config: settings; `asr.language` is the source language.
        target: language to translate into, ISO 639-1.

    Raises:
        ModelError: a pack is unknown or damaged, or none serves the language pair.
        ConfigError: settings that do not go together.
    """
    translator, verifier, names = open_translators(config, target)
    return Interpreter(
        config,
        open_transcriber(config.asr),
        translator,
        rules.build(config.accept),
        verifier,
        {"asr": config.asr.model, **names},
    )
