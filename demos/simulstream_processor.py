"""simulst as a speech processor of simulstream, for its inference, its server and its scores.

pip install simulst simulstream

processor.yaml:
    type: simulstream_processor.Interpreter
    speech_chunk_size: 0.5          # seconds
    target: de
    settings: ["accept.k_min=3"]    # as --set of `simulst interpret`; may be left out

PYTHONPATH=demos simulstream_inference --speech-processor-config processor.yaml \
    --wav-list-file wavs.txt --src-lang en --tgt-lang de --metrics-log-file metrics.jsonl

Its scores want this as their --eval-config, with --latency-unit word all the same, because each
token has the space before it: {detokenizer_type: simuleval, latency_unit: char}.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
from simulstream.server.speech_processors import SpeechProcessor
from simulstream.server.speech_processors.incremental_output import IncrementalOutput

from simulst import pipeline
from simulst.config import load
from simulst.errors import ConfigError
from simulst.types import Samples


class Interpreter(SpeechProcessor):  # type: ignore[misc]
    """One session at a time on one engine; nothing is ever deleted."""

    engine: ClassVar[pipeline.Interpreter]

    @classmethod
    def load_model(cls, config: SimpleNamespace) -> None:
        """Build the engine that all sessions share."""
        cls.engine = pipeline.build(load(overrides=getattr(config, "settings", [])), config.target)

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        self.clear()

    def clear(self) -> None:
        """Begin another session."""
        self.session = self.engine.open()
        self.begun = False

    def set_source_language(self, language: str) -> None:
        """Take note of the spoken language, which the engine's listener fixes."""
        self._agree(language, self.engine.source_language)

    def set_target_language(self, language: str) -> None:
        """Take note of the target language, which the engine's translator fixes."""
        self._agree(language, self.engine.target_language)

    @staticmethod
    def _agree(wanted: str, known: str) -> None:
        if wanted != known:
            raise ConfigError(f"the language is {wanted}, the engine's {known}: change 'target'")

    def process_chunk(self, waveform: Samples) -> IncrementalOutput:
        """Hear a chunk of 16 kHz sound."""
        return self._step(np.asarray(waveform, np.float32))

    def end_of_stream(self) -> IncrementalOutput:
        """Write what is left."""
        return self._step(None)

    def _step(self, samples: Samples | None) -> IncrementalOutput:
        ((self.session, update),) = self.engine.step([self.session], [samples])
        tokens = [unit.space + unit.text for unit in update.emissions]
        return IncrementalOutput(tokens, self.tokens_to_string(tokens), [], "")

    def tokens_to_string(self, tokens: Sequence[str]) -> str:
        """Join words, each of which has its own space before it."""
        return "".join(tokens)
