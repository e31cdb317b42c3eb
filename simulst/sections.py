"""The sections of the settings: frozen dataclasses with defaults that check their values."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from simulst.errors import ConfigError

__all__ = ["RULES", "SPOKEN", "Accept", "Asr", "Audio", "Speak", "Translate"]

PROPOSALS = ("point", "model")
RULES = ("auto", "ratio", "learned", "wait-k", "la-2", "wait-if-worse", "entropy", "random")
SPOKEN = ("text", "voice", "language", "rate", "speed", "length")
"""What may stand in braces in `speak.command`."""


def _at_least(name: str, value: float, least: float, why: str) -> None:
    if not value >= least:
        raise ConfigError(f"{name} is {value}: it must be at least {least}{why}")


def _one_of(name: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}: use one of {', '.join(choices)}")


@dataclass(frozen=True, slots=True)
class Audio:
    """How the stream is taken in.

    Attributes:
        step_ms: audio taken in before the recogniser looks again.
        vad: gate the recogniser by voice activity.
        vad_threshold: probability of speech above which a frame counts, in (0, 1).
        vad_silence_ms: silence after which speech is over.
        vad_pad_ms: audio kept before and after speech.
    """

    step_ms: int = 500
    vad: bool = True
    vad_threshold: float = 0.5
    vad_silence_ms: int = 600
    vad_pad_ms: int = 200

    def __post_init__(self) -> None:
        _at_least("audio.step_ms", self.step_ms, 100, " (the recogniser cannot keep up below)")
        if not 0 < self.vad_threshold < 1:
            raise ConfigError(
                f"audio.vad_threshold is {self.vad_threshold}: it must lie between 0 and 1"
            )
        _at_least("audio.vad_silence_ms", self.vad_silence_ms, 32, " (one frame)")
        _at_least("audio.vad_pad_ms", self.vad_pad_ms, 0, "")


@dataclass(frozen=True, slots=True)
class Asr:
    """How speech is recognised.

    Attributes:
        model: pack name, folder of a CTranslate2 Whisper model, a Whisper size or name on the hub
            that was pulled, or "pocketsphinx".
        language: spoken language, ISO 639-1.
        run: "windowed" for packs trained on windows of any length, "padded" for stock Whisper
            models, "auto" to go by the pack.
        policy: "local-agreement" or "alignatt".
        margin_ms: AlignAtt commits no word that ends closer to the end of the audio.
        window_s: longest audio recognised at once; committed speech before it is let go.
        pause_ms: silence between words that closes a sentence.
        sentence_words: a sentence without punctuation is closed after so many words.
        no_speech: probability of silence above which a window gives no words, in (0, 1].
        beam: texts of a window that are weighed against each other; 1 takes the likeliest token
            each time. 0: 4 windowed, 1 padded.
        threads: of the recogniser; one is fastest for a single stream.
        compute_type: as CTranslate2 names it; "default" keeps what the model was saved in.
    """

    model: str = "listen-en"
    language: str = "en"
    run: str = "auto"
    policy: str = "local-agreement"
    margin_ms: int = 400
    window_s: float = 15.0
    pause_ms: int = 900
    sentence_words: int = 40
    no_speech: float = 0.6
    beam: int = 0
    threads: int = 1
    compute_type: str = "default"

    def __post_init__(self) -> None:
        _one_of("asr.run", self.run, ("auto", "windowed", "padded"))
        _one_of("asr.policy", self.policy, ("local-agreement", "alignatt"))
        _at_least("asr.margin_ms", self.margin_ms, 0, "")
        _at_least("asr.pause_ms", self.pause_ms, 100, "")
        _at_least("asr.sentence_words", self.sentence_words, 2, "")
        _at_least("asr.beam", self.beam, 0, "")
        _at_least("asr.threads", self.threads, 1, "")
        if not 2 <= self.window_s <= 29:
            raise ConfigError(
                f"asr.window_s is {self.window_s}: it must lie between 2 and 29 "
                "(Whisper hears 30 s)"
            )
        if not 0 < self.no_speech <= 1:
            raise ConfigError(f"asr.no_speech is {self.no_speech}: it must lie in (0, 1]")


@dataclass(frozen=True, slots=True)
class Translate:
    """What translates.

    Attributes:
        pack: name or folder of a translator pack, or of a model of transformers or CTranslate2
            (`simulst.translate.opening`); empty to choose a pack by language pair.
        verifier: another pack that plays p against `pack` as q; empty for the same weights
            with more source.
        max_ratio, max_extra: a sentence of n source words gets at most
            max_ratio * n + max_extra target units.
        threads: of the translator.
    """

    pack: str = ""
    verifier: str = ""
    max_ratio: float = 2.0
    max_extra: int = 8
    threads: int = 1

    def __post_init__(self) -> None:
        _at_least("translate.max_ratio", self.max_ratio, 0.1, "")
        _at_least("translate.max_extra", self.max_extra, 1, "")
        _at_least("translate.threads", self.threads, 1, "")


@dataclass(frozen=True, slots=True)
class Accept:
    """What may be written, and when.

    Attributes:
        rule: "ratio" is rejection sampling, min(1, p / (M q)), and "learned" the same with the
            ratio at full source as the pack's own network expects it; the others are its rivals.
            "auto": learned where the pack holds such a network, drafts are greedy and no other
            pack verifies them; otherwise the ratio.
        m: M of the ratio, or of the learned one; below 1 lenient, above 1 strict. 0: 1.6 of the
            learned one, 1 of the ratio.
        proposal: what q of the ratio is where the draft is greedy: "point" as it was proposed,
            with certainty, q = 1; "model" the model's probability, for which a confident word
            whose p has fallen by a hair is a doubtful one. Drawn drafts have the model's.
        sharpness: beta, p is sharpened to p^beta before the test; 1 is the bare ratio.
        lookback: L, source words withheld from the draft. -1: none of a draft that is judged by
            learned evidence, 1 of others.
        k_min, k_max: the lag in words never falls below k_min nor, but for holds that are
            forced open, exceeds k_max; plain wait-k uses k_min alone.
        entropy: the entropy rule writes below so many nats.
        rate: the random rule accepts with this probability.
        deterministic: greedy drafts and u = 1/2 in place of draws.
        temperature: of the drafts when they are drawn.
    """

    rule: str = "auto"
    m: float = 0.0
    proposal: str = "point"
    sharpness: float = 1.0
    lookback: int = -1
    k_min: int = 2
    k_max: int = 6
    entropy: float = 1.5
    rate: float = 0.7
    deterministic: bool = True
    temperature: float = 1.0

    def __post_init__(self) -> None:
        _one_of("accept.rule", self.rule, RULES)
        _one_of("accept.proposal", self.proposal, PROPOSALS)
        if not 0 <= self.m < math.inf:
            raise ConfigError(
                f"accept.m is {self.m}: M must be above 0 (1 is exact, less is lenient, "
                "more is strict), or 0 for what suits the rule"
            )
        if not 0 < self.sharpness < math.inf:
            raise ConfigError(
                f"accept.sharpness is {self.sharpness}: beta must be a number above 0"
            )
        _at_least("accept.k_min", self.k_min, 1, " (nothing can be written before the first word)")
        if self.k_max < self.k_min:
            raise ConfigError(
                f"accept.k_min is {self.k_min} and accept.k_max is {self.k_max}: "
                "k_min must not exceed k_max"
            )
        _at_least("accept.lookback", self.lookback, -1, " (-1: as suits the rule)")
        _at_least("accept.entropy", self.entropy, 0, "")
        if not 0 <= self.rate <= 1:
            raise ConfigError(f"accept.rate is {self.rate}: it must lie in [0, 1]")
        if not 0 < self.temperature < math.inf:
            raise ConfigError(f"accept.temperature is {self.temperature}: it must be above 0")

    @property
    def certain(self) -> bool:
        """The ratio takes its drafts as proposed with certainty, q = 1."""
        return self.rule == "ratio" and self.deterministic and self.proposal == "point"


@dataclass(frozen=True, slots=True)
class Speak:
    """How the translation is read aloud, where it is.

    Attributes:
        command: the synthesiser, words as a shell would split them, but run without one. In them
            {text}, {voice}, {language}, {rate} (words a minute), {speed} (1 is usual) and {length}
            (1 / speed) are filled in; without {text} it is given on standard input. It writes to
            standard output. Empty for espeak-ng.
        voice: as the synthesiser names it; empty for espeak-ng's own code of the language.
        raw_rate: Hz of the 16-bit mono samples that it writes; 0 if it writes a sound file, WAV
            or another that says its own rate.
        timeout_s: for one word group; a synthesiser that takes longer is killed.
        rate, rate_max: words a minute, as usual and when speech is far behind.
        behind_s: lag behind the text up to which the rate is as usual.
        words_min, words_max: of a group; letters of scripts without spaces count for half.
        wait_ms: words that nothing follows for so long are spoken, however few.
        device: loudspeaker, by a part of its name or its number; empty for the system's own.
    """

    command: str = ""
    voice: str = ""
    raw_rate: int = 0
    timeout_s: float = 10.0
    rate: int = 175
    rate_max: int = 280
    behind_s: float = 1.0
    words_min: int = 3
    words_max: int = 10
    wait_ms: int = 1500
    device: str = ""

    def __post_init__(self) -> None:
        try:
            words = shlex.split(self.command)
        except ValueError as error:
            raise ConfigError(
                f"speak.command is {self.command!r}: {error}; quote it as for a shell"
            ) from error
        if self.command and not words:
            raise ConfigError("speak.command is blank: name a program, or leave it out")
        for place in re.findall(r"{(\w*)}", self.command):
            _one_of("what stands in braces in speak.command", place, SPOKEN)
        if self.raw_rate and not 4_000 <= self.raw_rate <= 192_000:
            raise ConfigError(
                f"speak.raw_rate is {self.raw_rate}: it must lie between 4000 and 192000 Hz, or "
                "be 0 where the synthesiser writes WAV"
            )
        if self.raw_rate and not self.command:
            raise ConfigError(
                f"speak.raw_rate is {self.raw_rate}, but espeak-ng writes WAV: name the "
                "synthesiser that writes raw samples in speak.command"
            )
        if not 0 < self.timeout_s < math.inf:
            raise ConfigError(f"speak.timeout_s is {self.timeout_s}: it must be above 0")
        _at_least("speak.rate", self.rate, 80, " words a minute (espeak-ng's slowest)")
        _at_least("speak.rate_max", self.rate_max, self.rate, " (speak.rate)")
        _at_least("speak.behind_s", self.behind_s, 0, "")
        _at_least("speak.words_min", self.words_min, 1, "")
        _at_least("speak.words_max", self.words_max, self.words_min, " (speak.words_min)")
        _at_least("speak.wait_ms", self.wait_ms, 100, "")
