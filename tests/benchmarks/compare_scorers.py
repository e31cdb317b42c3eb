"""Our latency scores beside those of SimulEval, OmniSTEval and simulstream, on the same logs.

    simulst evaluate dev.tsv --to de --rule wait-k --rule ratio --out text
    simulst evaluate talk.jsonl --reference ref.txt --segments times.json --out talk
    python -m tests.benchmarks.compare_scorers text talk --reference ref.txt --segments times.json \
        --simuleval A/bin/python --omnisteval B/bin/python --simulstream C/bin/python

The interpreters are those of environments with `pip install simuleval`, `omnisteval`, and
`"simulstream[eval]"` (or simulstream and mweralign); the programs and the logs are used as they
are. To be known: SimulEval turns every metric computation-aware under --computation-aware, so it is
run once without; it reloads text logs as speech, which makes their ATD 0; a log without reference
counts as one of a single word, hence --no-use-ref-len.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from simulst.evaluate import talk
from simulst.evaluate.latency import Latency, average
from simulst.evaluate.logs import Instance, read_instances
from simulst.evaluate.longform import LongForm
from simulst.evaluate.segmentation import aligner
from simulst.evaluate.tables import aligned

Figures = dict[str, float]
METRICS = ("AL", "LAAL", "AP", "DAL", "ATD")
# the program's own entry, with a table that is not cut to the width of a terminal
SCORING = (
    "import pandas; pandas.set_option('display.width', 1000, 'display.max_columns', None); "
    "from simuleval.cli import scoring; scoring()"
)


def main() -> None:
    """Score everything under the folders and print what is what."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path, help="written by simulst evaluate --out")
    parser.add_argument("--reference", type=Path, help="of the talks")
    parser.add_argument("--segments", type=Path, help="times of the reference, JSON")
    for name in ("simuleval", "omnisteval", "simulstream"):
        parser.add_argument(f"--{name}", type=Path, help="python of its environment")
    args = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    worst = 0.0
    logs = sorted(log for folder in args.folders for log in folder.glob("*/instances.log"))
    for log in logs:
        whole = log.parent.name.endswith("_talk")
        if whole and not args.segments:
            continue
        found = _talk(log, args) if whole else _sentences(log, args)
        for metric, values in found:
            ours, *theirs = values
            known = () if ours is None else (abs(v - ours) for v in theirs if v is not None)
            off = max(known, default=None)
            worst = max(worst, off or 0.0)
            shown = ("–" if v is None else f"{v:.3f}" for v in (*values, off))
            rows.append((log.parent.name, metric, *shown))
    header = ("log", "metric", "simulst", "SimulEval", "OmniSTEval", "simulstream", "off by")
    print(aligned(header, rows))
    print(f"\nlargest difference {worst:.4f}; StreamLAAL here cut by {aligner()}")
    sys.exit(worst > 1e-3)


Row = tuple[str, tuple[float | None, ...]]


def _sentences(log: Path, args: argparse.Namespace) -> Iterator[Row]:
    """The metrics of single sentences: ours, SimulEval's, OmniSTEval's, none."""
    instances = read_instances(log)
    speech = any(len(i.source.split()) != i.source_length for i in instances)
    timings = [instance.timing() for instance in instances]
    for aware in (False, True):
        ours = average(timings, speech=speech, computation_aware=aware)
        if ours is None:
            continue
        theirs = _simuleval(log, args.simuleval, instances, aware) if args.simuleval else {}
        omni = _shortform(log, args.omnisteval, instances, aware) if args.omnisteval else {}
        for metric in METRICS:
            if metric != "ATD" or speech:
                values = (_of(ours, metric), theirs.get(metric), omni.get(metric), None)
                yield metric + "_CA" * aware, values


def _talk(log: Path, args: argparse.Namespace) -> Iterator[Row]:
    """The metrics of a whole talk: ours, none, OmniSTEval's, simulstream's."""
    scored = talk.score(log, args.reference, args.segments)
    omni = _longform(log, args) if args.omnisteval else {}
    stream = _stream(scored.instance, args) if args.simulstream else {}
    for suffix, ours in (("", scored.ideal), ("_CA", scored.aware)):
        if ours is not None:
            for metric, value in _long(ours):
                name = metric + suffix
                yield name, (value, None, omni.get(name), stream.get(name))


