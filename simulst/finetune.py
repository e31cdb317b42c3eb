"""`simulst finetune`: recorded talks make the interpreter better (RSFT).

    talks.jsonl -> samples.jsonl -> accepted.jsonl -> a pack, for each round

The policy drafts translations of the talks as it would live; a test against a teacher that sees
the whole source decides which of them it may learn from; the policy is updated with them. Every
stage goes on where a killed run left it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulst.config import Config, load
from simulst.corpus import Pair, read_pairs
from simulst.errors import ConfigError, DataError, OutputError

if TYPE_CHECKING:
    from simulst.rsft.training import Schooling
    from simulst.translate.sentences import WaitkSeq2Seq

__all__ = ["add_arguments", "run"]

JUDGED_EVERY = 50  # steps between two looks at the dev text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("talks", type=Path, help="folder of recorded talks, or a parallel TSV")
    parser.add_argument("--pack", required=True, help="the policy: name or folder of a pack")
    parser.add_argument("--teacher", default="", help="pack that sees the whole source (P)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished pack")
    parser.add_argument("--work", type=Path, help="stage files; default: OUT-work")
    parser.add_argument("--asr", help="listener for talks without text")
    parser.add_argument("--limit", type=int, default=0, help="first sentences only; 0: all")
    parser.add_argument("--rounds", type=int, default=1, help="draw, accept and learn so often")
    parser.add_argument("--workers", type=int, default=1, help="processes for the first stages")
    drawing = parser.add_argument_group("drawing")
    drawing.add_argument("--drafts", type=int, default=8, help="N of each sentence (8)")
    drawing.add_argument("--lags", type=_ints, default=(1, 2, 3, 5, 7), help="k (1,2,3,5,7)")
    drawing.add_argument(
        "--temperatures", type=_floats, default=(0.5, 0.7, 1.0), help="(0.5,0.7,1)"
    )
    drawing.add_argument("--seed", type=int, default=0)
    accepting = parser.add_argument_group("accepting")
    accepting.add_argument(
        "--form", default="", help="default: speculative with a teacher, else reward"
    )
    accepting.add_argument("--m", type=float, default=1.0, help="M of min(1, P / (M q))")
    accepting.add_argument("--keep", type=int, default=4, help="targets of a sentence at most")
    accepting.add_argument("--no-gates", action="store_true", help="accept whatever passes")
    learning = parser.add_argument_group("learning")
    learning.add_argument("--steps", type=int, default=300)
    learning.add_argument("--tokens", type=int, default=2048, help="accepted ones a step")
    learning.add_argument("--rate", type=float, default=1e-4, help="peak learning rate")
    learning.add_argument("--accepted-share", type=float, default=0.5, help="rho of the loss")
    learning.add_argument("--inserted", type=float, default=0.3, help="weight of teacher's tokens")
    learning.add_argument("--pull", type=float, default=0.1, help="eta, towards the start")
    learning.add_argument("--dev", type=Path, action="append", default=[], help="parallel TSV")
    learning.add_argument("--dev-limit", type=int, default=200, help="sentences of each (200)")


def _ints(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _floats(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def run(args: argparse.Namespace) -> int:
    """Run all stages of all rounds.

    Raises:
        ConfigError: options out of range, or that do not go together.
        DataError: talks that cannot be read, dev sentences among them, or nothing accepted.
        ModelError: a pack that cannot be used, or a teacher with other subwords.
        OutputError: a file that cannot be written.
    """
    if args.rounds < 1:
        raise ConfigError(f"--rounds is {args.rounds}: at least 1 is needed")
    from simulst.rsft import jobs
    from simulst.rsft.acceptance import JUDGED, Selection
    from simulst.rsft.drawing import Drawing
    from simulst.rsft.selection import check_vocabularies
    from simulst.rsft.training import Learning

    settings = {f.name: getattr(args, f.name) for f in fields(Learning) if hasattr(args, f.name)}
    learning = Learning(**settings)
    drawing = Drawing(args.drafts, args.lags, args.temperatures, args.seed)
    form = args.form or ("speculative" if args.teacher else "reward")
    gates: dict[str, Any] = {"gates": None} if args.no_gates else {}
    selection = Selection(form, args.m, keep=args.keep, seed=args.seed, **gates)
    policy = jobs.open_model(args.pack)
    if form in JUDGED:
        if not args.teacher:
            raise ConfigError(f"--form {form} tests against a teacher: name one with --teacher")
        check_vocabularies(policy, jobs.open_model(args.teacher))
    dev = [pair for path in args.dev for pair in read_pairs(path)[: args.dev_limit]]
    work: Path = args.work or args.out.with_name(f"{args.out.name}-work")
    talks = work / "talks.jsonl"
    sentences = _limited(_sentences(args, policy, dev), args.limit)
    count = jobs.talk_stage(sentences, talks, {"talks": str(args.talks), "limit": args.limit})
    _say(f"talks: {count} sentences")
    pack = args.pack
    for number in range(1, args.rounds + 1):
        folder = work / f"round-{number}"
        samples, accepted = folder / "samples.jsonl", folder / "accepted.jsonl"
        jobs.sample_stage(talks, samples, pack, drawing, _bar("samples", count), args.workers)
        figures = jobs.accept_stage(
            samples, accepted, args.teacher, selection, _bar("accepted", count), args.workers
        )
        _say(_sentence(figures))
        last = number == args.rounds
        out = args.out if last else folder / "pack"
        facts = {
            "rsft": {
                "from": pack,
                "teacher": args.teacher,
                "round": number,
                "form": form,
                "m": args.m,
            }
        }
        _learn(pack, accepted, learning, folder, dev, out, facts)
        pack = str(out.resolve())
    print(f"wrote {args.out}")
    return 0


def _sentences(
    args: argparse.Namespace, policy: WaitkSeq2Seq, dev: Sequence[Pair]
) -> Iterator[Any]:
    """The talks, none of whose sentences may stand in the dev text."""
    from simulst.rsft.jobs import dev_overlap
    from simulst.rsft.talks import read_talks

    languages = policy.source_language, policy.target_language
    known = [pair.source for pair in dev]
    for sentence in read_talks(args.talks, *languages, _listener(args, languages)):
        if dev_overlap(known, [sentence.source]):
            raise DataError(
                f"the dev text holds a sentence of the talks ({sentence.source!r} of "
                f"{sentence.talk}): what is learnt from cannot judge; give another --dev"
            )
        yield sentence


def _limited(items: Iterator[Any], limit: int) -> Iterator[Any]:
    from itertools import islice

    return islice(items, limit or None)


def _listener(args: argparse.Namespace, languages: tuple[str, str]) -> Callable[[Path], list[str]]:
    """Hears a recording, sentence by sentence; its models are loaded at the first one."""

    def listen(path: Path) -> list[str]:
        from simulst.audio.sources import open_source
        from simulst.pipeline import build
        from simulst.types import Word

        config: Config = load(None, [f"asr.model={args.asr}"] if args.asr else [])
        interpreter = build(config, languages[1])
        state = interpreter.open()
        sentences: list[list[str]] = [[]]
        _say(f"listening to {path}")
        with open_source(str(path)) as source:
            for samples in (*source, None):
                [(state, update)] = interpreter.step([state], [samples])
                for item in update.committed:
                    if isinstance(item, Word):
                        sentences[-1].append(item.text)
                    else:
                        sentences.append([])
        return [" ".join(words) for words in sentences if words]

    return listen


def _learn(
    pack: str,
    accepted: Path,
    learning: Any,
    folder: Path,
    dev: Sequence[Pair],
    out: Path,
    facts: dict[str, Any],
) -> None:
    """Update the policy and write the pack; with dev text the best weights, else the last."""
    from simulst import packs
    from simulst.rsft.jobs import open_model
    from simulst.rsft.training import Progress, Schooling

    before = packs.find(pack, "translator").fields
    facts = {name: before[name] for name in ("license", "training") if name in before} | facts
    policy = open_model(pack)
    anchor = open_model(pack) if learning.pull > 0 else None
    schooling = Schooling(policy, anchor, accepted, learning, folder)
    if dev and schooling.step == 0:
        _judge(schooling, policy, dev, learning.lags)

    def report(done: Progress) -> None:
        if done.step % JUDGED_EVERY == 0 or done.step == learning.steps:
            score = _judge(schooling, policy, dev, learning.lags) if dev else None
            shown = "" if score is None else f", dev BLEU {score:.2f}"
            _say(f"step {done.step} of {learning.steps}: loss {done.loss:.3f}{shown}")

    schooling.run(report)
    if dev and schooling.best is not None:
        schooling.take_best()
        score, step = schooling.best
        _say(f"best dev BLEU {score:.2f} at step {step}")
        facts["rsft"] |= {"dev_bleu": round(score, 2), "step": step}
    policy.save(out, facts)


def _judge(
    schooling: Schooling, policy: WaitkSeq2Seq, dev: Sequence[Pair], lags: Sequence[int]
) -> float:
    """Mean BLEU over the lags of what the policy would write live; remembers the best weights."""
    from simulst.evaluate.quality import score
    from simulst.protocols import Proposal

    total = 0.0
    for lag in lags:
        drafts = policy.sample([Proposal(tuple(p.source.split()), lag, 0.0) for p in dev])
        texts = [policy.text(draft.tokens) for draft in drafts]
        total += score(texts, [pair.target for pair in dev], policy.target_language).bleu
    mean = total / len(lags)
    schooling.judge(mean)
    return mean


def _sentence(figures: dict[str, Any]) -> str:
    """The figures of the accept stage in one line."""
    parts = [f"{figures['drawn']} samples", f"{figures['distinct']} distinct texts passed"]
    if figures["acceptance"] is not None:
        parts.insert(1, f"{figures['acceptance']:.1%} of judged tokens accepted")
    if "effective_sample_size" in figures:
        parts.append(
            f"effective sample size {figures['effective_sample_size']:.1f} of "
            f"{figures['samples_weighed']}, log M {figures['log_m']:.2f}"
        )
    refused = ", ".join(f"{reason} {n}" for reason, n in sorted(figures["refused"].items()))
    parts.append(f"refused: {refused or 'none'}")
    parts.append(f"{figures['kept']} targets of {figures['sources']} sentences to learn from")
    return "accepted: " + "; ".join(parts)


def _bar(name: str, count: int) -> Callable[[int, dict[str, Any]], None]:
    """A line on standard error every tenth of a stage."""

    def report(done: int, record: dict[str, Any]) -> None:
        if done == count or done * 10 // count != (done - 1) * 10 // count:
            _say(f"{name}: {done} of {count}")

    return report


def _say(text: str) -> None:
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError as error:
        raise OutputError(f"standard error cannot be written: {error.strerror}") from error
