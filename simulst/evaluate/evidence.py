"""`simulst evidence`: which evidence foretells what the full source will accept.

Every evidence gives each drafted token an expectation of its acceptance alpha, in [0, 1]. How it
ranks the tokens is measured by AUROC (it is what moving a threshold can use), what it says by
Brier score and calibration error (it is what u <= alpha relies on).

    evidence       expects
    S1 p/q         min(1, p / q), p of the same pack with L words more
    S1 p^b/q       min(1, p^b / q), p sharpened
    S1 same best   1 if p would have chosen the drafted token (LA-2)
    S2             as S1, with p of another pack
    S3 learned     alpha, as the pack's network has it
    entropy        exp(-H), one over the number of choices
    p, q           p, q
    constant       the mean of alpha
    full source    alpha as it is, drawn only after that: what nothing can pass

The ratios are cut at 1, as in the test: above it they rank by how far p has risen, which says
little, and sharpened ones by 1 / q.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulst import __version__, calibration
from simulst.config import Asr, Config, Translate
from simulst.corpus import read_pairs
from simulst.errors import ConfigError, DataError, OutputError
from simulst.evaluate import tables
from simulst.evaluate.tables import figure
from simulst.types import Draft, Score

if TYPE_CHECKING:
    from simulst.hindsight import Observation, Rehearsal
    from simulst.protocols import Request, Translator

__all__ = ["HEADER", "Evidence", "add_arguments", "estimates", "run"]

HEADER = ("evidence", "AUROC", "95 %", "over entropy, 95 %", "Brier", "ECE", "tokens", "base rate")
BETA = 16.0
"""Of the sharpened ratio."""
REFERENCE = "entropy of p"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """A figure for each of N tokens.

    Attributes:
        name: in the table.
        expected: (N,) of alpha, in [0, 1].
        drawn: whether the picture shows it.
    """

    name: str
    expected: Floats
    drawn: bool = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("text", type=Path, metavar="TEXT.tsv", help="parallel text (.tsv, .tsv.gz)")
    parser.add_argument("--from", dest="source", default="en", help="source language, ISO 639-1")
    parser.add_argument("--to", dest="target", required=True, help="target language, ISO 639-1")
    parser.add_argument("--pack", default="", help="translator pack, by name or folder")
    parser.add_argument("--verifier", default="", help="another pack that plays p, for S2")
    parser.add_argument("--teacher", default="", help="pack of P at full source; empty: the pack")
    parser.add_argument("--k", default="1,2,3,4,5,6,7", help="k_min of the sentences, by comma")
    parser.add_argument("--lookback", type=int, default=1, help="L, words withheld from q")
    parser.add_argument(
        "--sharpness",
        type=float,
        default=1.0,
        help="beta of the full source's P; inf: whether P would have chosen the token",
    )
    parser.add_argument("--limit", type=int, default=0, help="first sentences only; 0: all")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--seed", type=int, default=0, help="of k, of the coin, of the bootstrap")
    parser.add_argument("--out", type=Path, help="folder for evidence.md and evidence.png")


def run(args: argparse.Namespace) -> int:
    """Interpret the text, look back, print the table, and write what was asked for.

    Raises:
        ConfigError: options out of range.
        DataError: a text that cannot be read, or too short.
        ModelError: a pack that is unknown or does not serve the languages.
        OutputError: the output folder cannot be written.
    """
    from simulst import packs
    from simulst.hindsight import Rehearsal, observe
    from simulst.translate.storage import load_translator, open_translators

    if args.limit < 0 or args.threads < 1:
        raise ConfigError(
            f"--limit is {args.limit} and --threads {args.threads}: give 0 or more, and 1 or more"
        )
    try:
        ks = tuple(int(part) for part in args.k.split(","))
    except ValueError as error:
        raise ConfigError(f"--k is {args.k!r}: write whole numbers, by comma") from error
    rehearsal = Rehearsal(
        ks=ks, lookbacks=(args.lookback,), sharpness=args.sharpness, seed=args.seed
    )
    sources = [pair.source for pair in read_pairs(args.text)]
    sources = sources[: args.limit] if args.limit else sources
    settings = Config(
        asr=Asr(language=args.source),
        translate=Translate(pack=args.pack, verifier=args.verifier, threads=args.threads),
    )
    translator, verifier, names = open_translators(settings, args.target)
    teacher = load_translator(packs.find(args.teacher, "translator")) if args.teacher else None
    found = observe(translator, sources, _looks(translator, verifier), rehearsal, teacher=teacher)
    if not found:
        raise DataError(f"{args.text}: no sentence was drafted before its end; give a smaller --k")
    alpha = np.array([alpha for seen in found for alpha in seen.alpha])
    groups = np.array([seen.sentence for seen in found for _ in seen.alpha])
    rows = estimates(found, learned=args.lookback in translator.learned_lookbacks)
    rows.append(Evidence("constant", np.full_like(alpha, alpha.mean()), drawn=False))
    rows.append(Evidence("full source", alpha, drawn=False))
    cells = _cells(rows, alpha, groups, args.seed)
    names |= {"P at full source": args.teacher or names["translator"]}
    signature = _signature(rehearsal, f"{args.text.name}, first {len(sources)} sentences", names)
    print(tables.aligned(HEADER, cells))
    print(f"\n{signature}")
    if args.out:
        _write(
            args.out, rows, alpha, cells, signature, f"What foretells acceptance, {args.text.name}"
        )
    return 0


Views = tuple[Score, ...]
"""By p, and by p sharpened; then the same by the verifier, if there is one."""


def _looks(
    translator: Translator, verifier: Translator | None
) -> Callable[[Sequence[Request], Sequence[Draft]], list[Views]]:
    judges = [translator] if verifier is None else [translator, verifier]

    def look(requests: Sequence[Request], drafts: Sequence[Draft]) -> list[Views]:
        columns = [
            [score for score, _ in judge.score(requests, drafts, sharpness)]
            for judge in judges
            for sharpness in (1.0, BETA)
        ]
        return list(zip(*columns, strict=True))

    return look


def estimates(found: Sequence[Observation[Views]], *, learned: bool) -> list[Evidence]:
    """What each evidence says of all tokens of all observations, in order.

    Args:
        found: with the views of `Views`.
        learned: the first view holds learned evidence.
    """

    def gather(of: Callable[[Observation[Views]], Sequence[float]]) -> Floats:
        return np.array([value for seen in found for value in of(seen)[: len(seen.alpha)]])

    log_q = gather(lambda seen: seen.draft.log_q)
    entropy_q = gather(lambda seen: seen.draft.entropy)
    entropy_p = gather(lambda seen: seen.view[0].entropy)
    log_p = gather(lambda seen: seen.view[0].log_p)

    def ratio(name: str, view: int) -> Evidence:
        change = gather(lambda seen: seen.view[view].log_p) - log_q
        return Evidence(name, np.exp(np.minimum(change, 0.0)))

    rows = [ratio("S1 p/q", 0), ratio(f"S1 p^{BETA:g}/q", 1)]
    same = gather(
        lambda seen: [
            float(a == b) for a, b in zip(seen.view[0].best, seen.draft.tokens, strict=True)
        ]
    )
    rows.append(Evidence("S1 same best", same, drawn=False))
    if found and len(found[0].view) > 2:
        rows += [ratio("S2 p/q", 2), ratio(f"S2 p^{BETA:g}/q", 3)]
    if learned:
        rows.append(Evidence("S3 learned", gather(lambda seen: seen.view[0].expected or ())))
    rows += [
        Evidence("entropy of q", np.exp(-entropy_q), drawn=False),
        Evidence(REFERENCE, np.exp(-entropy_p)),
        Evidence("q", np.exp(log_q), drawn=False),
        Evidence("p", np.exp(log_p)),
    ]
    return rows


def _cells(
    rows: Sequence[Evidence], alpha: Floats, groups: NDArray[np.int_], seed: int
) -> list[tuple[str, ...]]:
    reference = next(row.expected for row in rows if row.name == REFERENCE)
    found: list[tuple[str, ...]] = []
    for row in rows:
        own = calibration.auroc_interval(row.expected, alpha, groups, seed=seed)
        over = calibration.auroc_interval(row.expected, alpha, groups, against=reference, seed=seed)
        found.append(
            (
                row.name,
                figure(calibration.auroc(row.expected, alpha), 3),
                _span(own, ""),
                "–" if row.expected is reference else _span(over, "+"),
                figure(calibration.brier(row.expected, alpha), 4),
                figure(calibration.calibration_error(row.expected, alpha), 3),
                str(len(alpha)),
                figure(float(alpha.mean()), 3),
            )
        )
    return found


def _span(ends: tuple[float, float] | None, sign: str) -> str:
    return "–" if ends is None else f"{ends[0]:{sign}.3f} to {ends[1]:{sign}.3f}"


def _signature(rehearsal: Rehearsal, text: str, names: dict[str, str]) -> str:
    beta = "P's choice" if math.isinf(rehearsal.sharpness) else f"beta {rehearsal.sharpness:g}"
    parts = (
        f"simulst {__version__}",
        f"torch {importlib.metadata.version('torch')}",
        *(f"{role} {name}" for role, name in names.items()),
        text,
        f"alpha by {beta}, M 1",
        f"k in {','.join(map(str, rehearsal.ks))}, held up to {rehearsal.width} words more",
        f"L {','.join(map(str, rehearsal.lookbacks))}",
        f"greedy drafts, written by a coin of {rehearsal.rate:g}",
        f"seed {rehearsal.seed}",
        "bootstrap of sentences, 500 rounds; ECE in 10 bins",
    )
    return "; ".join(parts)


def _write(
    out: Path,
    rows: Sequence[Evidence],
    alpha: Floats,
    cells: Sequence[tuple[str, ...]],
    signature: str,
    title: str,
) -> None:
    from simulst.evaluate.reliability import plot

    try:
        out.mkdir(parents=True, exist_ok=True)
        report = f"{tables.markdown(HEADER, cells)}\n\n`{signature}`\n"
        (out / "evidence.md").write_text(report, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
    shown = {row.name: row.expected for row in rows if row.drawn}
    try:
        plot(out / "evidence.png", shown, alpha, title=title, note=signature)
    except ConfigError as error:  # the figures are written; a missing extra must not cost them
        print(f"no evidence.png: {error}", file=sys.stderr)
    print(f"wrote {out}")
