"""Drawing translations of talks from the policy, as it would write them live.

The proposal q is a choice: which lags, which temperatures, how many drafts of a source. Every
draft has a key of its own, so that what is drawn does not depend on which process draws it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from simulst.draws import uniform
from simulst.errors import ConfigError, DataError
from simulst.protocols import Proposal, Sample, Seq2Seq
from simulst.rsft.talks import Sentence

__all__ = ["Drawing", "chunks", "draw", "proposals", "samples_of"]

COLDEST = 0.01  # below, nothing but the most likely token has a probability that counts

CHUNK = 32
"""Sources drawn for at once. It is part of what is computed: float sums depend on the batch."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The proposal.

    Attributes:
        drafts: N of each source.
        lags: k of the schedules drafted under; 0 is the whole source.
        temperatures: of the drafts, >= 0.01.
        seed: of all random numbers.
    """

    drafts: int = 8
    lags: tuple[int, ...] = (1, 2, 3, 5, 7)
    temperatures: tuple[float, ...] = (0.5, 0.7, 1.0)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.drafts < 1:
            raise ConfigError(f"{self.drafts} drafts of a source: at least 1 is needed")
        if not self.lags or min(self.lags) < 0:
            raise ConfigError(f"lags {self.lags}: give one or more, each 0 or above")
        if not self.temperatures or min(self.temperatures) < COLDEST:
            raise ConfigError(
                f"temperatures {self.temperatures}: give one or more, each at least {COLDEST}; "
                "colder ones give probability 0 to all but one token, and q must cover P"
            )


def proposals(source: str, number: int, drawing: Drawing) -> list[Proposal]:
    """The proposals of one source; lags and temperatures are spread evenly over its drafts.

    Args:
        source: its text.
        number: of the source in the run.
        drawing: the settings.
    """
    words = tuple(source.split())
    lag_at, temperature_at = (
        int(uniform(drawing.seed, number, what) * len(values))
        for what, values in (("lag", drawing.lags), ("temperature", drawing.temperatures))
    )
    found = []
    for i in range(drawing.drafts):
        lag = drawing.lags[(i + lag_at) % len(drawing.lags)]
        temperature = drawing.temperatures[(i + temperature_at) % len(drawing.temperatures)]
        found.append(Proposal(words, lag, temperature, (drawing.seed, number, i)))
    return found


def chunks(sentences: Iterator[Sentence], skip: int) -> Iterator[tuple[int, list[Sentence]]]:
    """Sources in chunks, each with the number of its first one.

    Args:
        sentences: of all talks.
        skip: sentences that an earlier run is done with. Chunks keep the boundaries that they have
            in an uninterrupted run; of the first one only the rest is missing.
    """
    number = skip - skip % CHUNK
    for _ in islice(sentences, number):
        pass
    while chunk := list(islice(sentences, CHUNK)):
        yield number, chunk
        number += len(chunk)


def draw(
    policy: Seq2Seq, first: int, sentences: Sequence[Sentence], drawing: Drawing
) -> list[dict[str, Any]]:
    """Draw for a chunk of sources.

    Returns:
        One record a source: {"id", "talk", "source", "reference", "drafts": [{"lag",
        "temperature", "tokens", "log_q", "finished"}]}.
    """
    wanted = [
        proposals(sentence.source, first + i, drawing) for i, sentence in enumerate(sentences)
    ]
    samples = iter(policy.sample([proposal for row in wanted for proposal in row]))
    return [
        {
            "id": first + i,
            "talk": sentence.talk,
            "source": sentence.source,
            "reference": sentence.reference,
            "drafts": [_draft(proposal, next(samples)) for proposal in row],
        }
        for i, (sentence, row) in enumerate(zip(sentences, wanted, strict=True))
    ]


def _draft(proposal: Proposal, sample: Sample) -> dict[str, Any]:
    return {
        "lag": proposal.lag,
        "temperature": proposal.temperature,
        "tokens": sample.tokens,
        "log_q": [round(value, 6) for value in sample.log_q],
        "finished": sample.finished,
    }


def samples_of(record: dict[str, Any], seed: int) -> tuple[list[Proposal], list[Sample]]:
    """What `draw` stored of a source, as it was drawn.

    Raises:
        DataError: a draft that cannot have been drawn: then P/q has no value.
    """
    words = tuple(record["source"].split())
    wanted, samples = [], []
    for i, draft in enumerate(record["drafts"]):
        key = (seed, record["id"], i)
        log_q = draft["log_q"]
        if len(log_q) != len(draft["tokens"]) or not all(map(_possible, log_q)):
            raise DataError(
                f"draft {i} of sentence {record['id']} ({record['talk']}) has not a probability "
                "above 0 for each of its tokens, so P/q has no value: draw again, at temperatures "
                f"above {draft['temperature']:g} if this one made q vanish"
            )
        wanted.append(Proposal(words, draft["lag"], draft["temperature"], key))
        samples.append(Sample(tuple(draft["tokens"]), tuple(log_q), draft["finished"]))
    return wanted, samples


def _possible(log_q: float) -> bool:
    """Whether it is the logarithm of a probability above 0, up to rounding."""
    return math.isfinite(log_q) and log_q <= 1e-4
