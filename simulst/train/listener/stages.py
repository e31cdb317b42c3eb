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
    from tokenizers import Tokenizer
    from torch import Tensor

    from simulst.train.listener.loop import Plan, Trainer
    from simulst.train.listener.reading import Texts
    from simulst.train.listener.teacher import Teacher

__all__ = ["blend", "ceiling", "export", "make_corpus", "plan_of", "score", "train"]

BLEND = "blend.pt"
PARTS = ("blocks", "heads")
"""Stages that train the parts of a listener, which the stage train starts from."""
BATCH_S = {"blocks": 60.0, "heads": 100.0, "train": 120.0}
RATES = {"blocks": 2e-3, "heads": 1.5e-3, "train": 1.5e-3}
START_RATE = 8e-4  # where weights are there to start from
BEGUN = 0.5
"""Of the way from short, clean windows to long, changed ones, where weights are there to start
from."""


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
    vocabulary = args.corpus / "tokenizer.json"
    if not vocabulary.exists():
        args.corpus.mkdir(parents=True, exist_ok=True)
        train_tokenizer(texts, args.pieces).save(str(vocabulary))
    if "recordings" in args.stages:
        _report(f"recordings, {args.copies} copies")
        shard_recordings(
            args.data,
            args.corpus / "corpus",
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

    folder = args.corpus / "corpus"
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


def train(args: argparse.Namespace, stage: str = "train") -> None:
    """Trains until the stage's hours (or `--steps`) are used, going on from an earlier run.

    Args:
        args: of the command.
        stage: blocks, heads or train; the first two have folders of their own in `--work`.
    """
    folder = args.work if stage == "train" else args.work / stage
    with held(folder):
        if stage == "train":
            (args.work / BLEND).unlink(missing_ok=True)  # of weights before these
        trainer = _trainer(args, stage)
        if trainer.resume(folder):
            _report(f"{stage}: going on from step {trainer.step}")
        trainer.train(folder, _report)


def _trainer(args: argparse.Namespace, stage: str) -> Trainer:
    from simulst.train.listener.corpus import Corpus
    from simulst.train.listener.loop import Trainer
    from simulst.train.listener.teacher import Teacher
    from simulst.train.listener.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(args.corpus / "tokenizer.json")
    teacher: Teacher | None = None if args.teacher is None else Teacher.read(args.teacher)
    start = _start(args, stage)
    return Trainer(
        plan_of(args, tokenizer.get_vocab_size(), stage, begun=BEGUN if start else 0.0),
        Corpus(args.corpus / "corpus"),
        tokenizer,
        teacher,
        start,
        None if stage == "blocks" else _texts(args, tokenizer),
        {
            "command": _command(args),
            "hardware": _hardware(args),
            "voices": args.voices,
            "copies": args.copies,
        },
    )


def _texts(args: argparse.Namespace, tokenizer: Tokenizer) -> Texts | None:
    """What the decoder reads, if it is to."""
    from simulst.train.listener.reading import Texts

    if not args.text_tokens:
        return None
    return Texts(_read_texts(args)[0], tokenizer, args.text_tokens, args.seed)


def _start(args: argparse.Namespace, stage: str) -> dict[str, Tensor] | None:
    """Weights to start from: those asked for, or what the stages before made of the parts."""
    from simulst.train.listener.storage import read_start

    if args.start is not None:
        return read_start(args.start)
    made = [args.work / name / "average.pt" for name in PARTS]
    if stage != "train" or not all(path.exists() for path in made):
        return None
    encoder, heads = map(read_start, made)
    # phones are read from another layer than the teacher's last
    fitting = {name: w for name, w in heads.items() if not name.startswith("phones.")}
    return {name: w for name, w in encoder.items() if name.startswith("encoder.")} | fitting


def plan_of(
    args: argparse.Namespace, vocabulary: int, stage: str = "train", *, begun: float = 0.0
) -> Plan:
    """What to train, for a tokenizer of so many pieces.

    Args:
        args: of the command.
        vocabulary: pieces.
        stage: blocks, heads or train.
        begun: as `Plan.begun`.
    """
    from simulst.train.listener.loop import Plan
    from simulst.train.listener.model import Dimensions
    from simulst.train.listener.teacher import TEACHER_WIDTH

    taught = stage == "train" and args.teacher is not None and args.teacher_share > 0
    sizes = Dimensions(
        vocabulary,
        args.width,
        0 if stage == "heads" else args.encoder_layers,
        args.decoder_layers,
        TEACHER_WIDTH if taught else 0,
        args.feedforward,
    )
    hours = {"blocks": args.blocks_hours, "heads": args.heads_hours, "train": args.hours}
    return Plan(
        sizes=sizes,
        hours=hours[stage],
        steps=args.steps,
        batch_s=args.batch_seconds or BATCH_S[stage],
        rate=args.rate or (START_RATE if begun else RATES[stage]),
        seed=args.seed,
        device=args.device,
        taught=_taught_share(args, stage),
        blockwise=stage == "blocks",
        fixed=stage == "train" and args.fixed_encoder,
        begun=BEGUN if stage == "blocks" else begun,
        processes=args.drawers,
        gauge_every_s=60 * args.gauge_minutes,
    )


def _taught_share(args: argparse.Namespace, stage: str) -> float:
    """The share of batches from which the teacher's features are learned."""
    if stage != "train":
        return float(stage == "blocks")
    return 0.0 if args.teacher is None or args.fixed_encoder else float(args.teacher_share)


def blend(args: argparse.Namespace) -> None:
    """Writes weights between `--start` and the averaged ones to `blend.pt` in `--work`."""
    from simulst.train.listener.storage import write_blend

    path = args.work / BLEND
    write_blend(path, args.start, args.work / "average.pt", args.start_share)
    _report(f"{path}: {args.start_share:g} of {args.start}, the rest of what came of it")


def _weights(args: argparse.Namespace) -> Path:
    """What the pack is made of."""
    blended: Path = args.work / BLEND
    return blended if blended.exists() else args.work / "average.pt"


def export(args: argparse.Namespace) -> None:
    """Makes a pack of the weights in `--work`: the blended ones, or the averaged ones."""
    from simulst.train.listener.export import export_pack
    from simulst.train.listener.storage import read_average

    model, state = read_average(_weights(args))
    export_pack(model, args.corpus / "tokenizer.json", args.out, fields={"steps": state["step"]})
    size = sum(file.stat().st_size for file in args.out.iterdir() if file.is_file())
    _report(f"{args.out}: {size / 1e6:.1f} MB after {state['step']} steps")


def ceiling(args: argparse.Namespace) -> None:
    """Makes a listener of the teacher and the stage heads in `--work/ceiling`, and scores it."""
    from simulst.train.listener.ceiling import with_teacher
    from simulst.train.listener.evaluation import evaluate_pack
    from simulst.train.listener.export import export_pack
    from simulst.train.listener.teacher import Teacher
    from simulst.train.listener.voices import HELD_OUT

    model = with_teacher(args.work / "heads" / "checkpoint.pt", Teacher.read(args.teacher))
    folder = args.work / "ceiling"
    export_pack(model, args.corpus / "tokenizer.json", folder, fields={"license": "a control"})
    _report(f"{folder}: holds the teacher's encoder, to be measured and not to be passed on")
    _, held_out = _read_texts(args)
    evaluate_pack(
        folder,
        args.data,
        held_out,
        [*args.voices, HELD_OUT],
        seed=args.seed,
        speechless_minutes=1.0,
        report=_report,
    )


def score(args: argparse.Namespace) -> None:
    """Scores the pack in `--out` and writes its card."""
    from simulst.train.listener.card import card_text, write_card
    from simulst.train.listener.evaluation import evaluate_pack
    from simulst.train.listener.storage import read_average, read_facts
    from simulst.train.listener.voices import HELD_OUT

    model, state = read_average(_weights(args))
    _, held_out = _read_texts(args)
    scores, notes = evaluate_pack(
        args.out, args.data, held_out, [*args.voices, HELD_OUT], seed=args.seed, report=_report
    )
    made = [args.work / name / "average.pt" for name in PARTS]
    text = card_text(
        scores,
        state,
        [(path.parent.name, read_facts(path)) for path in made if path.exists()],
        parameters=model.parameter_count(),
        held_out_voice=HELD_OUT,
        notes=notes,
    )
    write_card(args.out, text)


def _command(args: argparse.Namespace) -> str:
    """The command of this run, without the paths of this machine."""
    options = ["hours", "speech_hours", "copies", "pieces", "width", "encoder_layers"]
    options += ["decoder_layers", "feedforward", "batch_seconds", "text_tokens", "rate", "seed"]
    options += ["device"]
    if args.teacher is not None:
        options += ["teacher_share", "blocks_hours", "heads_hours"]
    given = [option for option in options if getattr(args, option)]
    values = " ".join(f"--{option.replace('_', '-')} {getattr(args, option)}" for option in given)
    teacher = "" if args.teacher is None else f" --teacher {args.teacher.name}"
    start = "" if args.start is None else f" --start {args.start.name}"
    fixed = " --fixed-encoder" if args.fixed_encoder else ""
    return (
        f"simulst train listener --data DATA --work WORK --out models/{args.out.name} {values}"
        f"{teacher}{start}{fixed} --voices {' '.join(args.voices)}"
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