def _of(latency: Latency, metric: str) -> float:
    return float(getattr(latency, metric.lower()))


def _long(found: LongForm) -> Iterator[tuple[str, float | None]]:
    yield "StreamLAAL", found.stream_laal
    yield "LongLAAL", found.long_laal
    yield "LongYAAL", found.long_yaal


def _run(command: Sequence[object]) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def _simuleval(log: Path, python: Path, instances: Sequence[Instance], aware: bool) -> Figures:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "log"
        shutil.copytree(log.parent, folder)  # it writes into the folder
        command = [python, "-c", SCORING, "--score-only", "--output", folder]
        command += ["--computation-aware"] * aware
        command += ["--no-use-ref-len"] * (not instances[0].reference)
        command += ["--eval-latency-unit", "char"] * instances[0].character
        head, values = _run([*command, "--latency-metrics", *METRICS]).splitlines()[:2]
    found = dict(zip(head.split(), map(float, values.split()[1:]), strict=True))
    return {metric: found[metric] for metric in METRICS}


def _shortform(log: Path, python: Path, instances: Sequence[Instance], aware: bool) -> Figures:
    with tempfile.TemporaryDirectory() as place:
        lines = [(i.reference or i.prediction) + "\n" for i in instances]
        (reference := Path(place) / "reference").write_text("".join(lines), encoding="utf-8")
        command = ["shortform", "--hypothesis_file", log, "--ref_sentences_file", reference]
        found = _omnisteval(python, command, Path(place), instances[0].character)
    unit = "CA" if aware else "CU"
    return {metric: found[f"{metric} ({unit})"] for metric in METRICS if metric != "ATD"}


def _longform(log: Path, args: argparse.Namespace) -> Figures:
    with tempfile.TemporaryDirectory() as place:
        command = ["longform", "--hypothesis_file", log, "--ref_sentences_file", args.reference]
        command += ["--speech_segmentation", args.segments]
        character = read_instances(log)[0].character
        found = _omnisteval(args.omnisteval, command, Path(place), character)
    return {
        name.replace(" (CU)", "").replace(" (CA)", "_CA"): value for name, value in found.items()
    }


def _omnisteval(python: Path, command: list[object], place: Path, character: bool) -> Figures:
    unit = "--char_level" if character else "--word_level"
    out = place / "out"
    _run([python, "-m", "omnisteval.cli", *command, unit, "--output_folder", out])
    _, *rows = (line.split("\t") for line in (out / "scores.tsv").read_text().splitlines())
    return {name: float(value) for name, value in rows if ")" in name}


def _stream(instance: Instance, args: argparse.Namespace) -> Figures:
    code = (
        "import argparse, json, sys\n"
        "from simulstream.metrics.readers import OutputWithDelays, ReferenceSentenceDefinition\n"
        "from simulstream.metrics.scorers.latency import LatencyScoringSample\n"
        "from simulstream.metrics.scorers.latency.stream_laal import StreamLaal\n"
        "text, ideal, aware, rows, unit = json.load(sys.stdin)\n"
        "sentences = [ReferenceSentenceDefinition(*row) for row in rows]\n"
        "sample = LatencyScoringSample('a', OutputWithDelays(text, ideal, aware), sentences)\n"
        "found = StreamLaal(argparse.Namespace(latency_unit=unit)).score([sample])\n"
        "print(found.ideal_latency, found.computational_aware_latency)\n"
    )
    lines = [line for line in args.reference.read_text(encoding="utf-8").splitlines() if line]
    sentences, _ = talk.read_sentences(args.segments, lines)
    rows = [(s.text, s.start_ms, s.length_ms) for s in sentences]
    unit = "char" if instance.character else "word"
    aware = instance.elapsed or instance.delays
    given = json.dumps([instance.prediction, instance.delays, aware, rows, unit])
    done = subprocess.run(
        [args.simulstream, "-c", code], input=given, capture_output=True, text=True, check=True
    )
    ideal, computing = map(float, done.stdout.split())
    return {"StreamLAAL": ideal, "StreamLAAL_CA": computing}


if __name__ == "__main__":
    main()
