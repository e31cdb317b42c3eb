"""The interpreting line of a session: what was heard becomes emissions in one target language.

Interpreters sit in booths, one for each target language. A booth knows nothing of sound; it
reads the words that an ear has committed, so that any number of booths can follow one ear.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulst import __version__
from simulst.accept import rules
from simulst.asr.opening import package
from simulst.config import Config
from simulst.ear import Heard
from simulst.protocols import Acceptor, Translator
from simulst.translate.policy import Policy, SentenceState, Written
from simulst.translate.storage import open_translators
from simulst.types import Emission, SentenceEnd, Update, Verdict, Word

__all__ = ["Booth", "BoothState", "open_parts"]


@dataclass(frozen=True, slots=True, eq=False)
class BoothState:
    """A session in one target language, between two calls.

    Attributes:
        sentence: the one being interpreted.
        emitted: target units emitted so far.
        spoken: end of the last word read, in samples.
        tentative: translation held back at the last step.
    """

    sentence: SentenceState
    emitted: int = 0
    spoken: int = 0
    tentative: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    """A word to be read, and whether its sentence ends with it; a late end stands alone.

    Attributes:
        word: None for the bare end.
        closed: the sentence ends here.
        heard: samples taken in by then.
    """

    word: Word | None
    closed: bool
    heard: int


@dataclass(slots=True)
class _Work:
    """A session while a call works on it."""

    state: BoothState
    reads: list[_Read]
    emissions: list[Emission] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


class Booth:
    """Interprets into one language; weights and settings, no state.

    Args:
        config: what decides the emissions.
        translator, acceptor: the parts.
        verifier: a p of its own for the acceptor, if not the translator itself.
        names: of the packs, for the signature.

    Attributes:
        accept: the settings of acceptance, with what they leave to the packs.
        source_language, target_language: ISO 639-1.
        space: what stands between two target units.
    """

    def __init__(
        self,
        config: Config,
        translator: Translator,
        acceptor: Acceptor,
        verifier: Translator | None = None,
        names: dict[str, str] | None = None,
    ) -> None:
        self.config = config
        self.accept = rules.settle(config.accept, translator, verifier)
        self.source_language = translator.source_language
        self.target_language = translator.target_language
        self.space = translator.space
        self.policy = Policy(
            translator, acceptor, config.accept, config.translate, config.seed, verifier
        )
        self._names = dict(names or {})

    def open(self) -> BoothState:
        """A session of which nothing has been read."""
        return BoothState(self.policy.open())

    def step(
        self, states: Sequence[BoothState], heard: Sequence[Heard]
    ) -> list[tuple[BoothState, Update]]:
        """Read what each session has heard, one word of each at a time, and write what may be."""
        works = [_Work(state, _reads(each)) for state, each in zip(states, heard, strict=True)]
        turn = 0
        while busy := [(w, w.reads[turn]) for w in works if turn < len(w.reads)]:
            written = self.policy.step(
                [w.state.sentence for w, _ in busy],
                [read.word.text if read.word else None for _, read in busy],
                [read.closed for _, read in busy],
            )
            for (work, read), (sentence, result) in zip(busy, written, strict=True):
                self._emit(work, sentence, result, read)
            turn += 1
        return [(work.state, _update(work, each)) for work, each in zip(works, heard, strict=True)]

    def _emit(self, work: _Work, sentence: SentenceState, result: Written, read: _Read) -> None:
        """Turn what the policy wrote into emissions."""
        state = work.state
        spoken = read.word.end if read.word else state.spoken
        for number, (text, reason) in enumerate(
            zip(result.units, result.reasons, strict=True), state.emitted
        ):
            work.emissions.append(
                Emission(
                    index=number,
                    sentence=sentence.sentence,
                    text=text,
                    space=self.space if number else "",
                    read=len(sentence.source),
                    delay=read.heard,
                    spoken=spoken,
                    reason=reason,
                )
            )
        work.verdicts += result.verdicts
        tentative = result.tentative
        if sentence.closed:
            sentence, tentative = self.policy.open(sentence.sentence + 1), ""
        work.state = BoothState(sentence, state.emitted + len(result.units), spoken, tentative)

    def signature(self) -> dict[str, Any]:
        """What a log must say so that its figures can be made again."""
        accept = self.accept
        recogniser = package(self.config.asr)
        return {
            "simulst": __version__,
            "torch": importlib.metadata.version("torch"),
            "faster-whisper": importlib.metadata.version("faster-whisper"),  # the voice gate's too
            recogniser: importlib.metadata.version(recogniser),
            "source": self.source_language,
            "target": self.target_language,
            **self._names,
            "rule": self.policy.acceptor.name,
            "k_min": accept.k_min,
            "k_max": accept.k_max,
            "m": accept.m,
            "lookback": accept.lookback,
            "seed": self.config.seed,
            "config": self.config.as_dict(),
        }


def _reads(heard: Heard) -> list[_Read]:
    """What there is to read, in order."""
    reads: list[_Read] = []
    for until, hypothesis in heard.steps:
        first = len(reads)  # an end belongs to a word of its own step, or stands alone
        for item in hypothesis.committed:
            if isinstance(item, Word):
                reads.append(_Read(item, False, until))
            elif len(reads) > first and not reads[-1].closed:
                reads[-1] = replace(reads[-1], closed=True)
            else:
                reads.append(_Read(None, True, until))
    return reads


def _update(work: _Work, heard: Heard) -> Update:
    """Say what happened."""
    committed: list[Word | SentenceEnd] = []
    tentative = ""
    for _, hypothesis in heard.steps:
        committed += hypothesis.committed
        tentative = " ".join(word.text for word in hypothesis.tentative)
    return Update(
        heard=heard.until,
        committed=tuple(committed),
        emissions=tuple(work.emissions),
        verdicts=tuple(work.verdicts),
        tentative_source=tentative,
        tentative_target=work.state.tentative,
        ended=heard.ended,
    )


def open_parts(
    config: Config, target: str
) -> tuple[Translator, Acceptor, Translator | None, dict[str, str]]:
    """Load what a booth needs: translator, acceptor, verifier if it is another, names for the log.

    Args:
        config: settings; `asr.language` is the source language.
        target: language to translate into, ISO 639-1.

    Raises:
        ModelError: a pack is unknown or damaged, or none serves the language pair.
        ConfigError: settings that do not go together.
    """
    translator, verifier, names = open_translators(config, target)
    acceptor = rules.build(config.accept, translator, verifier)
    return translator, acceptor, verifier, {"asr": config.asr.model, **names}
