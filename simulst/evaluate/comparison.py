"""`simulst compare`: is one curve of quality against latency above another?

Every curve is named and given its logs, one a setting, as `simulst evaluate --out` and SimulEval
write them. The first is the baseline; each other is compared with it at the points of both, as far
as both reach.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from simulst.errors import ConfigError, OutputError
from simulst.evaluate import tables
from simulst.evaluate.logs import read_instances
from simulst.evaluate.tables import figure
from simulst.evaluate.tradeoff import Difference, compare_curves, curve_of, latencies

__all__ = ["HEADER", "add_arguments", "cells", "run"]

HEADER = ("curve", "LAAL", "BLEU", "baseline", "difference", "95 %", "p")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--curve",
        action="append",
        nargs="+",
        required=True,
        metavar=("NAME", "LOG"),
        help="a name and its logs (instances.log, or the folder it is in); the first: baseline",
    )
    parser.add_argument("--to", required=True, metavar="LANG", help="target language")
    parser.add_argument("--draws", type=int, default=1000, help="of the bootstrap (1000)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table as Markdown")


def run(args: argparse.Namespace) -> int:
    """Compare, and print the table.

    Raises:
        ConfigError: fewer than two curves, or curves without a latency in common.
        DataError: a log that cannot be read, or logs of different sentences.
        OutputError: the table cannot be written.
    """
    if len(args.curve) < 2:
        raise ConfigError("one --curve is nothing to compare: give the baseline, then another")
    if args.draws < 100:
        raise ConfigError(f"--draws is {args.draws}: a bootstrap wants 100 or more")
    curves = [
        curve_of(name, [[read_instances(_log(Path(log))) for log in logs]], args.to)
        for name, *logs in args.curve
    ]
    baseline, others = curves[0], curves[1:]
    found: list[Difference] = []
    for curve in others:
        at = {*latencies(baseline, [curve]), *latencies(curve, [baseline])}
        found += compare_curves(baseline, [curve], sorted(at), draws=args.draws)
    rows = [cells(difference) for difference in found]
    count = baseline.lags.shape[2]
    note = (
        f"baseline {baseline.name}; {count} sentences; BLEU between the points of a curve is "
        f"interpolated; paired bootstrap, {args.draws} draws"
    )
    print(tables.aligned(HEADER, rows))
    print(f"\n{note}")
    if args.out:
        try:
            args.out.write_text(f"{tables.markdown(HEADER, rows)}\n\n{note}\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{args.out} cannot be written: {error.strerror}") from error
    return 0


def _log(path: Path) -> Path:
    return path / "instances.log" if path.is_dir() else path


def cells(difference: Difference) -> tuple[str, ...]:
    """A row under `HEADER`."""
    return (
        difference.name,
        figure(difference.laal),
        figure(difference.bleu),
        figure(difference.baseline),
        f"{difference.gain:+.2f}",
        f"{difference.low:+.2f} … {difference.high:+.2f}",
        figure(difference.p_value, 3),
    )
