"""`simulst train translator`: a wait-k translator pack from parallel text."""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence, Set
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from simulst import packs
from simulst.corpus import Pair, read_pairs
from simulst.errors import ConfigError, DataError
from simulst.locks import held

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulst.train.recipe import Recipe
    from simulst.train.translator import Step
    from simulst.translate.decoding import WaitkTranslator
    from simulst.translate.vocabulary import Vocabulary

__all__ = ["add_arguments", "run"]

LONGEST = 120  # subwords of a sentence; longer ones are left out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        required=True,
        help="parallel TSV, plain or .gz; repeatable",
    )
    parser.add_argument("--dev", type=Path, action="append", default=[], help="dev TSV; repeatable")
    parser.add_argument(
        "--corpora", default="", help="learn only from these, by comma (four-column data)"
    )
    parser.add_argument("--from", dest="source", default="en", help="source language")
    parser.add_argument("--to", dest="target", default="de", help="target language")
    parser.add_argument(
        "--unit", choices=("word", "character"), default="word", help="what a WRITE emits"
    )
    parser.add_argument("--work", type=Path, required=True, help="checkpoints; resumed from")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished pack")
    parser.add_argument(
        "--start", default="", help="pack whose weights, sizes and subwords to start from"
    )
    parser.add_argument(
        "--parent",
        default="",
        help="pack of another language pair to learn on from, with its sizes but new subwords",
    )
    parser.add_argument(
        "--vocabulary", default="", help="pack whose subwords to use, as a verifier must"
    )
    parser.add_argument(
        "--bidirectional",
        action="store_true",
        help="a teacher: it needs the whole source, so it cannot interpret",
    )
    parser.add_argument(
        "--opening",
        type=float,
        default=0.5,
        help="share of the budget over which a teacher that starts from an interpreter's weights "
        "learns to look ahead (0.5)",
    )
    parser.add_argument("--hours", type=float, default=1.25, help="time budget; 0 for none")
    parser.add_argument("--steps", type=int, default=0, help="optimiser steps at most; 0: no limit")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: as torch chooses")
    parser.add_argument(
        "--pieces", type=int, default=6000, help="subwords, both languages together"
    )
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--feedforward", type=int, default=1024)
    parser.add_argument("--encoder-layers", type=int, default=4)
    parser.add_argument("--decoder-layers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate")
    parser.add_argument("--warmup", type=int, default=400, help="steps up to it")
    parser.add_argument("--tokens", type=int, default=2048, help="padded tokens a batch")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--smoothing", type=float, default=0.1, help="of the labels (0.1)")
    parser.add_argument(
        "--consistency", type=float, default=0.0, help="weight of R-Drop, which needs dropout (0)"
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "bf16", "fp32"),
        default="auto",
        help="to compute with (auto: the faster one here)",
    )
    parser.add_argument(
        "--rough", type=float, default=0.1, help="share of sources without case and punctuation"
    )
    parser.add_argument("--join", type=float, default=0.2, help="share of examples joined")
    parser.add_argument(
        "--cut", type=float, default=0.1, help="share of sentences with commas cut at one of them"
    )
    parser.add_argument("--seed", type=int, default=1)


