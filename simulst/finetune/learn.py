"""`simulst train policy`: the last stage by itself, a pack that has learnt what was accepted."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulst import packs
from simulst.errors import ConfigError, DataError, OutputError
from simulst.finetune import options
from simulst.finetune.options import HeldOut
from simulst.finetune.progress import say, shown

if TYPE_CHECKING:
    from simulst.rsft.distributed import Ranks
    from simulst.rsft.training import Learning, Progress

__all__ = ["Outcome", "add_arguments", "learn", "run"]

JUDGED_EVERY = 50  # steps between two looks at the dev text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--from",
        dest="accepted",
        type=Path,
        required=True,
        metavar="ACCEPTED",
        help="stage file of `simulst accept`",
    )
    parser.add_argument("--pack", default="", help="the policy; default: as the file says")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished pack")
    parser.add_argument("--work", type=Path, help="checkpoint; default: OUT-work")
    options.add_device(parser)
    options.add_learning(parser)
    options.add_lags(parser)
    parser.add_argument("--seed", type=int, default=0, help="of the order")
    options.add_held_out(parser)


def run(args: argparse.Namespace) -> int:
    """Update the policy, and write the pack.

    Raises:
        ConfigError: options out of range.
        DataError: the file is none of accepted text, holds nothing, or holds dev sentences.
        ModelError: the pack is not the one that drew, or the checkpoint is of another run.
        OutputError: a file that cannot be written.
    """
    from simulst.rsft.distributed import joined
    from simulst.rsft.stages import read_signature

    learning, held_out = options.learning_of(args), options.held_out_of(args)
    if held_out.test:
        raise ConfigError("--test is for the report of simulst finetune: leave it out")
    signature = read_signature(args.accepted)
    if signature["stage"] != "accepted":
        raise DataError(
            f"{args.accepted} holds {signature['stage']}: give the file of the accept stage"
        )
    pack = args.pack or signature["drawn_by"]["policy"]
    facts = {"teacher": packs.told(signature["teacher"]), "form": signature["selection"]["form"]}
    folder = args.work or args.out.with_name(f"{args.out.name}-work")
    facts = {"from": packs.told(pack), **facts}
    with joined() as ranks:
        learn(pack, args.accepted, learning, folder, held_out, args.out, facts, ranks, args.device)
    if ranks.first:
        print(f"wrote {args.out}")
    return 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How learning went.

    Attributes:
        scores: step and mean dev BLEU of every judgement; empty without dev text.
        best: the judgement whose weights were taken.
    """

    scores: tuple[tuple[int, float], ...]
    best: tuple[int, float] | None


class _Learnt:
    """Figures of learning."""

    def __init__(self) -> None:
        self.loss = 0.0
        self.score: float | None = None
        self.best: tuple[float, int] | None = None

    def add(self, done: Progress) -> None:
        self.loss = done.loss

    def __str__(self) -> str:
        parts = [f"loss {self.loss:.3f}"]
        if self.score is not None and self.best is not None:
            parts.append(f"dev BLEU {self.score:.2f}")
            parts.append(f"best {self.best[0]:.2f} at step {self.best[1]}")
        return ", ".join(parts)


def learn(
    pack: str,
    accepted: Path,
    learning: Learning,
    folder: Path,
    held_out: HeldOut,
    out: Path,
    facts: dict[str, Any],
    ranks: Ranks | None = None,
    device: str = "cpu",
) -> Outcome:
    """Update the policy and write the pack: the weights that dev text likes best, or the last.

    Args:
        pack: the policy.
        accepted: stage file to learn from.
        learning: the settings.
        folder: of the checkpoint.
        held_out: judges.
        out: folder of the pack.
        facts: of the run, for the pack's manifest.
        ranks: those that learn together; the first one judges and writes, and knows the outcome.
        device: where the policy computes.
    """
    from simulst.evaluate.schedule import mean_bleu
    from simulst.rsft.distributed import ALONE
    from simulst.rsft.jobs import check_policy
    from simulst.rsft.opening import facts_of, open_policy
    from simulst.rsft.stages import read_records
    from simulst.rsft.talks import Sentence, apart_from
    from simulst.rsft.training import Schooling

    ranks = ranks or ALONE
    check_policy(accepted, pack)
    records = read_records(accepted)
    read = (Sentence(r["talk"], r["source"], r["reference"]) for r in records)
    count = sum(1 for _ in apart_from(read, held_out.sources))
    before = facts_of(pack)
    kept = {name: before[name] for name in ("license", "training") if name in before}
    policy = open_policy(pack, device)
    anchor = open_policy(pack, device) if learning.pull > 0 else None
    with _storing(folder, "nothing was learnt yet"):
        folder.mkdir(parents=True, exist_ok=True)
    schooling = Schooling(policy, anchor, accepted, learning, folder, ranks)
    figures = _Learnt()

    def judge() -> None:
        if held_out.dev and ranks.first:
            language = policy.target_language
            figures.score = schooling.judge(
                lambda policy: mean_bleu(policy, held_out.dev, learning.lags, language)
            )
            figures.best = schooling.best

    if not schooling.scores:
        judge()
    elif schooling.best is not None:
        figures.score, figures.best = schooling.scores[-1][1], schooling.best
    if not ranks.first:
        schooling.run(lambda done: None)
        return Outcome((), None)
    with shown(f"learning from {count} sources", learning.steps, figures) as report:

        def step(done: Progress) -> None:
            if done.step % JUDGED_EVERY == 0 or done.step == learning.steps:
                judge()
            report(done.step, done)

        schooling.run(step)
    best = None
    schooling.finish()
    if held_out.dev and (kept_at := schooling.kept) is not None:
        score, number = kept_at
        best = number, score
        say(f"kept: step {number}, dev BLEU {score:.2f}")
        facts = {**facts, "dev_bleu": round(score, 2), "step": number}
    with _storing(out, f"the same command goes on from what {folder} holds"):
        policy.save(out, {**kept, "rsft": facts})
    return Outcome(tuple(schooling.scores), best)


@contextmanager
def _storing(path: Path, rest: str) -> Iterator[None]:
    """Say what could not be written, and what is left."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path} cannot be written ({error}); {rest}") from error
