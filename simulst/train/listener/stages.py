"""The stages of `simulst train listener`, each from the options of the command line.

What the user should see of a stage goes to standard error, with the time.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from simulst.locks import held

if TYPE_CHECKING:
    from simulst.train.listener.loop import Plan, Trainer
    from simulst.train.listener.teacher import Teacher

__all__ = ["export", "make_corpus", "plan_of", "score", "train"]


def _read_texts(args: argparse.Namespace) -> tuple[dict[str, list[str]], list[str]]:
    """Sentences to learn from, by source, and those held out."""
    from simulst.train.listener.texts import is_held_out, read_sentences

    learned: dict[str, list[str]] = {}
    held_out: list[str] = []
    for source, texts in read_sentences(args.data / "en-de" / "train.tsv.gz").items():
        learned[source] = [text for text in texts if not is_held_out(text)]
        held_out += [text for text in texts if is_held_out(text)]
    return learned, held_out


def make_corpus(args: argparse.Namespace) -> None:
    """Trains the tokenizer and makes the shards that the stages asked for are there to make."""
    from simulst.train.listener.recordings import shard_recordings
    from simulst.train.listener.texts import TrueCaser
    from simulst.train.listener.tokenizer import train_tokenizer

    sentences, held_out = _read_texts(args)
    texts = [text for source in sentences.values() for text in source]
    vocabulary = args.work / "tokenizer.json"
    if not vocabulary.exists():
        args.work.mkdir(parents=True, exist_ok=True)
        train_tokenizer(texts, args.pieces).save(str(vocabulary))
    if "recordings" in args.stages:
        _report(f"recordings, {args.copies} copies")
        shard_recordings(
            args.data,
            args.work / "corpus",
            TrueCaser(texts),
            copies=args.copies,
            seed=args.seed,
            processes=args.processes,
        )
    if "speech" in args.stages:
        _speak(args, sentences, held_out)


def _speak(args: argparse.Namespace, sentences: dict[str, list[str]], held_out: list[str]) -> None:
    from simulst.train.listener.sounds import make_sounds
    from simulst.train.listener.speech import speak_corpus, speak_dev

    folder = args.work / "corpus"
    _report("sounds without speech, and held-out text to watch the training by")
    texts = [text for source in sentences.values() for text in source]
    make_sounds(folder / "sounds-0000.npy", texts, args.voices, seed=args.seed)
    speak_dev(folder, held_out, args.voices, args.seed)
    _report(f"speaking {args.speech_hours} h of text with {', '.join(args.voices)}")
    speak_corpus(
        folder,
        sentences,
        hours=args.speech_hours,
        voices=args.voices,
        seed=args.seed,
        processes=args.processes,
    )


def train(args: argparse.Namespace) -> None:
    """Trains until `--hours` or `--steps` are used, going on from an earlier run."""
    with held(args.work):
        trainer = _trainer(args)
        if trainer.resume(args.work):
            _report(f"going on from step {trainer.step}")
        trainer.train(args.work, _report)


def _trainer(args: argparse.Namespace) -> Trainer:
    from simulst.train.listener.corpus import Corpus
    from simulst.train.listener.loop import Trainer
    from simulst.train.listener.storage import read_start
    from simulst.train.listener.teacher import Teacher
    from simulst.train.listener.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(args.work / "tokenizer.json")
    teacher: Teacher | None = None if args.teacher is None else Teacher.read(args.teacher)
    return Trainer(
        plan_of(args, tokenizer.get_vocab_size()),
        Corpus(args.work / "corpus"),
        tokenizer,
        teacher,
        None if args.start is None else read_start(args.start),
        {
            "command": _command(args),
            "hardware": _hardware(args),
            "voices": args.voices,
            "copies": args.copies,
        },
    )


def plan_of(args: argparse.Namespace, vocabulary: int) -> Plan:
    """What to train, for a tokenizer of so many pieces."""
    from simulst.train.listener.loop import Plan
    from simulst.train.listener.model import Dimensions
    from simulst.train.listener.teacher import TEACHER_WIDTH

    taught = args.teacher is not None and args.teacher_share > 0
    if args.control == "none":
        sizes = Dimensions(
            vocabulary,
            args.width,
            args.encoder_layers,
            args.decoder_layers,
            TEACHER_WIDTH if taught else 0,
        )
    else:
        taught = False
        sizes = Dimensions(vocabulary, TEACHER_WIDTH, 0, args.decoder_layers)
    return Plan(
        sizes=sizes,
        hours=args.hours,
        steps=args.steps,
        batch_s=args.batch_seconds,
        rate=args.rate,
        seed=args.seed,
        device=args.device,
        taught=args.teacher_share if taught else 0.0,
        processes=args.drawers,
        gauge_every_s=60 * args.gauge_minutes,
    )


def export(args: argparse.Namespace) -> None:
    """Makes a pack of the averaged weights in `--work`."""
    from simulst.train.listener.export import export_pack
    from simulst.train.listener.storage import read_average

    model, state = read_average(args.work / "average.pt")
    export_pack(model, args.work / "tokenizer.json", args.out, fields={"steps": state["step"]})
    size = sum(file.stat().st_size for file in args.out.iterdir() if file.is_file())
    _report(f"{args.out}: {size / 1e6:.1f} MB after {state['step']} steps")


def score(args: argparse.Namespace) -> None:
    """Scores the pack in `--out` and writes its card."""
    from simulst.train.listener.card import card_text, write_card
    from simulst.train.listener.evaluation import evaluate_pack
    from simulst.train.listener.storage import read_average
    from simulst.train.listener.voices import HELD_OUT

    model, state = read_average(args.work / "average.pt")
    _, held_out = _read_texts(args)
    scores, notes = evaluate_pack(
        args.out, args.data, held_out, [*args.voices, HELD_OUT], seed=args.seed, report=_report
    )
    text = card_text(
        scores, state, parameters=model.parameter_count(), held_out_voice=HELD_OUT, notes=notes
    )
    write_card(args.out, text)


def _command(args: argparse.Namespace) -> str:
    """The command of this run, without the paths of this machine."""
    options = ["hours", "speech_hours", "copies", "pieces", "width", "encoder_layers"]
    options += ["decoder_layers", "batch_seconds", "rate", "seed", "device"]
    if args.teacher is not None:
        options.append("teacher_share")
    values = " ".join(f"--{option.replace('_', '-')} {getattr(args, option)}" for option in options)
    teacher = "" if args.teacher is None else f" --teacher {args.teacher.name}"
    start = "" if args.start is None else f" --start {args.start.name}"
    return (
        f"simulst train listener --data DATA --work WORK --out models/{args.out.name} {values}"
        f"{teacher}{start} --voices {' '.join(args.voices)}"
    )


def _hardware(args: argparse.Namespace) -> str:
    """What it was trained on, as well as that is known."""
    if args.device != "cpu":
        return f"one {args.device.upper()} device"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    processor = f"{names[0]} CPU ({len(names)} cores)" if names else "CPU"
    return f"{args.threads} thread{'s' if args.threads > 1 else ''}, {processor}"


def _report(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)
