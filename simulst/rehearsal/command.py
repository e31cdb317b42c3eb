"""`simulst evaluate` from sound: talks whose words are known, or text that a voice reads aloud.

What has no sound goes on to `simulst.evaluate.command`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from simulst import __version__
from simulst.errors import ConfigError, DataError, ModelError
from simulst.evaluate import command as text
from simulst.evaluate.output import make_folder, progress, write_text

if TYPE_CHECKING:
    from simulst.asr.forced import Aligner
    from simulst.config import Config
    from simulst.rehearsal.lines import Lines
    from simulst.rehearsal.scores import Heard, Row
    from simulst.rehearsal.talks import Talk
    from simulst.types import Samples, Word

__all__ = ["add_arguments", "run"]

HEARD, GOLD, WHOLE = "heard", "gold words", "gold text, whole sentences"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of all that can be evaluated."""
    text.add_arguments(parser)
    sound = parser.add_argument_group(
        "sound",
        "TALKS, a folder with audio.*, transcript.LANG.txt and reference.LANG.txt, or with such a "
        "folder for each talk; or a parallel text with --voice",
    )
    sound.add_argument(
        "--voice", default="", metavar="NAME", help="synthetic voice that reads the text aloud"
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate from sound where there is any, else from text or logs.

    Raises:
        AudioError: a recording cannot be read.
        ConfigError: options that do not go together, or out of range.
        DataError: talks, texts or logs that cannot be read.
        ModelError: a pack that is unknown or does not serve the languages.
        OutputError: the output folder cannot be written.
    """
    folders = [path for path in args.inputs if path.is_dir()]
    if not folders and not args.voice:
        return text.run(args)
    _check(args, folders)
    config = _config(args)
    (path,) = args.inputs
    talks, count = _talks(path, args, config)
    from simulst.rehearsal.lines import open_lines
    from simulst.rehearsal.scores import word_error_rate

    word_error_rate(["a"], ["a"])  # what it lacks is told now, not after an hour
    lines = open_lines(config, args.to)
    out = make_folder(args.out)
    with ExitStack() as stack:
        logs = out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = _Bench(lines, _aligner(config), logs)
        found: dict[str, dict[str, Heard]] = {}
        show = stack.enter_context(progress(count, "listening"))
        for done, talk in enumerate(talks, 1):
            found[talk.name] = bench.put_through(talk)
            show(done, talk.name)
    _print(args, found, _signature(lines, path, count, args.voice), out)
    return 0


def _check(args: argparse.Namespace, folders: Sequence[Path]) -> None:
    if len(args.inputs) > 1:
        raise ConfigError(f"{len(args.inputs)} inputs: with sound, give one folder or one text")
    (path,) = args.inputs
    if args.voice and folders:
        raise ConfigError(
            f"--voice {args.voice} reads a parallel text aloud, and {path} is a folder"
        )
    if args.voice and not path.name.endswith((".tsv", ".tsv.gz")):
        raise ConfigError(
            f"--voice {args.voice} reads a parallel text (.tsv) aloud, not {path.name}"
        )
    for name in ("rule", "sweep", "reference", "segments"):
        if getattr(args, name):
            way = "set accept.rule with --set" if name in ("rule", "sweep") else "leave it out"
            raise ConfigError(f"--{name} does not go with sound: {way}")
    if not args.to or "," in args.to:
        raise ConfigError(f"--to {args.to!r}: name one target language, for instance --to de")
    if args.limit < 0 or args.threads < 0:
        raise ConfigError(
            f"--limit is {args.limit} and --threads {args.threads}: neither may be below 0"
        )


def _config(args: argparse.Namespace) -> Config:
    config = text.config_of(args)
    if args.threads and config.asr.model != "pocketsphinx":  # which has one
        config = replace(config, asr=replace(config.asr, threads=args.threads))
    return config


def _talks(path: Path, args: argparse.Namespace, config: Config) -> tuple[Iterable[Talk], int]:
    """What is to be heard, and how many there are."""
    from simulst.corpus import read_pairs
    from simulst.rehearsal import talks

    if not args.voice:
        found = talks.read_recorded(path, config.asr.language, args.to, args.limit)
        return found, len(found)
    if config.asr.language != "en":
        raise ConfigError(
            f"--voice {args.voice} speaks English, and asr.language is {config.asr.language}: "
            "leave one of them out"
        )
    talks.check_voice(args.voice)
    pairs = read_pairs(path)[: args.limit or None]
    return talks.speak_talks(pairs, args.voice, config.seed, path), len(pairs)


def _aligner(config: Config) -> Aligner | None:
    from simulst.asr.forced import open_aligner

    try:
        return open_aligner(config.asr.language)
    except ModelError as error:
        _say(f"{error}; the line of {GOLD} is left out")
        return None


@dataclass(frozen=True, slots=True)
class _Bench:
    """Puts talks through the lines.

    Attributes:
        lines: of models.
        aligner: None leaves the line of gold words out.
        logs: folder for the journals.
    """

    lines: Lines
    aligner: Aligner | None
    logs: Path

    def put_through(self, talk: Talk) -> dict[str, Heard]:
        """What each line made of a talk; without gold words if their times cannot be found."""
        from simulst.rehearsal.scores import Heard, read_heard

        samples = talk.load()
        words = self._words(talk, samples)
        times = _times(talk, words, samples)
        said = " ".join(pair.source for pair in talk.sentences)
        found = {}
        journal = self._journal(talk, "heard")
        self.lines.hear(samples, journal)
        found[HEARD] = read_heard(journal, said, talk.reference, times)
        if words:
            journal = self._journal(talk, "gold")
            flat = [word for sentence in words for word in sentence]
            self.lines.hear_gold(samples, flat, journal)
            found[GOLD] = read_heard(journal, said, talk.reference, times)
        space = "" if self.lines.character else " "
        whole = space.join(self.lines.write_whole(talk.sentences))
        found[WHOLE] = Heard(said, space.join(talk.reference), whole)
        return found

    def _journal(self, talk: Talk, line: str) -> Path:
        folder = make_folder(self.logs / f"{talk.name}_{line}")
        assert folder is not None
        return folder / "session.jsonl"  # as `simulst report` finds it

    def _words(self, talk: Talk, samples: Samples) -> list[tuple[Word, ...]]:
        """The words of each sentence with their times; none if these are not to be had."""
        from simulst.asr.forced import spread

        if self.aligner is None:
            return []
        try:
            return self.aligner.align([pair.source for pair in talk.sentences], samples)
        except DataError as error:
            if talk.margins is None:
                _say(f"{talk.where}: {error} Its {GOLD} are left out")
                return []
        (pair,), (before, after) = talk.sentences, talk.margins
        _say(f"sentence {talk.name}, {pair.source!r}: its words are timed by their letters")
        return [spread(pair.source, before, len(samples) - after)]


def _times(
    talk: Talk, words: Sequence[Sequence[Word]], samples: Samples
) -> list[tuple[float, float]]:
    """When each sentence began and for how long it was said, in ms; empty if not known."""
    from simulst.evaluate.session import samples_to_ms

    spans = [(sentence[0].start, sentence[-1].end) for sentence in words]
    if talk.margins is not None:
        spans = [(talk.margins[0], len(samples) - talk.margins[1])]
    return [(samples_to_ms(start), samples_to_ms(end - start)) for start, end in spans]


def _print(
    args: argparse.Namespace,
    found: dict[str, dict[str, Heard]],
    signature: str,
    out: Path | None,
) -> None:
    """Show the table, and write it."""
    from simulst.evaluate import tables
    from simulst.rehearsal import scores

    overall = _rows(list(found.values()), args.to)
    rows = [scores.cells(row) for row in overall]
    if len(found) > 1 and not args.voice:  # of sentences nobody wants a row each
        each = [(name, _rows([talk], args.to)) for name, talk in found.items()]
        rows = [
            *(scores.cells(replace(r, name=f"{name}: {r.name}")) for name, of in each for r in of),
            *(scores.cells(replace(r, name=f"all: {r.name}")) for r in overall),
        ]
    quality = overall[0].quality
    signature += f"; BLEU {quality.bleu_signature}; chrF {quality.chrf_signature}"
    lost = f"{scores.losses(*overall)}\n\n" if len(overall) == 3 else ""
    print(tables.aligned(scores.HEADER, rows))
    print(f"\n{lost}{signature}")
    if out:
        table = tables.markdown(scores.HEADER, rows)
        write_text(out / "table.md", f"{table}\n\n{lost}`{signature}`\n")
        print(f"wrote {out}")


def _rows(talks: Sequence[dict[str, Heard]], language: str) -> list[Row]:
    """A row for each line that all of these talks went through."""
    from simulst.rehearsal.scores import row

    return [
        row(line, [talk[line] for talk in talks], language)
        for line in (HEARD, GOLD, WHOLE)
        if all(line in talk for talk in talks)
    ]


def _signature(lines: Lines, path: Path, count: int, voice: str) -> str:
    accept = lines.accept
    names = (f"{key} {name}" for key, name in lines.names.items())
    parts = (
        f"simulst {__version__}",
        *names,
        f"{path.name}, first {count} sentences read by {voice}"
        if voice
        else f"{path.resolve().name}, talks: {count}",
        f"rule {accept.rule}, k_min {accept.k_min}, k_max {accept.k_max}, m {accept.m:g}, "
        f"seed {lines.config.seed}",
        "WER of committed words without case and punctuation",
        "BLEU and chrF with each talk as one document",
        "LAAL in ms, per heard sentence from the start of its first word, Y = H; the computing of "
        f"{GOLD} has no recogniser in it",
    )
    return "; ".join(parts)


def _say(line: str) -> None:
    print(f"simulst: {line}", file=sys.stderr, flush=True)
