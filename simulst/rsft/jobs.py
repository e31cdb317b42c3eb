"""The stages as jobs: what each worker loads, and how a stage file is made from the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from simulst import __version__
from simulst.errors import ConfigError, DataError, ModelError
from simulst.rsft import acceptance, drawing
from simulst.rsft.acceptance import JUDGED, Selection
from simulst.rsft.drawing import CHUNK, Drawing
from simulst.rsft.opening import open_model, weights_of
from simulst.rsft.stages import StageFile, digest, read_records, read_signature
from simulst.rsft.talks import Sentence
from simulst.rsft.tally import Tally
from simulst.rsft.weighing import Weighing, weigh
from simulst.rsft.workers import Executor, ordered

__all__ = [
    "AcceptJob",
    "DrawJob",
    "WeighJob",
    "accept_stage",
    "check_policy",
    "check_teacher",
    "open_model",
    "sample_stage",
    "talk_stage",
]

Report = Callable[[int, dict[str, Any]], None]
"""Told the number of sources done and the last record."""

Chunk = tuple[int, list[Sentence]]
Records = list[dict[str, Any]]


def check_teacher(policy: str, teacher: str, lags: Sequence[int]) -> None:
    """Refuse a teacher that could tell nothing: the policy itself, where both see as much.

    Args:
        policy: name of its pack.
        teacher: name of a pack; "" for none.
        lags: that the policy drafts under.

    Raises:
        ConfigError: the test would be vacuous.
    """
    if teacher and 0 in lags and weights_of(teacher) == weights_of(policy):
        raise ConfigError(
            "the policy is its own teacher and drafts with the whole source in sight (lag 0): "
            "P = q accepts every draft alike and teaches nothing; leave 0 out of --lags, or name "
            "another --teacher"
        )


def check_policy(accepted: Path, pack: str) -> None:
    """Refuse to let another policy learn from drafts than the one that made them.

    Raises:
        DataError: `accepted` is no stage file of accepted text.
        ModelError: the pack has other weights.
    """
    signature = read_signature(accepted)
    if signature["stage"] != "accepted":
        raise DataError(f"{accepted} holds {signature['stage']}: give the file of the accept stage")
    drawn_by = signature["drawn_by"]
    if drawn_by["weights"] != weights_of(pack):
        raise ModelError(
            f"{accepted} was drawn from {drawn_by['policy']}, whose weights are not those of "
            f"{pack}: give the pack that drew it, or draw again"
        )


@dataclass(frozen=True, slots=True)
class DrawJob:
    """Drawing from a pack."""

    pack: str
    settings: Drawing
    device: str = "cpu"

    def open(self) -> Callable[[Chunk], Records]:
        """Load the policy."""
        policy = open_model(self.pack, self.device)
        return lambda chunk: drawing.draw(policy, *chunk, self.settings)


@dataclass(frozen=True, slots=True)
class AcceptJob:
    """Selecting from samples with a policy and a teacher."""

    pack: str
    teacher: str
    selection: Selection
    device: str = "cpu"

    def open(self) -> Callable[[Records], Records]:
        """Load both models."""
        policy = open_model(self.pack, self.device)
        teacher = open_model(self.teacher, self.device) if self.teacher else None
        return lambda records: acceptance.accept(
            policy, teacher, records, self.selection, policy.eos
        )


@dataclass(frozen=True, slots=True)
class WeighJob:
    """Weighing samples against a teacher, as whole sequences."""

    teacher: str
    selection: Selection
    device: str = "cpu"

    def open(self) -> Callable[[Records], list[float]]:
        """Load the teacher."""
        teacher = open_model(self.teacher, self.device)
        power, seed = self.selection.power, self.selection.seed
        return lambda records: weigh(teacher, records, power, seed)


def talk_stage(sentences: Iterable[Sentence], path: Path, facts: dict[str, Any]) -> int:
    """Write the sentences of all talks to `talks.jsonl`; return how many there are.

    Args:
        sentences: in an order that does not change from run to run.
        path: of the stage file.
        facts: what they depend on.

    Raises:
        DataError: the file is of other talks, or of these before they were changed.
    """
    with StageFile(path, {"stage": "talks", "simulst": __version__, **facts}) as file:
        before = read_records(path) if file.done else iter(())
        for sentence in sentences:
            if (record := next(before, None)) is None:
                file.append(asdict(sentence))
            elif record != asdict(sentence):
                raise DataError(
                    f"{path} has {record['source']!r} where the talks now have "
                    f"{sentence.source!r}: they have changed; give another folder"
                )
        if next(before, None) is not None:
            raise DataError(
                f"{path} holds more sentences than the talks do now: give another folder"
            )
        return file.done


def sample_stage(
    talks: Path,
    path: Path,
    pack: str,
    settings: Drawing,
    report: Report,
    workers: int | Executor = 1,
    device: str = "cpu",
) -> int:
    """Draw for every sentence of `talks.jsonl`; return the number of sources done.

    Raises:
        DataError: `talks` is no stage file, or `path` is of another run.
    """
    signature = {
        "stage": "samples",
        "talks": digest(read_signature(talks)),
        "policy": pack,
        "weights": weights_of(pack),
        "drawing": asdict(settings),
    }
    with StageFile(path, signature) as file:
        sentences = (Sentence(r["talk"], r["source"], r["reference"]) for r in read_records(talks))
        skip = file.done % CHUNK
        parts = drawing.chunks(sentences, file.done)
        for records in ordered(DrawJob(pack, settings, device), parts, workers):
            for record in records[skip:]:
                file.append(record)
                report(file.done, record)
            skip = 0
        return file.done


def _record_chunks(path: Path, skip: int) -> Iterator[Records]:
    """Records in chunks of the same boundaries as in an uninterrupted run."""
    stream = read_records(path, skip - skip % CHUNK)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk


def accept_stage(
    samples: Path,
    path: Path,
    teacher: str,
    selection: Selection,
    report: Report,
    workers: int | Executor = 1,
    quantile: float = 1.0,
    device: str = "cpu",
) -> dict[str, Any]:
    """Select from `samples.jsonl`; return the figures of the whole stage.

    For whole sequences M is first estimated over all samples, and the effective sample size of
    their weights is among the figures.

    Args:
        samples: stage file.
        path: stage file to make.
        teacher: pack that plays P; "" for forms without one.
        selection: the settings; its seed is taken from the samples.
        report: told of every source.
        workers: processes, or who else does it.
        quantile: of the ratios that M is set to, for whole sequences.
        device: where the models compute.

    Raises:
        ConfigError: the form needs a teacher or references that are not there, or the teacher
            is the policy and sees no more.
        DataError: `samples` is no stage file, or `path` is of another run.
        ModelError: the teacher reads other subwords.
    """
    before = read_signature(samples)
    if before["stage"] != "samples":
        raise DataError(f"{samples} holds {before['stage']}: give the file of the sample stage")
    if selection.form in JUDGED:
        check_teacher(before["policy"], teacher, before["drawing"]["lags"])
    selection = replace(selection, seed=before["drawing"]["seed"])
    facts: dict[str, Any] = {}
    if selection.form == "sequence":
        weighing = WeighJob(teacher, selection, device)
        facts = _estimate(samples, weighing, quantile, workers)
        selection = replace(selection, log_m=facts["log_m"])
    signature = {
        "stage": "accepted",
        "samples": digest(before),
        "drawn_by": {"policy": before["policy"], "weights": before["weights"]},
        "teacher": teacher,
        "weights": weights_of(teacher) if teacher else "",
        "selection": asdict(selection),
        **facts,
    }
    with StageFile(path, signature) as file:
        skip = file.done % CHUNK
        parts = _record_chunks(samples, file.done)
        selecting = AcceptJob(before["policy"], teacher, selection, device)
        for records in ordered(selecting, parts, workers):
            for record in records[skip:]:
                file.append(record)
                report(file.done, record)
            skip = 0
    return {**facts, **summary(path)}


def _estimate(
    samples: Path, job: WeighJob, quantile: float, workers: int | Executor
) -> dict[str, Any]:
    """M over all samples, and what their weights are worth."""
    weighing = Weighing()
    for weights in ordered(job, _record_chunks(samples, 0), workers):
        weighing.add(weights)
    return {
        "log_m": round(weighing.log_m(quantile), 6),
        "quantile": quantile,
        "effective_sample_size": round(weighing.effective_sample_size, 3),
        "samples_weighed": weighing.count,
    }


def summary(path: Path) -> dict[str, Any]:
    """The figures of a stage file of accepted text, added up a record at a time."""
    keys = ("drawn", "passed_whole", "judged", "passed", "distinct")
    totals = dict.fromkeys(keys, 0)
    tally = Tally()
    kept = sources = tokens = own = 0
    ahead = 0.0
    refused: dict[str, int] = {}
    for record in read_records(path):
        for key in keys:
            totals[key] += record[key]
        for reason, count in record["refused"].items():
            refused[reason] = refused.get(reason, 0) + count
        for counts in record["proposals"]:
            tally.add(counts)
        kept += len(record["accepted"])
        sources += bool(record["accepted"])
        tokens += sum(len(target["tokens"]) for target in record["accepted"])
        own += sum(sum(target["learned"]) for target in record["accepted"])
        ahead += sum(t["anticipation"] * len(t["tokens"]) for t in record["accepted"])
    return {
        **totals,
        "acceptance": totals["passed"] / totals["judged"] if totals["judged"] else None,
        "mean_ratio": tally.mean_ratio,
        "sample_size": tally.sample_size,
        "refused": refused,
        "kept": kept,
        "sources": sources,
        "tokens": tokens,
        "own_share": own / tokens if tokens else None,
        "anticipation": ahead / tokens if tokens else None,
    }
