"""RSFT in minutes on one core: the shipped pack learns from talks what its own hindsight accepts.

python demos/finetune_talks.py [--text TSV] [--sentences N] [--steps N] [--out FOLDER]

It drafts translations as it would live, with a few words of lag, and is its own teacher: the same
weights look at each draft with the whole sentence in sight. Parallel text (TSV) gives more to learn
from and, set apart, sentences to judge by; without it there is only the talk itself, and a gain on
what was learnt from says nothing about other talks.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

from simulst.cli import main as simulst
from simulst.corpus import Pair, stream_pairs
from simulst.finetune.gain import measure
from simulst.rsft.talks import read_talks

HERE = Path(__file__).parent
TALKS = [HERE / "talk", HERE.parents[1] / "shared" / "data" / "talks" / "address"]
TEST, DEV = 200, 50
LAGS = (1, 2, 3, 5, 7)


def split(text: Path, sentences: int, folder: Path) -> dict[str, Path]:
    """Three files of different sentences: to judge by, to stop by, and to learn from."""
    talked = {sentence.source for sentence in talk_pairs()}
    pairs = {p.source: p.target for p in islice(stream_pairs(text), 10 * (TEST + DEV + sentences))}
    rows = iter([f"{s}\t{t}\n" for s, t in pairs.items() if s not in talked and "\t" not in s + t])
    files = {}
    for name, count in (("test", TEST), ("dev", DEV), ("learn", sentences)):
        files[name] = folder / f"{name}.tsv"
        files[name].write_text("".join(islice(rows, count)), encoding="utf-8")
    return files


def talk_pairs() -> list[Pair]:
    """The sentences of the talks with their translations."""
    talks = (talk for talk in TALKS if talk.is_dir())
    return [Pair(s.source, s.reference) for talk in talks for s in read_talks(talk, "en", "de")]


def main(words: list[str] | None = None) -> None:
    """Learn, then tell before and after."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--text", type=Path, help="English and German, a sentence pair a line")
    parser.add_argument("--sentences", type=int, default=100, help="learnt from (100)")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("runs/finetune-talks"))
    args = parser.parse_args(words)
    args.out.mkdir(parents=True, exist_ok=True)
    pack = str(args.out / "pack")
    line = ["finetune", *(str(talk) for talk in TALKS if talk.is_dir())]
    held_out = []
    if args.text:
        files = split(args.text, args.sentences, args.out)
        line.append(str(files["learn"]))
        held_out = ["--dev", str(files["dev"]), "--test", str(files["test"])]
    line += ["--pack", "en-de", "--teacher", "en-de", "--out", pack, *held_out]
    line += ["--drafts", "4", "--steps", str(args.steps), "--tokens", "256", "--rate", "5e-5"]
    if code := simulst(line):
        raise SystemExit(code)
    if args.text:
        report = (args.out / "pack-work" / "report" / "report.md").read_text(encoding="utf-8")
        print(report[report.index("## What was gained") : report.index("## What was learnt")])
        return
    print("on the very sentences that were learnt from, which says nothing about other talks:")
    gain = measure("en-de", pack, talk_pairs(), LAGS)
    for before, after in zip(gain.before, gain.after, strict=True):
        print(f"k={before.lag}: BLEU {before.bleu:.1f} before, {after.bleu:.1f} after")


if __name__ == "__main__":
    main()
