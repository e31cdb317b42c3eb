"""The values that pass between the parts: frozen, slotted, and free of behaviour.

Time is an integer sample index at 16 kHz, counted from the start of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SAMPLE_RATE",
    "Action",
    "AudioChunk",
    "Draft",
    "Emission",
    "Hypothesis",
    "Reason",
    "Score",
    "SentenceEnd",
    "Speech",
    "Update",
    "Verdict",
    "Window",
    "Word",
]

SAMPLE_RATE = 16_000
"""Samples in a second of every stream inside simulst."""

Samples = NDArray[np.float32]


class Action(Enum):
    """What a simultaneous policy does next."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """A run of mono samples in [-1, 1].

    Attributes:
        samples: (n,) float32.
        start: index of the first sample in the stream.
    """

    samples: Samples
    start: int

    @property
    def end(self) -> int:
        """Index one past the last sample."""
        return self.start + len(self.samples)


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Audio that voice activity let through.

    Attributes:
        audio: follows the speech before it without a gap, unless that one had ended.
        ended: speech is over after it, by silence or by the end of the stream.
    """

    audio: AudioChunk
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised source word, punctuation attached.

    Attributes:
        text: without surrounding white space, never empty.
        start, end: samples, start <= end.
        probability: of the word under the recogniser, in [0, 1].
    """

    text: str
    start: int
    end: int
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class SentenceEnd:
    """The source sentence is closed; `at` is the sample where its last word ended."""

    at: int


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What a recogniser looks at in one step.

    Attributes:
        audio: the samples of the window.
        prefix: words already committed inside the window; recognition goes on after them.
    """

    audio: AudioChunk
    prefix: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What listening yields in one step.

    Attributes:
        committed: words and sentence ends that became final in this step, in order.
        tentative: words heard beyond them that may still change.
    """

    committed: tuple[Word | SentenceEnd, ...] = ()
    tentative: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Target units proposed by q, not yet shown to anyone.

    Attributes:
        tokens: subword ids, all units one after another.
        lengths: number of tokens of each unit; sums to len(tokens).
        units: text of each unit (a word, or a character where the script has no spaces).
        log_q: natural log-probability of each token under the distribution it was drawn from.
        entropy: in nats, of the distribution each token was drawn from.
        finished: q proposes to end the sentence after these units.
        withheld: L, of the source words read, how many of the last ones q did not see.
        terms: for each unit, the source word at which the glossary's term begins that it belongs
            to, or -1; empty where there is no glossary.
    """

    tokens: tuple[int, ...]
    lengths: tuple[int, ...]
    units: tuple[str, ...]
    log_q: tuple[float, ...]
    entropy: tuple[float, ...]
    finished: bool = False
    withheld: int = 0
    terms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """A draft seen by the verifier p, token by token.

    Attributes:
        log_p: natural log-probability of each drafted token under p (sharpened if asked).
        best: the token that p likes most at each position.
        entropy: in nats, of p at each position.
        expected: learned evidence, in [0, 1]: how far the full source is expected to accept each
            token, given those before it; None where the verifier has learned none.
    """

    log_p: tuple[float, ...]
    best: tuple[int, ...]
    entropy: tuple[float, ...]
    expected: tuple[float, ...] | None = None


class Reason(Enum):
    """Why a token was written or held back."""

    RATIO = "ratio"  # u <= min(1, p / (M q)), or not
    LEARNED = "learned"  # u <= alpha / M, or not, with alpha as a network expects it
    AGREEMENT = "agreement"  # p's own choice is the same, or another
    WORSE = "worse"  # p fell when more source was read, or did not
    ENTROPY = "entropy"  # q was sure enough, or not
    RANDOM = "random"  # a coin of fixed weight
    SCHEDULE = "schedule"  # the wait-k schedule alone decides
    FORCED = "forced"  # the lag reached k_max
    FINISH = "finish"  # the source sentence is closed
    TERM = "term"  # the glossary says how, and the acceptor when


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one drafted token, with every number it rests on.

    Attributes:
        sentence: index of the sentence in the session, from 0.
        position: index of the token in the target sentence, from 0.
        token: subword id.
        read: source words read when the decision was made.
        p, q: probabilities; None where the rule does not use them.
        ratio: min(1, p / (M q)) for the ratio test, alpha / M, at most 1, for learned evidence, the
            rule's own figure elsewhere, or None.
        u: the number that the ratio was compared with, or None.
        accepted: whether the token may be written.
        reason: the rule that decided.
    """

    sentence: int
    position: int
    token: int
    read: int
    p: float | None
    q: float | None
    ratio: float | None
    u: float | None
    accepted: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class Emission:
    """One target unit that has been shown and is never taken back.

    Attributes:
        index: position among the session's emissions, from 0, without gaps.
        sentence: index of the sentence in the session, from 0.
        text: the unit itself, without surrounding white space.
        space: what stands between it and the emission before ("" or " ").
        read: words of this sentence read when it was written.
        delay: samples of the stream that had been heard when it was written.
        spoken: end, in samples, of the last source word read when it was written.
        reason: why it was written.
        elapsed: `delay` plus the computing time until it was written, in samples; None until
            whoever runs the session stamps it.
    """

    index: int
    sentence: int
    text: str
    space: str
    read: int
    delay: int
    spoken: int
    reason: Reason
    elapsed: int | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """All that one step of a session gave.

    Attributes:
        heard: samples of the stream that the session has taken in.
        committed: source words and sentence ends that became final.
        emissions: target units written.
        verdicts: every decision taken, also those that led to a hold.
        tentative_source: words heard that may still change; replaces the one before.
        tentative_target: translation not yet accepted; replaces the one before.
        ended: the session has been closed and flushed.
    """

    heard: int
    committed: tuple[Word | SentenceEnd, ...] = ()
    emissions: tuple[Emission, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    tentative_source: str = ""
    tentative_target: str = ""
    ended: bool = False
