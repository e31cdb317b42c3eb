"""`simulst train listener`: speak a corpus, train, export, score, write the card.

Each stage keeps what an earlier run finished; a stopped run goes on where it was. On one core:

    recordings  15 s for each copy of the 3 h of recordings, --processes share it
    speech      40 s for an hour of synthetic speech, likewise
    blocks      --blocks-hours: every part of the encoder learns what the teacher's part does
    heads       --heads-hours: the decoder learns to write what the teacher hears
    ceiling     that decoder and the teacher's encoder as a listener in --work/ceiling, with its
                word error rates: a control, what a student's encoder could come to. It holds the
                teacher's tensors, so it is never a pack to ship
    train       --hours, from both where they were made, else from random weights. All three may
                begin while corpus stages still add shards, and blocks and heads run side by side
    blend       weights between --start and what came of it, at --start-share of the first
    export      half a minute
    score       a quarter of an hour, most of it for the half hour in which nothing is said

On a GPU give --device cuda, --batch-seconds 600, --drawers of one process a core but two, and
more hours of speech. What must come back for the last two stages is average.pt and
tokenizer.json, both in --work.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from simulst.errors import ConfigError

__all__ = ["add_arguments", "run"]

TRAININGS = ("blocks", "heads", "train")
STAGES = ("recordings", "speech", "blocks", "heads", "ceiling", "train", "blend", "export", "score")
TAUGHT = ("blocks", "heads", "ceiling")
"""Stages that want a teacher."""
UNASKED = (*TAUGHT, "blend")
"""Stages that have to be named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the recipe's options to `parser`."""
    parser.description = __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="holds en-de/, speech/, talks/")
    parser.add_argument("--work", type=Path, required=True, help="for shards and checkpoints")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=None,
        help="--work of another run, whose shards and vocabulary to use and to add to (its own)",
    )
    parser.add_argument("--out", type=Path, required=True, help="the pack, e.g. models/listen-en")
    parser.add_argument("--hours", type=float, default=2.5, help="of training (2.5)")
    parser.add_argument(
        "--steps", type=int, default=0, help="at most this many (default: no limit)"
    )
    parser.add_argument("--speech-hours", type=float, default=40.0, help="to synthesise (40)")
    parser.add_argument("--voices", nargs="+", default=None, help="training voices (all but pico)")
    parser.add_argument("--copies", type=int, default=6, help="of each recording (6)")
    parser.add_argument(
        "--teacher", type=Path, default=None, help="Whisper tiny.en's encoder, .npz (none)"
    )
    parser.add_argument(
        "--teacher-share", type=float, default=1.0, help="of batches that it teaches (1)"
    )
    parser.add_argument("--blocks-hours", type=float, default=0.5, help="of the stage blocks (0.5)")
    parser.add_argument("--heads-hours", type=float, default=0.5, help="of the stage heads (0.5)")
    parser.add_argument("--start", type=Path, default=None, help="weights: an average.pt")
    parser.add_argument(
        "--fixed-encoder",
        action="store_true",
        help="the stage train leaves the encoder as --start has it: twice the speed",
    )
    parser.add_argument(
        "--start-share", type=float, default=0.5, help="of them in the stage blend (0.5)"
    )
    parser.add_argument("--pieces", type=int, default=1024, help="of the vocabulary (1024)")
    parser.add_argument("--width", type=int, default=256, help="of the model, n x 64 (256)")
    parser.add_argument(
        "--feedforward", type=int, default=0, help="inside a layer (four times the width)"
    )
    parser.add_argument("--encoder-layers", type=int, default=5)
    parser.add_argument("--decoder-layers", type=int, default=2)
    parser.add_argument(
        "--batch-seconds", type=float, default=None, help="(blocks 60, heads 100, train 120)"
    )
    parser.add_argument(
        "--text-tokens",
        type=int,
        default=0,
        help="of text without sound that the decoder reads at every step, e.g. 4096 (0: none)",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=None,
        help="peak learning rate (blocks 0.002, heads 0.0015, train 0.0015, from weights 0.0008)",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU (1)")
    parser.add_argument("--processes", type=int, default=1, help="making the corpus (1)")
    parser.add_argument(
        "--drawers", type=int, default=0, help="processes that draw batches ahead (0)"
    )
    parser.add_argument("--gauge-minutes", type=float, default=10.0, help="between dev losses (10)")
    parser.add_argument(
        "--stages",
        nargs="+",
        choices=STAGES,
        default=[stage for stage in STAGES if stage not in UNASKED],
        help=f"default: all but {', '.join(UNASKED)}",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the stages asked for; 0 when all are done.

    Raises:
        ConfigError: an option out of range, or stages that do not fit the teacher.
        DataError: `--data` lacks a file.
        ModelError: an export without a checkpoint, or a checkpoint of other sizes.
    """
    _check(args)
    import torch

    from simulst.train.listener import stages
    from simulst.train.listener.voices import USUAL

    torch.set_num_threads(args.threads)
    args.voices = args.voices or list(USUAL)
    args.corpus = args.corpus or args.work
    args.device = args.device if args.device != "auto" else _device()
    if {"speech", "recordings"} & set(args.stages):
        stages.make_corpus(args)
    for name in TRAININGS:
        if name in args.stages:
            stages.train(args, name)
    if "ceiling" in args.stages:
        stages.ceiling(args)
    if "blend" in args.stages:
        stages.blend(args)
    if "export" in args.stages:
        stages.export(args)
    if "score" in args.stages:
        stages.score(args)
    return 0


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _check(args: argparse.Namespace) -> None:
    from simulst.train.listener.voices import HELD_OUT, VOICES

    for name in args.voices or ():
        if name == HELD_OUT:
            raise ConfigError(f"--voices {name}: it is held out, to score the pack with")
        if name not in VOICES:
            raise ConfigError(f"--voices {name}: there are {', '.join(VOICES)}")
    hours = ("hours", "blocks_hours", "heads_hours", "speech_hours")
    for option in (*hours, "batch_seconds", "rate", "copies", "gauge_minutes"):
        value = getattr(args, option)
        if value is not None and value <= 0:
            raise ConfigError(f"--{option.replace('_', '-')} {value}: give a number above 0")
    if args.text_tokens < 0:
        raise ConfigError(f"--text-tokens {args.text_tokens}: give 0 for no text, or more")
    for option in ("teacher_share", "start_share"):
        if not 0 <= getattr(args, option) <= 1:
            name = option.replace("_", "-")
            raise ConfigError(f"--{name} {getattr(args, option)}: it must lie in [0, 1]")
    if args.width <= 0 or args.width % 64:
        raise ConfigError(f"--width {args.width}: heads are 64 wide, give a multiple of 64")
    if args.encoder_layers < 1 or args.decoder_layers < 1:
        raise ConfigError("--encoder-layers and --decoder-layers: give 1 or more")
    if args.pieces < 300:
        raise ConfigError(f"--pieces {args.pieces}: 256 are single bytes, give 300 or more")
    if args.fixed_encoder and args.start is None:
        raise ConfigError("--fixed-encoder keeps an encoder that has learnt: give --start")
    if "blend" in args.stages and args.start is None:
        raise ConfigError("the stage blend goes back towards --start: give one")
    if set(TAUGHT) & set(args.stages):
        from simulst.train.listener.teacher import TEACHER_LAYERS, TEACHER_WIDTH

        if args.teacher is None:
            raise ConfigError(f"the stages {', '.join(TAUGHT)} have a teacher: give --teacher")
        if (args.width, args.encoder_layers) != (TEACHER_WIDTH, TEACHER_LAYERS):
            raise ConfigError(
                "the stages blocks and heads make parts that fit the teacher's: give --width "
                f"{TEACHER_WIDTH} --encoder-layers {TEACHER_LAYERS}, not {args.width} and "
                f"{args.encoder_layers}"
            )