def run(args: argparse.Namespace) -> int:
    """Train, and write the pack.

    Raises:
        ConfigError: an option out of range.
        DataError: data that cannot be read.
        ModelError: the work folder belongs to another run.
    """
    for name in ("rough", "join", "cut", "opening", "smoothing"):
        if not 0 <= getattr(args, name) <= 1:
            raise ConfigError(f"--{name} is {getattr(args, name)}: it must lie in [0, 1]")
    if args.start and args.parent:
        raise ConfigError("--start and --parent both say where the weights come from: give one")
    pairs = _read(args.data, {name for name in args.corpora.split(",") if name})
    dev_pairs = [pair for path in args.dev for pair in read_pairs(path)[:300]]

    import torch

    from simulst.train.parallel import cut, encode, roughen
    from simulst.train.transfer import inherit
    from simulst.train.translator import TranslatorTraining, pick_device
    from simulst.translate.model import Dimensions
    from simulst.translate.storage import save_translator

    if args.threads > 0:
        torch.set_num_threads(args.threads)
    start, weights = _start(args), None
    recipe = _recipe(args, start)
    device = pick_device(args.device)
    args.work.mkdir(parents=True, exist_ok=True)
    vocabulary = _vocabulary(args, pairs)
    dice = random.Random(args.seed)
    seen = [cut(pair, dice) if dice.random() < args.cut else pair for pair in pairs]
    seen = [roughen(pair) if dice.random() < args.rough else pair for pair in seen]
    examples = [e for pair in seen if (e := encode(pair, vocabulary, LONGEST))]
    dev = [e for pair in dev_pairs if (e := encode(pair, vocabulary, LONGEST))]
    if not examples:
        files = ", ".join(map(str, args.data))
        raise ConfigError(f"{files}: every pair is empty or longer than {LONGEST} subwords")
    if start is None:
        sizes = [getattr(args, f.name) for f in fields(Dimensions) if f.name != "vocabulary"]
        dimensions = Dimensions(vocabulary.size, *sizes)
    else:
        dimensions = replace(
            start.model.dim, vocabulary=vocabulary.size, bidirectional=args.bidirectional
        )
        weights, kept = inherit(start, vocabulary)
        if args.parent:
            print(f"{kept} of {vocabulary.size} subwords are known to {args.parent}")
    with held(args.work), _progress() as show:
        training = TranslatorTraining(dimensions, vocabulary, recipe, args.work, device, weights)
        training.run(examples, dev, show)
    counts = dict(sorted(Counter(pair.corpus or "unnamed" for pair in pairs).items()))
    save_translator(
        args.out,
        training.finished(),
        vocabulary,
        args.source,
        args.target,
        {
            "license": "Apache-2.0",
            "training": {
                "pairs": counts,
                "steps": training.step,
                "hours": round(training.spent_s / 3600, 2),
                "device": device.type,
                "seed": args.seed,
                **({"start": packs.told(args.start)} if args.start else {}),
                **({"parent": packs.told(args.parent)} if args.parent else {}),
            },
        },
    )
    print(f"wrote {args.out} after {training.step} steps, {training.spent_s / 3600:.2f} h")
    return 0


def _read(files: Sequence[Path], corpora: Set[str]) -> list[Pair]:
    """The pairs of all files; from those in four columns, only the corpora that are wanted."""
    pairs: list[Pair] = []
    found: set[str] = set()
    for file in files:
        every = read_pairs(file)
        names = {pair.corpus for pair in every}
        found |= names
        pairs += [p for p in every if not corpora or not p.corpus or p.corpus in corpora]
    if missing := corpora - found:
        raise DataError(
            f"--corpora names {', '.join(sorted(missing))}, which the data does not hold; "
            f"it has {', '.join(sorted(found - {''})) or 'none'}"
        )
    return pairs


def _recipe(args: argparse.Namespace, start: WaitkTranslator | None) -> Recipe:
    from simulst.train.recipe import Recipe

    given = {f.name: getattr(args, f.name) for f in fields(Recipe) if hasattr(args, f.name)}
    if not args.bidirectional or start is None or start.model.dim.bidirectional:
        given["opening"] = 0.0  # nothing is shut
    return Recipe(**given, join_share=args.join)


def _start(args: argparse.Namespace) -> WaitkTranslator | None:
    """The pack to start from."""
    from simulst.translate.storage import load_translator

    if not (args.start or args.parent):
        return None
    return load_translator(packs.find(args.start or args.parent, "translator"))


def _vocabulary(args: argparse.Namespace, pairs: Sequence[Pair]) -> Vocabulary:
    """The vocabulary of an earlier run, that of another pack, or a new one."""
    from simulst.translate.storage import load_translator
    from simulst.translate.vocabulary import Vocabulary

    path = args.work / "vocabulary.model"
    if path.exists():
        return Vocabulary.load(path, args.unit)
    if args.start or args.vocabulary:
        pack = packs.find(args.start or args.vocabulary, "translator")
        vocabulary = load_translator(pack).vocabulary
    else:
        texts = (text for pair in pairs for text in (pair.source, pair.target))
        vocabulary = Vocabulary.train(texts, args.pieces, args.unit)
    path.write_bytes(vocabulary.model)
    return vocabulary


@contextmanager
def _progress() -> Iterator[Callable[[Step], None]]:
    """A bar on a terminal, a line at every measurement elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:

        def line(done: Step) -> None:
            if done.dev is not None or done.step % 250 == 0:
                dev = "" if done.dev is None else f"  dev {done.dev:.3f}"
                print(
                    f"step {done.step}  {done.share:.1%}  loss {done.loss:.3f}{dev}  "
                    f"{done.tokens_per_s:.0f} tokens/s",
                    file=sys.stderr,
                    flush=True,
                )

        yield line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("training", total=1.0)
        dev = ""

        def show(done: Step) -> None:
            nonlocal dev
            if done.dev is not None:
                dev = f"  dev {done.dev:.3f}"
            text = f"step {done.step}  loss {done.loss:.3f}{dev}  {done.tokens_per_s:.0f} tokens/s"
            bar.update(task, completed=done.share, description=text)

        yield show
