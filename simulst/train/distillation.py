"""`simulst train distillation`: parallel text whose targets are a model's own translations.

Sequence-level knowledge distillation (Kim and Rush 2016): a student learns from what its teacher
would have written, which is easier to learn than what people wrote. With `--k` the model
writes under wait-k, as it would live, which gives targets in an order that a student can follow
(Chen et al. 2021, "Improving Simultaneous Translation by Incorporating Pseudo-References with
Fewer Reorderings").
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from simulst import packs
from simulst.accept import rules
from simulst.config import Accept, Translate
from simulst.corpus import Pair, read_pairs
from simulst.errors import ConfigError
from simulst.protocols import Prefix, Request
from simulst.train.rewriting import rewrite
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.policy import Policy
from simulst.translate.storage import load_translator

__all__ = ["add_arguments", "distil", "run", "translate"]

CHUNK = 4096  # pairs between two writes
BATCH = 256
LIMITS = Translate()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--pack", required=True, help="the teacher: name or folder of a pack")
    parser.add_argument("--data", type=Path, required=True, help="parallel TSV, plain or .gz")
    parser.add_argument("--corpora", default="", help="only these, by comma (four-column data)")
    parser.add_argument("--pairs", type=int, default=0, help="the first so many; 0 for all")
    parser.add_argument("--k", type=int, default=0, help="write under wait-k; 0: whole sentences")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--out", type=Path, required=True, help="TSV; what is there is kept")


def run(args: argparse.Namespace) -> int:
    """Translate, appending to what an earlier run wrote.

    Raises:
        ConfigError: an option out of range.
        DataError: data that cannot be read.
        ModelError: the pack cannot be used.
        OutputError: the file cannot be written, or is of other data.
    """
    import torch

    for name in ("k", "pairs"):
        if getattr(args, name) < 0:
            raise ConfigError(f"--{name} is {getattr(args, name)}: it must be 0 or more")
    torch.set_num_threads(max(args.threads, 1))
    teacher = load_translator(packs.find(args.pack, "translator"))
    if args.k and teacher.model.dim.bidirectional:
        raise ConfigError(
            f"--k is {args.k}, but {args.pack} is bidirectional and needs the whole source: "
            "leave --k out, or name a pack that interprets"
        )
    pairs = read_pairs(args.data, [name for name in args.corpora.split(",") if name])
    pairs = pairs[: args.pairs or None]

    def report(done: int) -> None:
        print(f"{done} of {len(pairs)} translated", file=sys.stderr, flush=True)

    distil(pairs, lambda some: translate(teacher, some, args.k), args.out, report)
    return 0


def distil(
    pairs: Sequence[Pair],
    translator: Callable[[Sequence[Pair]], list[str]],
    out: Path,
    report: Callable[[int], None],
) -> None:
    """Write pairs with new targets; the corpus becomes "<corpus>-distilled".

    Args:
        pairs: sources, and the corpora they are from.
        translator: gives the targets.
        out, report: see `rewrite`.

    Raises:
        OutputError: see `rewrite`.
    """
    rewrite(pairs, "target", translator, out, report, kind="distilled", chunk=CHUNK)


def translate(teacher: WaitkTranslator, pairs: Sequence[Pair], k: int = 0) -> list[str]:
    """The teacher's most likely translations.

    Args:
        teacher: translates.
        pairs: whose sources are translated.
        k: write under wait-k; 0 to see each whole source before the first word.
    """
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].source))
    texts = [""] * len(pairs)
    for begin in range(0, len(order), BATCH):
        rows = order[begin : begin + BATCH]
        sources = [tuple(pairs[i].source.split()) for i in rows]
        found = _interpret(teacher, sources, k) if k else _translate(teacher, sources)
        for i, units in zip(rows, found, strict=True):
            texts[i] = teacher.space.join(units)
    return texts


def _translate(
    teacher: WaitkTranslator, sources: Sequence[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """Target units of whole sentences."""
    requests = [Request(source, True, Prefix()) for source in sources]
    most = [int(LIMITS.max_ratio * len(source) + LIMITS.max_extra) for source in sources]
    return [draft.units for draft, _ in teacher.draft(requests, most, [None] * len(sources))]


def _interpret(
    teacher: WaitkTranslator, sources: Sequence[tuple[str, ...]], k: int
) -> list[tuple[str, ...]]:
    """Target units written under wait-k."""
    accept = Accept(rule="wait-k", k_min=k, k_max=k)
    policy = Policy(teacher, rules.build(accept), accept, LIMITS)
    states = [policy.open(i) for i in range(len(sources))]
    for turn in range(max(len(source) for source in sources)):
        rows = [i for i, source in enumerate(sources) if turn < len(source)]
        found = policy.step(
            [states[i] for i in rows],
            [sources[i][turn] for i in rows],
            [turn + 1 == len(sources[i]) for i in rows],
        )
        for i, (state, _) in zip(rows, found, strict=True):
            states[i] = state
    return [state.units for state in states]
