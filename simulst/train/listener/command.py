"""`simulst train listener`: speak a corpus, train, export, score, write the card.

Each stage keeps what an earlier run finished; a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from simulst.errors import ConfigError

__all__ = ["add_arguments", "run"]

FLITE = ("slt", "rms", "awb", "kal16")
"""The voices by default: espeak-ng's many variants take more hours than one to learn."""
STAGES = ("corpus", "train", "export", "score")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the recipe's options to `parser`."""
    parser.add_argument("--data", type=Path, required=True, help="holds en-de/, speech/, talks/")
    parser.add_argument("--work", type=Path, required=True, help="for shards and checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="the pack, e.g. models/listen-en")
    parser.add_argument("--hours", type=float, default=1.0, help="of training (default 1)")
    parser.add_argument(
        "--steps", type=int, default=0, help="at most this many (default: no limit)"
    )
    parser.add_argument("--speech-hours", type=float, default=10.0, help="to synthesise (10)")
    parser.add_argument("--voices", nargs="+", default=None, help="of flite, and espeak (flite)")
    parser.add_argument("--pieces", type=int, default=1024, help="of the vocabulary (1024)")
    parser.add_argument("--width", type=int, default=256, help="of the model, n x 64 (256)")
    parser.add_argument("--encoder-layers", type=int, default=5)
    parser.add_argument("--decoder-layers", type=int, default=2)
    parser.add_argument("--batch-seconds", type=float, default=100.0)
    parser.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate (0.0015)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU (1)")
    parser.add_argument("--processes", type=int, default=1, help="speaking at once (1)")
    parser.add_argument(
        "--stages", nargs="+", choices=STAGES, default=list(STAGES), help="default: all"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the stages asked for; 0 when all are done.

    Raises:
        ConfigError: an option out of range.
        DataError: `--data` lacks a file.
        ModelError: an export without a checkpoint, or a checkpoint of other sizes.
    """
    _check(args)
    import torch

    from simulst.train.listener.texts import is_held_out, read_sentences

    torch.set_num_threads(args.threads)
    voices = args.voices or list(FLITE)
    sentences = read_sentences(args.data / "en-de" / "train.tsv.gz")
    learned = {
        source: [text for text in texts if not is_held_out(text)]
        for source, texts in sentences.items()
    }
    held_out = [text for texts in sentences.values() for text in texts if is_held_out(text)]
    if "corpus" in args.stages:
        _make_corpus(args, learned, voices)
    if "train" in args.stages:
        _train(args)
    if "export" in args.stages:
        _export(args)
    if "score" in args.stages:
        _score(args, held_out, voices)
    return 0


def _check(args: argparse.Namespace) -> None:
    from simulst.train.listener.speech import VOICES

    for name in args.voices or ():
        if name not in VOICES:
            raise ConfigError(f"--voices {name}: there are {', '.join(VOICES)}")
    for option in ("hours", "speech_hours", "batch_seconds", "rate"):
        if getattr(args, option) <= 0:
            value = getattr(args, option)
            raise ConfigError(f"--{option.replace('_', '-')} {value}: give a number above 0")
    if args.width <= 0 or args.width % 64:
        raise ConfigError(f"--width {args.width}: heads are 64 wide, give a multiple of 64")
    if args.pieces < 300:
        raise ConfigError(f"--pieces {args.pieces}: 256 are single bytes, give 300 or more")


def _make_corpus(
    args: argparse.Namespace, sentences: dict[str, list[str]], voices: list[str]
) -> None:
    from simulst.train.listener.recordings import shard_recordings
    from simulst.train.listener.speech import speak_corpus
    from simulst.train.listener.texts import TrueCaser
    from simulst.train.listener.tokenizer import train_tokenizer

    texts = [text for source in sentences.values() for text in source]
    vocabulary = args.work / "tokenizer.json"
    if not vocabulary.exists():
        args.work.mkdir(parents=True, exist_ok=True)
        train_tokenizer(texts, args.pieces).save(str(vocabulary))
    shard_recordings(args.data, args.work / "corpus", TrueCaser(texts))
    _report(f"speaking {args.speech_hours} h of text with {', '.join(voices)}")
    speak_corpus(
        args.work / "corpus",
        sentences,
        hours=args.speech_hours,
        voices=voices,
        seed=args.seed,
        processes=args.processes,
    )


def _train(args: argparse.Namespace) -> None:
    import torch

    from simulst.train.listener.loop import Plan, Trainer
    from simulst.train.listener.model import Dimensions
    from simulst.train.listener.tokenizer import load_tokenizer
    from simulst.train.listener.windows import Corpus

    device = args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = load_tokenizer(args.work / "tokenizer.json")
    sizes = Dimensions(
        tokenizer.get_vocab_size(), args.width, args.encoder_layers, args.decoder_layers
    )
    plan = Plan(
        sizes=sizes,
        hours=args.hours,
        steps=args.steps,
        batch_s=args.batch_seconds,
        rate=args.rate,
        seed=args.seed,
        device=device,
    )
    trainer = Trainer(plan, Corpus(args.work / "corpus"), tokenizer)
    if trainer.resume(args.work):
        _report(f"going on from step {trainer.step}")
    trainer.train(args.work, _report)


def _export(args: argparse.Namespace) -> None:
    from simulst.train.listener.export import export_pack, read_average

    model, state = read_average(args.work / "checkpoint.pt")
    export_pack(model, args.work / "tokenizer.json", args.out, fields={"steps": state["step"]})
    size = sum(file.stat().st_size for file in args.out.iterdir() if file.is_file())
    _report(f"{args.out}: {size / 1e6:.1f} MB after {state['step']} steps")


def _score(args: argparse.Namespace, held_out: list[str], voices: list[str]) -> None:
    from simulst.train.listener.card import card_text, write_card
    from simulst.train.listener.evaluation import evaluate_pack
    from simulst.train.listener.export import read_average
    from simulst.train.listener.speech import VOICES
    from simulst.train.listener.windows import Corpus

    model, state = read_average(args.work / "checkpoint.pt")
    scores, notes = evaluate_pack(
        args.out, args.data, held_out, list(VOICES), seed=args.seed, report=_report
    )
    corpus = Corpus(args.work / "corpus")
    corpus.refresh()
    hours: dict[str, float] = {}
    for name, shard in corpus.shards.items():
        kind = name.rsplit("-", 1)[0]
        hours[kind] = hours.get(kind, 0.0) + shard.seconds / 3600
    threads = f"{args.threads} thread{'s' if args.threads > 1 else ''}"
    text = card_text(
        scores,
        state,
        parameters=model.parameter_count(),
        command=_command(args, voices),
        hardware=f"{threads}, {_processor()}" if args.device != "cuda" else "a CUDA device",
        voices=voices,
        hours_of_speech=hours,
        notes=notes,
    )
    write_card(args.out, text)


def _command(args: argparse.Namespace, voices: list[str]) -> str:
    """The command of this run, without the paths of this machine."""
    options = ["hours", "speech_hours", "pieces", "width", "encoder_layers", "decoder_layers"]
    options += ["batch_seconds", "rate", "seed"]
    values = " ".join(f"--{option.replace('_', '-')} {getattr(args, option)}" for option in options)
    return (
        f"simulst train listener --data DATA --work WORK --out models/{args.out.name} {values} "
        f"--voices {' '.join(voices)}"
    )


def _processor() -> str:
    """The processor's name, as well as it is known."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0]} CPU ({len(names)} cores)" if names else "CPU"


def _report(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)
