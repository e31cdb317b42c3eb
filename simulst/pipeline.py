"""One session: audio in, emissions out. No I/O, no clock of its own, no threads.

    audio -> voice gate -> listener -> policy (translator and acceptor) -> emissions
             `simulst.ear`             `simulst.booth`

Audio of any packet size is cut into steps on the sample clock, so the same talk gives the same
emissions however it arrives. A session is a value: it can be stepped beside others, forked
and saved. Several target languages of one speaker are `simulst.conference`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulst.asr.opening import open_transcriber
from simulst.booth import Booth, BoothState, open_parts
from simulst.config import Config
from simulst.ear import Ear, EarState
from simulst.glossary import spoken
from simulst.protocols import Acceptor, Transcriber, Translator
from simulst.types import Samples, Update

__all__ = ["Interpreter", "SessionState", "build"]


@dataclass(frozen=True, slots=True, eq=False)
class SessionState:
    """A session between two steps.

    Attributes:
        ear: what has been heard.
        booth: what has been written.
    """

    ear: EarState
    booth: BoothState

    @property
    def ended(self) -> bool:
        """Closed and flushed."""
        return self.ear.ended


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
        self.ear = Ear(transcriber, config)
        self.booth = Booth(config, translator, acceptor, verifier, names)
        self.source_language = self.booth.source_language
        self.target_language = self.booth.target_language
        self.step_samples = self.ear.step_samples

    def open(self) -> SessionState:
        """A session that has heard nothing."""
        return SessionState(self.ear.open(), self.booth.open())

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
        found = self.ear.step([state.ear for state in states], inputs, strides)
        given = self.booth.step([state.booth for state in states], [heard for _, heard in found])
        return [
            (SessionState(ear, booth), update)
            for (ear, _), (booth, update) in zip(found, given, strict=True)
        ]

    def signature(self) -> dict[str, Any]:
        """What a log must say so that its figures can be made again."""
        return self.booth.signature()


def build(config: Config, target: str) -> Interpreter:
    """Load the packs that the settings name.

    Args:
        config: settings; `asr.language` is the source language.
        target: language to translate into, ISO 639-1.

    Raises:
        ModelError: a pack is unknown or damaged, or none serves the language pair.
        ConfigError: settings that do not go together.
    """
    translator, acceptor, verifier, names = open_parts(config, target)
    transcriber = open_transcriber(config.asr, spoken(config.glossary, config.asr.language))
    return Interpreter(config, transcriber, translator, acceptor, verifier, names)
