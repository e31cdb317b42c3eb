"""`simulst evaluate`: parallel text through the streaming policy, or logs, scored."""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from simulst import __version__
from simulst.config import RULES, Config, load
from simulst.corpus import read_pairs
from simulst.errors import ConfigError
from simulst.evaluate.output import Show, make_folder, progress, write_text
from simulst.options import tell_broken_lines

if TYPE_CHECKING:
    from simulst.evaluate.curve import Point
    from simulst.evaluate.logs import Instance

__all__ = ["add_arguments", "config_of", "run"]

TEXT_ONLY = ("pack", "glossary", "rule", "sweep", "limit", "set", "config", "threads")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="TEXT.tsv|LOG.jsonl|TALKS",
        help="a parallel text (.tsv, .tsv.gz), logs of simulst or SimulEval, or a folder of talks",
    )
    parser.add_argument("--to", default="", help="target language, ISO 639-1")
    parser.add_argument("--out", type=Path, help="folder for table.md, logs and curve.png")
    text = parser.add_argument_group("parallel text")
    text.add_argument("--pack", default="", help="translator pack, by name or folder")
    text.add_argument("--rule", action="append", default=[], help=f"{', '.join(RULES)}; repeatable")
    text.add_argument(
        "--sweep",
        action="append",
        default=[],
        metavar="[RULE:]PARAMETER=V,V",
        help="run at several k, m, sharpness, entropy or rate; repeatable, a curve each",
    )
    text.add_argument("--limit", type=int, default=0, help="first sentences or talks; 0: all")
    text.add_argument("--glossary", default="", metavar="FILE", help="names and terms")
    text.add_argument("--config", type=Path, help="TOML file with settings")
    text.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; repeatable"
    )
    text.add_argument("--threads", type=int, default=0, help="CPU threads; 0: as configured")
    logs = parser.add_argument_group("logs")
    logs.add_argument(
        "--reference",
        type=Path,
        help="reference, a sentence a line; a session log is scored against it as one document",
    )
    logs.add_argument(
        "--segments",
        type=Path,
        metavar="FILE",
        help="when the reference's sentences were spoken, a JSON or YAML list of offset and "
        "duration in seconds: StreamLAAL and LongYAAL of session logs",
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate, print the table, and write what was asked for.

    Raises:
        ConfigError: options that do not go together, or out of range.
        DataError: texts or logs that cannot be read.
        ModelError: a pack that is unknown or does not serve the languages.
        OutputError: the output folder cannot be written.
    """
    texts = [path for path in args.inputs if _is_text(path)]
    if not texts:
        if given := [f"--{name}" for name in TEXT_ONLY if getattr(args, name)]:
            raise ConfigError(
                f"{', '.join(given)}: logs are scored as they are; "
                "these options take a parallel text (.tsv)"
            )
        return _run_logs(args)
    if len(args.inputs) > 1:
        raise ConfigError(
            f"{len(args.inputs)} inputs, of which {len(texts)} are parallel text: "
            "give one text, or logs only"
        )
    if args.reference or args.segments:
        raise ConfigError(
            "--reference and --segments go with logs; a parallel text brings its own references"
        )
    return _run_text(args, texts[0])


def _is_text(path: Path) -> bool:
    return path.name.endswith((".tsv", ".tsv.gz"))


# -- parallel text -------------------------------------------------------------------------


def _run_text(args: argparse.Namespace, path: Path) -> int:
    from simulst.evaluate import curve, tables

    if not args.to:
        raise ConfigError("--to is missing: name the target language, for instance --to de")
    if args.limit < 0 or args.threads < 0:
        raise ConfigError(
            f"--limit is {args.limit} and --threads {args.threads}: neither may be below 0"
        )
    config = config_of(args)
    sweeps = curve.parse_sweeps(args.rule, args.sweep, config.accept.rule)
    asked = [(sweep, setting) for sweep in sweeps for setting in sweep.configs(config)]
    pairs = read_pairs(path)
    pairs = pairs[: args.limit] if args.limit else pairs
    out = make_folder(args.out)

    from simulst.accept import rules
    from simulst.translate.policy import Policy
    from simulst.translate.storage import open_translators

    translator, verifier, names = open_translators(config, args.to)
    runs: list[tuple[curve.Sweep, Config]] = []
    for sweep, setting in asked:
        accept = rules.settle(setting.accept, translator, verifier)
        runs.append((replace(sweep, rule=accept.rule), replace(setting, accept=accept)))
    terms = names.pop("glossary", "")
    name = " verified by ".join(names.values()) + (f" with {terms}" if terms else "")
    points: list[Point] = []
    with progress(len(runs) * len(pairs)) as show:
        for number, (sweep, setting) in enumerate(runs):
            policy = Policy(
                translator,
                rules.build(setting.accept),
                setting.accept,
                setting.translate,
                setting.seed,
                verifier,
            )
            points.append(
                curve.measure(
                    sweep,
                    setting,
                    policy,
                    pairs,
                    args.to,
                    translator.space,
                    _shifted(show, number * len(pairs), sweep.label),
                )
            )
            signature = _signature(points[0], path.name, len(pairs), name)
            rows = [curve.cells(point) for point in points]
            if out:  # as they come: a long sweep that is stopped keeps what it measured
                report = f"{tables.markdown(curve.HEADER, rows)}\n\n`{signature}`\n"
                write_text(out / "table.md", report)
                title = f"{number:02d}_{setting.accept.rule} {points[-1].parameters}"
                _write_instances(out, title, points[-1].simulation.instances, speech=False)
    print(tables.aligned(curve.HEADER, rows))
    print(f"\n{signature}")
    if out:
        _write_plot(out / "curve.png", points, path.name, signature)
        print(f"wrote {out}")
    return 0


def config_of(args: argparse.Namespace) -> Config:
    """The settings that file, overrides and options make together; options win.

    Raises:
        ConfigError: one is unknown or out of range, or two exclude each other.
    """
    config = load(args.config, args.set)
    translate = config.translate
    if args.pack:
        translate = replace(translate, pack=args.pack)
    if args.threads:
        translate = replace(translate, threads=args.threads)
    config = replace(config, translate=translate, glossary=args.glossary or config.glossary)
    tell_broken_lines(config)
    return config


def _signature(point: Point, name: str, count: int, pack: str) -> str:
    config, scores = point.config, point.quality
    parts = (
        f"simulst {__version__}",
        f"torch {importlib.metadata.version('torch')}",
        f"pack {pack}",
        f"{name}, first {count} pairs",
        f"BLEU {scores.bleu_signature}",
        f"chrF {scores.chrf_signature}",
        f"lagging in source words, Y in {_unit(point)}, means of sentences",
        "deterministic" if config.accept.deterministic else "drawn",
        f"seed {config.seed}",
        f"at most {config.translate.max_ratio:g}|x|+{config.translate.max_extra} units",
    )
    return "; ".join(parts)


def _unit(point: Point) -> str:
    return "characters" if point.simulation.instances[0].character else "words"


def _write_instances(out: Path, name: str, instances: Sequence[Instance], *, speech: bool) -> None:
    """A folder of its own, which `simuleval --score-only --output` reads."""
    from simulst.evaluate.logs import write_config, write_instances

    folder = make_folder(out / re.sub(r"[^\w.=-]+", "_", name))
    assert folder is not None
    write_instances(folder / "instances.log", instances)
    write_config(folder / "config.yaml", speech=speech)


def _write_plot(path: Path, points: Sequence[Point], name: str, signature: str) -> None:
    from simulst.evaluate.plots import plot

    curves: dict[str, list[tuple[float, float, str]]] = {}
    for point in points:
        at = (point.latency.laal, point.quality.bleu, point.varied)
        curves.setdefault(point.curve, []).append(at)
    try:
        plot(path, curves, title=f"Quality against latency, {name}", note=signature)
    except ConfigError as error:  # the figures are written; a missing extra must not cost them
        print(f"no {path.name}: {error}", file=sys.stderr)


def _shifted(show: Show, start: int, label: str) -> Callable[[int], None]:
    return lambda done: show(start + done, label)


# -- logs ----------------------------------------------------------------------------------


def _run_logs(args: argparse.Namespace) -> int:
    from simulst.evaluate import scoring, segmentation, tables, talk

    if args.segments and not args.reference:
        raise ConfigError("--segments are the times of a reference: give it with --reference")
    out = make_folder(args.out)
    scores = [scoring.score_log(path, args.to, args.reference) for path in args.inputs]
    rows = [row for score in scores for row in scoring.cells(score)]
    signature = scoring.signature(scores)
    talks = []
    if args.segments:
        talks = [talk.score(path, args.reference, args.segments) for path in args.inputs]
        signature += f"; StreamLAAL cut by {segmentation.aligner()}"
    long_rows = [
        row
        for score, found in zip(scores, talks, strict=False)
        for row in talk.cells(score.name, found)
    ]
    print(tables.aligned(scoring.HEADER, rows))
    if talks:
        print(f"\n{tables.aligned(talk.HEADER, long_rows)}")
    print(f"\n{signature}")
    if out:
        report = tables.markdown(scoring.HEADER, rows)
        if talks:
            report += f"\n\n{tables.markdown(talk.HEADER, long_rows)}"
        write_text(out / "table.md", f"{report}\n\n`{signature}`\n")
        for number, score in enumerate(scores):
            name = f"{number:02d}_{score.name}"
            _write_instances(out, name, score.instances, speech=score.speech)
            if talks:
                _write_instances(out, f"{name}_talk", [talks[number].instance], speech=True)
        print(f"wrote {out}")
    return 0
