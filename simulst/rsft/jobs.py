"""The stages as jobs: what each worker loads, and how a stage file is made from the one before."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from simulst import __version__, packs
from simulst.accept.sequences import effective_sample_size, estimate_log_m
from simulst.errors import DataError
from simulst.protocols import Seq2Seq
from simulst.rsft import acceptance, drawing
from simulst.rsft.acceptance import Selection
from simulst.rsft.drawing import CHUNK, Drawing
from simulst.rsft.selection import log_ratios
from simulst.rsft.stages import StageFile, digest, read_records, read_signature
from simulst.rsft.talks import Sentence
from simulst.rsft.workers import ordered
from simulst.translate.sentences import WaitkSeq2Seq
from simulst.translate.storage import load_translator

__all__ = ["AcceptJob", "DrawJob", "accept_stage", "open_model", "sample_stage", "talk_stage"]

Report = Callable[[int, dict[str, Any]], None]
"""Told the number of sources done and the last record."""

Chunk = tuple[int, list[Sentence]]
Records = list[dict[str, Any]]


def open_model(name: str) -> WaitkSeq2Seq:
    """The pack of this name or path, for whole sentences.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    return WaitkSeq2Seq(load_translator(packs.find(name, "translator")))


def _weights_of(name: str) -> str:
    """A fingerprint of a pack's files: another policy draws other samples."""
    pack = packs.find(name, "translator")
    return digest((pack.path / packs.MANIFEST).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class DrawJob:
    """Drawing from a pack."""

    pack: str
    settings: Drawing

    def open(self) -> Callable[[Chunk], Records]:
        """Load the policy."""
        policy = open_model(self.pack)
        return lambda chunk: drawing.draw(policy, *chunk, self.settings)


@dataclass(frozen=True, slots=True)
class AcceptJob:
    """Selecting from samples with a policy and a teacher."""

    pack: str
    teacher: str
    selection: Selection

    def open(self) -> Callable[[Records], Records]:
        """Load both models."""
        policy = open_model(self.pack)
        teacher = open_model(self.teacher) if self.teacher else None
        return lambda records: acceptance.accept(
            policy, teacher, records, self.selection, policy.eos
        )


def talk_stage(sentences: Iterable[Sentence], path: Path, facts: dict[str, Any]) -> int:
    """Write the sentences of all talks to `talks.jsonl`; return how many there are.

    Args:
        sentences: in an order that does not change from run to run.
        path: of the stage file.
        facts: what they depend on.
    """
    with StageFile(path, {"stage": "talks", "simulst": __version__, **facts}) as file:
        for sentence in islice(sentences, file.done, None):
            file.append(asdict(sentence))
        return file.done


def sample_stage(
    talks: Path, path: Path, pack: str, settings: Drawing, report: Report, workers: int = 1
) -> int:
    """Draw for every sentence of `talks.jsonl`; return the number of sources done.

    Raises:
        DataError: `talks` is no stage file, or `path` is of another run.
    """
    signature = {
        "stage": "samples",
        "talks": digest(read_signature(talks)),
        "policy": pack,
        "weights": _weights_of(pack),
        "drawing": asdict(settings),
    }
    with StageFile(path, signature) as file:
        sentences = (Sentence(r["talk"], r["source"], r["reference"]) for r in read_records(talks))
        skip = file.done % CHUNK
        parts = drawing.chunks(sentences, file.done)
        for records in ordered(DrawJob(pack, settings), parts, workers):
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
    workers: int = 1,
    quantile: float = 1.0,
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
        workers: processes.
        quantile: of the ratios that M is set to, for whole sequences.

    Raises:
        ConfigError: the form needs a teacher or references that are not there.
        DataError: `samples` is no stage file, or `path` is of another run.
        ModelError: the teacher reads other subwords.
    """
    before = read_signature(samples)
    if before["stage"] != "samples":
        raise DataError(f"{samples} holds {before['stage']}: give the file of the sample stage")
    selection = replace(selection, seed=before["drawing"]["seed"])
    facts: dict[str, Any] = {}
    if selection.form == "sequence":
        facts = _estimate(samples, teacher, selection, quantile)
        selection = replace(selection, log_m=facts["log_m"])
    signature = {
        "stage": "accepted",
        "samples": digest(before),
        "teacher": teacher,
        "weights": _weights_of(teacher) if teacher else "",
        "selection": asdict(selection),
        **facts,
    }
    with StageFile(path, signature) as file:
        skip = file.done % CHUNK
        parts = _record_chunks(samples, file.done)
        job = AcceptJob(before["policy"], teacher, selection)
        for records in ordered(job, parts, workers):
            for record in records[skip:]:
                file.append(record)
                report(file.done, record)
            skip = 0
    return {**facts, **summary(path)}


def _estimate(samples: Path, teacher: str, selection: Selection, quantile: float) -> dict[str, Any]:
    """M over all samples, and what their weights are worth."""
    model: Seq2Seq = open_model(teacher)
    weights: list[float] = []
    for records in _record_chunks(samples, 0):
        rows = [drawing.samples_of(record, selection.seed) for record in records]
        proposals = [proposal for row, _ in rows for proposal in row]
        drafts = [sample for _, row in rows for sample in row]
        ratios = log_ratios(model, proposals, drafts)
        weights += [selection.power * math.fsum(values) for values in ratios]
    return {
        "log_m": round(estimate_log_m(weights, quantile), 6),
        "quantile": quantile,
        "effective_sample_size": round(effective_sample_size(weights), 3),
        "samples_weighed": len(weights),
    }


def summary(path: Path) -> dict[str, Any]:
    """The figures of a stage file of accepted text, added up a record at a time."""
    keys = ("drawn", "passed_whole", "judged", "passed", "distinct")
    totals = dict.fromkeys(keys, 0)
    kept = sources = tokens = own = 0
    refused: dict[str, int] = {}
    for record in read_records(path):
        for key in keys:
            totals[key] += record[key]
        for reason, count in record["refused"].items():
            refused[reason] = refused.get(reason, 0) + count
        kept += len(record["accepted"])
        sources += bool(record["accepted"])
        tokens += sum(len(target["tokens"]) for target in record["accepted"])
        own += sum(sum(target["learned"]) for target in record["accepted"])
    return {
        **totals,
        "acceptance": totals["passed"] / totals["judged"] if totals["judged"] else None,
        "refused": refused,
        "kept": kept,
        "sources": sources,
        "tokens": tokens,
        "own_share": own / tokens if tokens else None,
    }


def dev_overlap(dev: Sequence[str], sources: Iterable[str]) -> list[str]:
    """Sources that the dev text holds too: to learn from them would be cheating."""
    known = {" ".join(text.lower().split()) for text in dev}
    return [text for text in sources if " ".join(text.lower().split()) in known]
