"""`simulst train mishearing`: parallel text whose sources are what a listener made of them.

A translator that only ever saw clean text turns a misspelt word into one that exists. Here the
sources are spoken by the synthetic voices and recognised by the listener that the translator
will sit behind; the targets stay, so that it learns to translate what was meant (Sperber et al.
2017, "Toward Robust Neural Machine Translation for Noisy Input Sequences"). Where too little of
a sentence survived, its translation could only be learnt by heart, and it is left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from simulst import packs
from simulst.config import Asr
from simulst.corpus import Pair, read_pairs
from simulst.errors import ConfigError
from simulst.protocols import Transcriber
from simulst.train.rewriting import rewrite

__all__ = ["Ear", "add_arguments", "run"]

CHUNK = 256  # pairs between two writes
LONGEST_S = 25.0  # Whisper's windows end at 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--data", type=Path, required=True, help="parallel TSV, plain or .gz")
    parser.add_argument("--corpora", default="", help="only these, by comma (four-column data)")
    parser.add_argument(
        "--pairs", type=int, default=20_000, help="so many, drawn at random; 0 for all (20000)"
    )
    parser.add_argument("--asr", default="listen-en", help="the listener: a pack (listen-en)")
    parser.add_argument(
        "--voices", nargs="+", default=[], help="that speak (default: all but pico)"
    )
    parser.add_argument(
        "--most-errors",
        type=float,
        default=0.5,
        help="word error rate above which a sentence is left out (0.5)",
    )
    parser.add_argument("--processes", type=int, default=1, help="working at once (1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="TSV; what is there is kept")


def run(args: argparse.Namespace) -> int:
    """Speak and listen, appending to what an earlier run wrote.

    Raises:
        ConfigError: an option out of range, or a synthesiser that is not installed.
        DataError: data that cannot be read.
        ModelError: the listener cannot be used.
        OutputError: the file cannot be written, or is of other data.
    """
    from simulst.train.listener.voices import USUAL, draw_voice

    for name, least in (("pairs", 0), ("most_errors", 0), ("processes", 1)):
        if getattr(args, name) < least:
            option = name.replace("_", "-")
            raise ConfigError(f"--{option} is {getattr(args, name)}: it must be {least} or more")
    for voice in args.voices:
        draw_voice(voice, Random(0))
    pack = packs.find(args.asr, "asr")
    pairs = read_pairs(args.data, [name for name in args.corpora.split(",") if name])
    if 0 < args.pairs < len(pairs):
        pairs = Random(args.seed).sample(pairs, args.pairs)
    ear = Ear(str(pack.path), tuple(args.voices or USUAL), args.seed, args.most_errors)

    def report(done: int) -> None:
        print(f"{done} of {len(pairs)} heard", file=sys.stderr, flush=True)

    with _hearing(ear, args.processes) as hear:
        rewrite(pairs, "source", hear, args.out, report, kind="misheard", chunk=CHUNK)
    return 0


@dataclass(frozen=True, slots=True)
class Ear:
    """How sentences are spoken and heard.

    Attributes:
        model: folder of the listener's pack.
        voices: that speak, each with the rates and pitches it is trained with.
        seed: of the choice of voice, which depends on the sentence alone.
        most_errors: word error rate above which nothing was heard.
    """

    model: str
    voices: tuple[str, ...]
    seed: int
    most_errors: float

    def hear(self, transcriber: Transcriber, text: str, folder: Path) -> str:
        """What the listener writes when a sentence is spoken; "" where too little survived."""
        from simulst.train.listener.evaluation import with_margins, word_error_rate
        from simulst.train.listener.features import SAMPLE_RATE
        from simulst.train.listener.speech import speak
        from simulst.train.listener.texts import spoken_form
        from simulst.train.listener.voices import draw_voice
        from simulst.types import AudioChunk, Window

        if not spoken_form(text):
            return ""
        dice = Random(f"{self.seed}/{text}")
        voice = draw_voice(dice.choice(self.voices), dice, varied=True)
        audio = with_margins(speak(voice, text, folder).audio)
        if len(audio) > LONGEST_S * SAMPLE_RATE:
            return ""
        [words] = transcriber.transcribe([Window(AudioChunk(audio, 0))])
        heard = " ".join(word.text for word in words)
        return heard if heard and word_error_rate([text], [heard]) <= self.most_errors else ""


@contextmanager
def _hearing(ear: Ear, processes: int) -> Iterator[Callable[[Sequence[Pair]], list[str]]]:
    """What turns pairs into what was heard of them, by one process or several."""
    if processes == 1:
        _begin(ear)
        yield lambda pairs: [_hear(pair.source) for pair in pairs]
        return
    with ProcessPoolExecutor(processes, initializer=_begin, initargs=(ear,)) as pool:
        yield lambda pairs: list(pool.map(_hear, [pair.source for pair in pairs], chunksize=8))


_hear_here: Callable[[str], str]


def _begin(ear: Ear) -> None:
    global _hear_here
    from simulst.asr.opening import open_transcriber

    transcriber = open_transcriber(Asr(model=ear.model, threads=1))
    _hear_here = partial(_spoken, ear, transcriber)


def _hear(text: str) -> str:
    return _hear_here(text)


def _spoken(ear: Ear, transcriber: Transcriber, text: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return ear.hear(transcriber, text, Path(folder))
