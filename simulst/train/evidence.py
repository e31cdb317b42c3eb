"""`simulst train evidence`: a pack learns to expect what the full source will accept (S3).

The pack interprets training sentences, every drafted token is scored again with its whole source
(see `simulst.hindsight`), and a small network learns to foretell that acceptance alpha from what
was known at the time, by binary cross-entropy on alpha itself. One training sentence in ten is
kept apart to choose the moment to stop; the dev texts are only reported on.
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from simulst import calibration, packs
from simulst.corpus import read_pairs
from simulst.errors import ConfigError, DataError
from simulst.hindsight import Rehearsal, observe
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.evidence import EvidenceHead
from simulst.translate.storage import load_translator, save_evidence

__all__ = ["Recipe", "Tokens", "add_arguments", "fit", "gather", "run"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the outcome, besides the data.

    Attributes:
        steps: optimiser steps.
        rate: peak learning rate of AdamW; it falls to nothing on a cosine.
        tokens: of a batch.
        inner: width of the inner layer.
        dropout: there.
        decay: of the weights.
        seed: of initialisation, batches and dropout.
    """

    steps: int = 3000
    rate: float = 2e-3
    tokens: int = 512
    inner: int = 64
    dropout: float = 0.1
    decay: float = 1e-2
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "inner"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name} is {getattr(self, name)}: it must be at least 1")


