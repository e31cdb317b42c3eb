"""`simulst train subset`: pairs drawn at random from training text.

What a teacher is to translate for a policy to learn from need not be all of the text, and has to
be of every corpus. The same seed draws the same pairs.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulst.corpus import Pair, read_pairs
from simulst.errors import ConfigError, OutputError

__all__ = ["add_arguments", "draw", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--data", type=Path, required=True, help="parallel TSV, plain or .gz")
    parser.add_argument(
        "--corpora", default="", help="only these, by comma (four-column data), or NAME=SHARE"
    )
    parser.add_argument("--pairs", type=int, required=True, help="to draw")
    parser.add_argument(
        "--longest", type=float, default=0.02, help="share of the longest that is left out (0.02)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="TSV to write")


def run(args: argparse.Namespace) -> int:
    """Draw, and write the pairs in four columns.

    Raises:
        ConfigError: an option out of range.
        DataError: data that cannot be read.
        OutputError: the file cannot be written.
    """
    if args.pairs < 1:
        raise ConfigError(f"--pairs is {args.pairs}: at least 1 is needed")
    if not 0 <= args.longest < 1:
        raise ConfigError(f"--longest is {args.longest}: it must be 0 or more, and below 1")
    shares = _shares(args.corpora)
    pairs = draw(read_pairs(args.data, shares), args.pairs, shares, args.longest, args.seed)
    lines = [f"{p.corpus or 'pairs'}\tas its corpus\t{p.source}\t{p.target}\n" for p in pairs]
    fresh = args.out.with_name(f"{args.out.name}.new")
    try:
        fresh.write_text("".join(lines), encoding="utf-8", newline="\n")
        fresh.replace(args.out)
    except OSError as error:
        raise OutputError(f"{args.out} cannot be written: {error.strerror}") from error
    print(f"wrote {args.out}: {len(pairs)} pairs")
    return 0


def draw(
    pairs: Sequence[Pair],
    number: int,
    shares: Mapping[str, float],
    longest: float = 0.0,
    seed: int = 1,
) -> list[Pair]:
    """Draw without putting back, in an order of chance.

    Args:
        pairs: to draw from.
        number: of pairs; where there are fewer, all of them.
        shares: of each corpus among what is drawn, relative to each other; 0 or no share where a
            corpus has the part that it has among the pairs.
        longest: share of the pairs of each corpus, by words of the source, that is left out.
        seed: of the drawing.
    """
    dice = random.Random(seed)
    corpora: dict[str, list[Pair]] = {}
    for pair in pairs:
        corpora.setdefault(pair.corpus, []).append(pair)
    weights = {name: shares.get(name) or 0.0 for name in corpora}
    if not any(weights.values()):
        weights = {name: float(len(some)) for name, some in corpora.items()}
    total = sum(weights.values())
    found: list[Pair] = []
    for name, some in sorted(corpora.items()):
        by_length = sorted(some, key=lambda pair: len(pair.source.split()))
        kept = by_length[: max(1, round(len(some) * (1 - longest)))]
        found += dice.sample(kept, min(round(number * weights[name] / total), len(kept)))
    dice.shuffle(found)
    return found


def _shares(text: str) -> dict[str, float]:
    """Corpora by comma, each with the share that it was given, or 0.

    Raises:
        ConfigError: a share that is no number above 0, or only some of them.
    """
    shares: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, equals, share = part.partition("=")
        try:
            shares[name] = float(share) if equals else 0.0
        except ValueError:
            shares[name] = -1.0
        if shares[name] < 0 or (equals and not shares[name] > 0):
            raise ConfigError(f"--corpora has {part}: a share is a number above 0")
    if any(shares.values()) and not all(shares.values()):
        raise ConfigError(f"--corpora {text}: give all of them a share, or none")
    return shares
