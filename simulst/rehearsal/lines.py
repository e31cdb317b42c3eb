"""The lines that a talk is put through: as it is heard, as it was said, and as a whole.

heard                       the live line, as `simulst interpret` runs it
gold words                  the same, behind a recogniser that makes no mistakes
gold text, whole sentences  the translator alone, which sees each sentence of the transcript
                            to its end before it writes
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from simulst.accept import rules
from simulst.asr.opening import open_transcriber
from simulst.booth import open_parts
from simulst.config import Config
from simulst.corpus import Pair
from simulst.emit.jsonl import Journal
from simulst.evaluate.session import SessionScores
from simulst.evaluate.simulate import simulate
from simulst.glossary import spoken
from simulst.pipeline import Interpreter
from simulst.protocols import Acceptor, Transcriber, Translator
from simulst.session import Session, Stop, VirtualClock
from simulst.translate.policy import Policy
from simulst.types import AudioChunk, Samples, Window, Word

__all__ = ["GoldTranscriber", "Lines", "open_lines"]

_LATE_SAMPLES = 1600
"""So much of a word may lie beyond the window: its end is faint, and the voice gate may cut it."""
_NEVER = 1_000_000  # words of lag that no sentence reaches


class GoldTranscriber:
    """Returns what was said in a window, as it is written in the transcript.

    Args:
        words: of the talk, one after another, with the times at which they were spoken.
        language: they are in.
    """

    def __init__(self, words: Sequence[Word], language: str) -> None:
        self.languages: tuple[str, ...] = (language,)
        self._words = tuple(words)
        self._starts = [word.start for word in words]
        self._ends = [word.end for word in words]

    def transcribe(self, windows: Sequence[Window]) -> list[tuple[Word, ...]]:
        """The words that follow each window's prefix and were spoken by the window's end."""
        return [self._said(window) for window in windows]

    def _said(self, window: Window) -> tuple[Word, ...]:
        audio = window.audio
        begin = window.prefix[-1].end if window.prefix else audio.start
        near = slice(bisect_left(self._ends, begin), bisect_right(self._starts, audio.end))
        return tuple(
            replace(word, start=max(word.start, begin), end=min(word.end, audio.end))
            for word in self._words[near]
            # a window may begin or end inside a word: one of two neighbours has it, never both
            if not _over(word, begin) and _over(word, audio.end)
        )


def _over(word: Word, at: int) -> bool:
    """Whether a word has been spoken by sample `at`, as far as it matters."""
    return (word.start + word.end) // 2 < at and word.end <= at + _LATE_SAMPLES


class Lines:
    """Models that are loaded once for all talks and all lines.

    Args:
        config: of all lines.
        transcriber: of the line that hears.
        translator, acceptor, verifier, names: as `simulst.pipeline.Interpreter` takes them.

    Attributes:
        accept: the settings of acceptance, with what they leave to the packs.
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
        self.names = dict(names or {})
        self.character = translator.space == ""
        self._transcriber = transcriber
        self._parts = translator, acceptor, verifier
        self.accept = rules.settle(config.accept, translator, verifier)

    def hear(self, samples: Samples, journal: Path) -> None:
        """Interpret a talk as it sounds.

        Args:
            samples: (n,) at 16 kHz.
            journal: file to write.

        Raises:
            OutputError: the journal cannot be written.
        """
        translator, acceptor, verifier = self._parts
        engine = Interpreter(
            self.config, self._transcriber, translator, acceptor, verifier, self.names
        )
        self._run(engine, samples, journal)

    def hear_gold(self, samples: Samples, words: Sequence[Word], journal: Path) -> None:
        """Interpret a talk as if each of its words had been understood.

        Args:
            samples: (n,) at 16 kHz; the voice gate listens to them.
            words: said in them.
            journal: file to write.

        Raises:
            OutputError: the journal cannot be written.
        """
        translator, acceptor, verifier = self._parts
        gold = GoldTranscriber(words, self.config.asr.language)
        names = {**self.names, "asr": "transcript"}
        engine = Interpreter(self.config, gold, translator, acceptor, verifier, names)
        self._run(engine, samples, journal)

    def _run(self, engine: Interpreter, samples: Samples, journal: Path) -> None:
        sinks = [Journal(journal, engine.signature())]
        session = Session(engine, VirtualClock(), SessionScores(self.character), [*sinks])
        with session.closing():
            session.interpret([AudioChunk(samples, 0)], Stop())
        if session.failure is not None:
            raise session.failure

    def write_whole(self, pairs: Sequence[Pair]) -> list[str]:
        """What the translator writes for sentences of which it has read everything."""
        translator, _, verifier = self._parts
        accept = replace(self.config.accept, rule="wait-k", k_min=_NEVER, k_max=_NEVER)
        policy = Policy(
            translator,
            rules.build(accept),
            accept,
            self.config.translate,
            self.config.seed,
            verifier,
        )
        found = simulate(policy, pairs, translator.space)
        return [instance.prediction for instance in found.instances]


def open_lines(config: Config, target: str) -> Lines:
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
    return Lines(config, transcriber, translator, acceptor, verifier, names)
