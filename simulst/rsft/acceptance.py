"""The accept stage: samples of a source go in, what the policy may learn from comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulst.draws import uniform
from simulst.errors import ConfigError
from simulst.protocols import Proposal, Sample, Seq2Seq
from simulst.rsft.beam import beam_search
from simulst.rsft.drawing import samples_of
from simulst.rsft.gates import Gates, chrf
from simulst.rsft.selection import (
    Accepted,
    by_prefix,
    by_reward,
    by_sequence,
    check_vocabularies,
    log_ratios,
    rescored,
    whole,
)
from simulst.rsft.sieve import Candidate, Sifted, sift
from simulst.rsft.speculation import speculative
from simulst.rsft.tally import positions, tallies

__all__ = ["FORMS", "JUDGED", "Selection", "accept"]

FORMS = (
    *("speculative", "prefix", "sequence", "rescored", "beam"),
    *("all", "random", "reward", "best"),
)
JUDGED = ("speculative", "prefix", "sequence", "rescored", "beam")
"""Forms that need a teacher."""
DIGITS = 4  # of an anticipation


@dataclass(frozen=True, slots=True)
class Selection:
    """How samples are selected.

    Attributes:
        form: one of `FORMS`; see `simulst.rsft.selection`.
        m: M of the token-level tests.
        sharpness: beta; the speculative form tests against P^beta, as the live line does.
        log_m: natural logarithm of M for whole sequences, estimated beforehand.
        power: beta of whole sequences, (P/q)^beta.
        rate: acceptance rate of the random form.
        reward_temperature: beta of RSO.
        keep: targets learnt from at most a source, one of each text; what the teacher's beam
            found may be learnt under each of the drafts' lags.
        gates: bars on quality; None for none.
        seed: of the drawing that is selected from.
    """

    form: str = "speculative"
    m: float = 1.0
    sharpness: float = 1.0
    log_m: float = 0.0
    power: float = 1.0
    rate: float = 0.7
    reward_temperature: float = 5.0
    keep: int = 4
    gates: Gates | None = field(default_factory=Gates)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ConfigError(f"form {self.form!r} is unknown: use one of {', '.join(FORMS)}")
        if self.sharpness != 1 and self.form != "speculative":
            raise ConfigError(
                f"sharpness is {self.sharpness:g}: only the form 'speculative' sharpens P, not "
                f"{self.form!r}; leave it at 1"
            )
        for name in ("m", "sharpness", "power", "reward_temperature"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be above 0")
        if self.keep < 1:
            raise ConfigError(f"keep is {self.keep}: at least 1 target of a source is needed")
        if not 0 <= self.rate <= 1:
            raise ConfigError(f"rate is {self.rate}: it must lie in [0, 1]")


@dataclass(slots=True)
class _Source:
    """A source with its samples."""

    record: dict[str, Any]
    proposals: list[Proposal]
    samples: list[Sample]
    ratios: Sequence[tuple[float, ...]] = ()


def accept(
    policy: Seq2Seq,
    teacher: Seq2Seq | None,
    records: Sequence[dict[str, Any]],
    selection: Selection,
    eos: int,
) -> list[dict[str, Any]]:
    """Select from the samples of a chunk of sources.

    Args:
        policy: q.
        teacher: P; None for the forms without one.
        records: as `drawing.draw` gave them.
        selection: the settings.
        eos: the token that ends a sentence.

    Returns:
        One record a source: {"id", "talk", "source", "reference", "accepted": [{"lag",
        "temperature", "tokens", "learned", "text", "anticipation": nats a token}], "drawn",
        "passed_whole": samples, "judged", "passed": tokens, "distinct": texts that passed the
        test, "distinct_by": {"lag" or "temperature": {value: the same of its samples}},
        "refused": {reason: samples},
        "positions": {lag: [[judged, passed] at each position]}, "proposals": [{"lag",
        "temperature", and the counts of a `Tally`}]}.

    Raises:
        ConfigError: a form that needs a teacher, references or ratios, and has none.
        DataError: a draft that cannot have been drawn.
        ModelError: the teacher reads other subwords.
    """
    if teacher is None and selection.form in JUDGED:
        raise ConfigError(
            f"form {selection.form!r} tests against a teacher: name one with --teacher, or use "
            "the form 'reward'"
        )
    if teacher is not None and selection.form in JUDGED:
        check_vocabularies(policy, teacher)
    sources = [_Source(record, *samples_of(record, selection.seed)) for record in records]
    found = _select(policy, teacher, sources, selection, eos)
    sifted = sift(
        policy,
        records,
        found,
        selection.gates,
        beginnings=selection.form == "prefix",
        each_lag=selection.form == "beam",
    )
    return [
        _record(source, accepted, selection, mine)
        for source, accepted, mine in zip(sources, found, sifted, strict=True)
    ]


def _select(
    policy: Seq2Seq,
    teacher: Seq2Seq | None,
    sources: Sequence[_Source],
    selection: Selection,
    eos: int,
) -> list[list[Accepted]]:
    """What the form accepts of each source, before the gates."""
    form = selection.form
    proposals = [p for source in sources for p in source.proposals]
    samples = [s for source in sources for s in source.samples]
    if form in ("reward", "best"):
        keep = 1 if form == "best" else selection.keep
        return [_rewarded(policy, source, selection, keep) for source in sources]
    if form == "speculative":
        assert teacher is not None
        flat = speculative(
            policy, teacher, proposals, samples, selection.m, eos, selection.sharpness
        )
    elif form == "prefix":
        assert teacher is not None
        flat = by_prefix(teacher, proposals, samples, selection.m)
    elif form == "sequence":
        assert teacher is not None
        ratios = log_ratios(teacher, proposals, samples)
        rest = iter(ratios)
        for source in sources:
            source.ratios = [next(rest) for _ in source.samples]
        flat = by_sequence(proposals, samples, ratios, selection.log_m, selection.power)
    elif form == "rescored":
        assert teacher is not None
        return [[rescored(teacher, source.proposals, source.samples)] for source in sources]
    elif form == "beam":
        assert teacher is not None
        found = beam_search(teacher, [source.proposals[0].source for source in sources], eos)
        return [
            [
                whole(proposal, Sample(tokens, (), True))
                for proposal in {p.lag: p for p in source.proposals}.values()
            ]
            for source, tokens in zip(sources, found, strict=True)
        ]
    else:
        rate = 1.0 if form == "all" else selection.rate
        flat = [
            whole(proposal, sample)
            for proposal, sample in zip(proposals, samples, strict=True)
            if uniform(*proposal.key, "coin") < rate
        ]
    rows: dict[int, list[Accepted]] = {source.record["id"]: [] for source in sources}
    for accepted in flat:
        rows[int(accepted.proposal.key[1])].append(accepted)
    return list(rows.values())


def _rewarded(policy: Seq2Seq, source: _Source, selection: Selection, keep: int) -> list[Accepted]:
    """By chrF with the reference, which takes the place of a better model."""
    reference = source.record["reference"]
    if not reference:
        raise ConfigError(
            f"form {selection.form!r} rewards what comes close to a reference; sentence "
            f"{source.record['id']} of {source.record['talk']} has none: add references, or use a "
            "form with a teacher"
        )
    rewards = [chrf(policy.text(sample.tokens), reference) for sample in source.samples]
    if keep == 1 and selection.form == "best":
        best = max(range(len(rewards)), key=rewards.__getitem__)
        return [whole(source.proposals[best], source.samples[best])]
    return by_reward(source.proposals, source.samples, rewards, selection.reward_temperature, keep)


def _record(
    source: _Source, found: Sequence[Accepted], selection: Selection, sifted: Sifted
) -> dict[str, Any]:
    """What became of a source, with a few of its targets."""
    record = source.record
    balanced = sorted(sifted.kept, key=lambda candidate: _turn(candidate, sifted.kept))
    learnt = balanced[: selection.keep]
    targets = [candidate.accepted for candidate in learnt]
    counts = tallies(source.proposals, found, targets, source.ratios, selection.m)
    return {
        **{name: record[name] for name in ("id", "talk", "source", "reference")},
        "accepted": [
            {
                "lag": candidate.accepted.proposal.lag,
                "temperature": candidate.accepted.proposal.temperature,
                "tokens": candidate.accepted.tokens,
                "learned": [int(own) for own in candidate.accepted.learned],
                "text": candidate.text,
                "anticipation": round(candidate.anticipation, DIGITS),
            }
            for candidate in learnt
        ],
        "drawn": len(source.samples),
        "passed_whole": len(sifted.texts),
        "judged": sum(accepted.judged for accepted in found),
        "passed": sum(accepted.passed for accepted in found),
        "distinct": len({text for _, text in sifted.texts}),
        "distinct_by": {
            "lag": _distinct((str(p.lag), text) for p, text in sifted.texts),
            "temperature": _distinct((str(p.temperature), text) for p, text in sifted.texts),
        },
        "refused": dict(sifted.refused),
        "positions": positions(found),
        "proposals": [
            {"lag": lag, "temperature": temperature, **tally.record()}
            for (lag, temperature), tally in sorted(counts.items())
        ],
    }


def _distinct(texts: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Different texts of each kind."""
    return dict(Counter(kind for kind, _ in sorted(set(texts))))


def _turn(candidate: Candidate, among: Sequence[Candidate]) -> tuple[int, int]:
    """Sorting by it takes one target of each lag before a second of any."""
    lag = candidate.accepted.proposal.lag
    same = [other for other in among if other.accepted.proposal.lag == lag]
    return same.index(candidate), lag
