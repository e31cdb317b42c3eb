"""One speaker, several target languages: one ear, and a booth for each language.

    audio -> ear (gate, listener) -> booth de -> emissions
                                  -> booth fr -> emissions

What is heard is recognised once. The booths know nothing of each other, so that a language's
updates are word for word those of a session with that language alone. Like `simulst.pipeline`,
this has no I/O, no clock and no threads, and a session is a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simulst import glossary
from simulst.asr.opening import open_transcriber
from simulst.booth import Booth, BoothState, open_parts
from simulst.config import Config
from simulst.ear import Ear, EarState, Heard
from simulst.errors import ConfigError
from simulst.types import Hypothesis, Samples, SentenceEnd, Update, Word

__all__ = ["Conference", "ConferenceState", "build"]


@dataclass(frozen=True, slots=True, eq=False)
class ConferenceState:
    """A session between two steps.

    Attributes:
        ear: what has been heard.
        booths: what has been written, by target language; a subset of the conference's.
        sentence: words committed of the sentence that is open, for a booth that joins.
    """

    ear: EarState
    booths: Mapping[str, BoothState]
    sentence: tuple[Word, ...] = ()

    @property
    def ended(self) -> bool:
        """Closed and flushed."""
        return self.ear.ended


class Conference:
    """The engine for several targets: weights and settings, no state.

    Args:
        ear: hears the speaker.
        booths: by target language, at least one; all understand the language that is heard.
    """

    def __init__(self, ear: Ear, booths: Mapping[str, Booth]) -> None:
        assert booths, "somebody has to interpret"
        assert all(booth.target_language == target for target, booth in booths.items())
        spoken = {booth.source_language for booth in booths.values()}
        assert len(spoken) == 1, "one speaker speaks one language"
        self.source_language = spoken.pop()
        self.ear = ear
        self.booths = dict(booths)
        self.step_samples = ear.step_samples

    @property
    def targets(self) -> tuple[str, ...]:
        """Languages that there is a booth for."""
        return tuple(self.booths)

    def open(self, targets: Iterable[str] | None = None) -> ConferenceState:
        """A session that has heard nothing.

        Args:
            targets: the languages wanted, of those there are; None for all. There may be none:
                then only the source is heard.
        """
        wanted = self.targets if targets is None else tuple(targets)
        booths = {target: self.booths[target].open() for target in wanted}
        return ConferenceState(self.ear.open(), booths)

    def step(
        self,
        states: Sequence[ConferenceState],
        inputs: Sequence[Samples | None],
        strides: Sequence[int] | None = None,
    ) -> list[tuple[ConferenceState, dict[str, Update]]]:
        """Feed each session more audio, or None to end it and flush its last words.

        All sessions are recognised together, and those that want a language are interpreted
        into it together; their languages may differ.

        Args:
            states, inputs, strides: as for `simulst.pipeline.Interpreter.step`.

        Returns:
            For each session its state and, by target language, what its booth gave.
        """
        found = self.ear.step([state.ear for state in states], inputs, strides)
        booths: list[dict[str, BoothState]] = [dict(state.booths) for state in states]
        updates: list[dict[str, Update]] = [{} for _ in states]
        for target, booth in self.booths.items():
            rows = [row for row, state in enumerate(states) if target in state.booths]
            given = booth.step([booths[row][target] for row in rows], [found[r][1] for r in rows])
            for row, (state, update) in zip(rows, given, strict=True):
                booths[row][target], updates[row][target] = state, update
        return [
            (ConferenceState(ear, booth, _open_sentence(before.sentence, heard)), update)
            for before, (ear, heard), booth, update in zip(
                states, found, booths, updates, strict=True
            )
        ]

    def join(self, state: ConferenceState, target: str) -> tuple[ConferenceState, Update]:
        """Take up another language in the middle: from the beginning of the open sentence.

        The update, and those that `step` gives from then on, are those of a session that begins
        with this sentence, on the clock of the one that was joined.
        """
        assert target not in state.booths, "the language is there already"
        assert not state.ended, "the session has ended"
        booth = self.booths[target]
        said = Heard(state.ear.heard, ((state.ear.heard, Hypothesis(state.sentence)),))
        ((opened, update),) = booth.step([booth.open()], [said])
        return replace(state, booths={**state.booths, target: opened}), update

    @staticmethod
    def leave(state: ConferenceState, target: str) -> ConferenceState:
        """Give up a language in the middle."""
        booths = {name: booth for name, booth in state.booths.items() if name != target}
        return replace(state, booths=booths)


def _open_sentence(words: tuple[Word, ...], heard: Heard) -> tuple[Word, ...]:
    """The words of the open sentence, after what was heard."""
    for _, hypothesis in heard.steps:
        for item in hypothesis.committed:
            words = () if isinstance(item, SentenceEnd) else (*words, item)
    return words


def build(config: Config, targets: Sequence[str]) -> Conference:
    """Load the packs that the settings name.

    Args:
        config: settings; `asr.language` is the source language. `translate.pack` and
            `translate.verifier` are empty, or name one for each target, separated by commas, or
            one that translates into all of them.
        targets: languages to translate into, ISO 639-1, each once.

    Raises:
        ModelError: a pack is unknown or damaged, or none serves a language pair.
        ConfigError: settings that do not go together.
    """
    if config.glossary:
        glossary.load(Path(config.glossary), config.asr.language).check(targets)
    configs = [_for_one(config, number, targets) for number in range(len(targets))]
    booths = {}
    for target, own in zip(targets, configs, strict=True):
        translator, acceptor, verifier, names = open_parts(own, target)
        booths[target] = Booth(own, translator, acceptor, verifier, names)
    terms = glossary.spoken(config.glossary, config.asr.language)
    return Conference(Ear(open_transcriber(config.asr, terms), config), booths)


def _for_one(config: Config, number: int, targets: Sequence[str]) -> Config:
    """The settings of one target's booth: as they would be for that target alone."""
    chosen: dict[str, Any] = {}
    for name in ("pack", "verifier"):
        given = getattr(config.translate, name)
        packs = [each.strip() for each in given.split(",")]
        if given and len(packs) not in (1, len(targets)):
            raise ConfigError(
                f"translate.{name} is {given!r}, which names {len(packs)} for {len(targets)} "
                f"languages ({', '.join(targets)}): name one for each, in their order, separated "
                "by commas, or one for all, or none to choose by language"
            )
        chosen[name] = packs[number % len(packs)]
    return replace(config, translate=replace(config.translate, **chosen))
