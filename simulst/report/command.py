"""`simulst report`: what happened in a talk, or in several, as one page to look at.

LOG is a session's journal (`simulst interpret --out talk.jsonl`), a recording's folder
(`--record`), a log of instances in SimulEval's form, or the folder that `simulst evaluate --out`
wrote. The page needs no network and nothing beside it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from simulst.errors import ConfigError, OutputError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG", help="file or folder")
    parser.add_argument(
        "--out", type=Path, default=Path("report.html"), metavar="FILE", help="(report.html)"
    )
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="FILE",
        help="reference, a sentence a line, for BLEU and chrF; a session is scored against it as "
        "one document",
    )
    parser.add_argument("--to", default="", help="target language, where a log does not know it")


def run(args: argparse.Namespace) -> int:
    """Read the logs, and write the page.

    Raises:
        ConfigError: the page would replace what it is made of.
        DataError: a log or the reference cannot be read.
        OutputError: the page cannot be written.
    """
    from simulst.evaluate.scoring import is_journal, score_log
    from simulst.report.inputs import find_logs
    from simulst.report.page import Entry, page
    from simulst.report.talk import read_talk

    logs = find_logs(args.logs)
    out: Path = args.out
    given = [*logs, args.reference] if args.reference else logs
    if out.resolve() in [path.resolve() for path in given]:
        raise ConfigError(f"--out {out} is what is read: name another file, such as report.html")
    entries = [
        Entry(score_log(log, args.to, args.reference), read_talk(log) if is_journal(log) else None)
        for log in logs
    ]
    try:
        out.write_text(page(entries), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
    print(f"wrote {out}")
    return 0