DEFAULTS = Recipe()


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Drafted tokens with their features and their acceptance by the full source.

    Attributes:
        seen: (N, F) features, as `simulst.translate.evidence.features` makes them.
        alpha: (N,) acceptance, in [0, 1].
        sentence: (N,) of each.
    """

    seen: Tensor
    alpha: Tensor
    sentence: Tensor

    def part(self, keep: Tensor) -> Tokens:
        """Those that a mask (N,) keeps."""
        return Tokens(self.seen[keep], self.alpha[keep], self.sentence[keep])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--pack", required=True, help="the translator: name or folder of a pack")
    parser.add_argument(
        "--teacher", default="", help="pack that scores the full source; the translator if empty"
    )
    parser.add_argument("--data", type=Path, required=True, help="training TSV, plain or .gz")
    parser.add_argument("--corpora", default="", help="only these, by comma (four-column data)")
    parser.add_argument("--sentences", type=int, default=4000, help="drawn from the data")
    parser.add_argument("--dev", type=Path, action="append", default=[], help="dev TSV; repeatable")
    parser.add_argument("--dev-sentences", type=int, default=400, help="the first of each")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pack with evidence")
    parser.add_argument("--k", default="1,2,3,4,5,6,7", help="k_min of the sentences, by comma")
    parser.add_argument("--lookback", default="0,1", help="L of the sentences, by comma")
    parser.add_argument(
        "--drawn", type=float, default=0.25, help="share of sentences with drawn, not greedy drafts"
    )
    parser.add_argument(
        "--sharpness",
        type=float,
        default=1.0,
        help="beta of the full source's P; inf: whether P would have chosen the token",
    )
    parser.add_argument("--steps", type=int, default=DEFAULTS.steps, help="optimiser steps")
    parser.add_argument(
        "--inner", type=int, default=DEFAULTS.inner, help="width of the inner layer"
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--seed", type=int, default=1)


def run(args: argparse.Namespace) -> int:
    """Interpret, learn, report, and write the pack.

    Raises:
        ConfigError: an option out of range, or a translator that cannot interpret.
        DataError: data that cannot be read.
        ModelError: a pack that cannot be used.
    """
    torch.set_num_threads(max(args.threads, 1))
    recipe = Recipe(steps=args.steps, inner=args.inner, seed=args.seed)
    rehearsal = Rehearsal(
        ks=_numbers("k", args.k),
        lookbacks=_numbers("lookback", args.lookback),
        drawn=args.drawn,
        sharpness=args.sharpness,
        seed=args.seed,
    )
    for name in ("sentences", "dev_sentences"):
        if getattr(args, name) < 10:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option} is {getattr(args, name)}: fewer than 10 teach nothing")
    pairs = read_pairs(args.data, [name for name in args.corpora.split(",") if name])
    texts = {path: read_pairs(path)[: args.dev_sentences] for path in args.dev}
    pack = packs.find(args.pack, "translator")
    translator = load_translator(pack)
    if translator.model.dim.bidirectional:
        raise ConfigError(
            f"{args.pack} is bidirectional and needs the whole source, so it makes no drafts to "
            "learn from: name a pack that interprets (it may be the --teacher)"
        )
    teacher = load_translator(packs.find(args.teacher, "translator")) if args.teacher else None
    dice = random.Random(args.seed)
    sources = [pair.source for pair in dice.sample(pairs, min(args.sentences, len(pairs)))]
    tokens = gather(translator, sources, rehearsal, teacher)
    head = fit(tokens, rehearsal.lookbacks, recipe)
    figures = {}
    for path, some in texts.items():
        for lookback in rehearsal.lookbacks:
            held = replace(rehearsal, lookbacks=(lookback,), drawn=0.0)
            dev = gather(translator, [pair.source for pair in some], held, teacher)
            name = f"{path.name} L={lookback}"
            figures[name] = _measure(head, dev)
            shown = ", ".join(f"{what} {value}" for what, value in figures[name].items())
            print(f"{name}: {shown}")
    save_evidence(
        args.out,
        pack,
        head,
        {
            "sharpness": str(args.sharpness),
            "teacher": packs.told(args.teacher),
            "training": {
                "sentences": len(sources),
                "corpora": args.corpora,
                "tokens": len(tokens.alpha),
                "k": list(rehearsal.ks),
                "drawn": args.drawn,
                "steps": args.steps,
                "seed": args.seed,
            },
            "dev": figures,
        },
    )
    print(f"wrote {args.out}")
    return 0


def _numbers(name: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"--{name} is {text!r}: write whole numbers, by comma") from error


def gather(
    translator: WaitkTranslator,
    sources: Sequence[str],
    rehearsal: Rehearsal,
    teacher: WaitkTranslator | None = None,
) -> Tokens:
    """Interpret sentences and collect what can be learnt from their drafts.

    Args:
        translator: interprets.
        sources: whole sentences.
        rehearsal: how.
        teacher: P_full, if it is not the translator.

    Raises:
        DataError: no sentence is long enough to be drafted before its end.
    """
    progress = _report if sys.stderr.isatty() else None
    found = observe(
        translator, sources, translator.features, rehearsal, teacher=teacher, progress=progress
    )
    if not found:
        raise DataError(
            f"{len(sources)} sentences gave no draft before their end: give longer ones, or a "
            "smaller --k"
        )
    return Tokens(
        torch.cat([seen.view[: len(seen.alpha)] for seen in found]),
        torch.tensor([alpha for seen in found for alpha in seen.alpha]),
        torch.tensor([seen.sentence for seen in found for _ in seen.alpha]),
    )


def _report(done: int) -> None:
    print(f"\r{done} sentences", end="", file=sys.stderr, flush=True)


def fit(tokens: Tokens, lookbacks: Sequence[int], recipe: Recipe) -> EvidenceHead:
    """Learn to expect alpha, and keep the weights that did best on the sentences kept apart.

    Args:
        tokens: to learn from; every tenth sentence serves to stop.
        lookbacks: of the drafts that they are from.
        recipe: how.
    """
    torch.manual_seed(recipe.seed)
    apart = tokens.sentence % 10 == 9
    if not apart.any() or apart.all():  # a handful of sentences
        apart = torch.arange(len(apart)) % 10 == 9
    learning, held = tokens.part(~apart), tokens.part(apart)
    width = tokens.seen.shape[1] - EvidenceHead.numbers
    head = EvidenceHead(width, recipe.inner, lookbacks, recipe.dropout)
    head.normalise(learning.seen)
    optimiser = torch.optim.AdamW(head.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.steps)
    best, kept = float("inf"), copy.deepcopy(head.state_dict())
    for step in range(1, recipe.steps + 1):
        head.train()
        rows = torch.randint(len(learning.alpha), (recipe.tokens,))
        loss = _cross_entropy(head, learning.part(rows))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == recipe.steps:
            head.eval()
            with torch.no_grad():
                now = float(_cross_entropy(head, held))
            if now < best:
                best, kept = now, copy.deepcopy(head.state_dict())
    head.load_state_dict(kept)
    return head.eval()


def _cross_entropy(head: EvidenceHead, tokens: Tokens) -> Tensor:
    """Nats a token between alpha and what the head expects of it."""
    return F.binary_cross_entropy_with_logits(head(tokens.seen), tokens.alpha)


@torch.no_grad()
def _measure(head: EvidenceHead, tokens: Tokens) -> dict[str, float]:
    """Figures of one dev text; "constant" is the BCE of always expecting the mean."""
    mean = tokens.alpha.mean()
    constant = F.binary_cross_entropy(mean.expand(len(tokens.alpha)), tokens.alpha)
    area = calibration.auroc(head(tokens.seen).numpy(), tokens.alpha.numpy())
    return {
        "tokens": len(tokens.alpha),
        "base rate": round(float(mean), 4),
        "BCE": round(float(_cross_entropy(head, tokens)), 4),
        "constant": round(float(constant), 4),
        "AUROC": 0.5 if area is None else round(area, 4),
    }
