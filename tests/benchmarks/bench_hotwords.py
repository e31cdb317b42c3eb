"""Terms of a glossary in recognition: how many are heard, and how many are heard where none was.

    python -m tests.benchmarks.bench_hotwords DATA [--limit N] [--every N]

DATA holds en-de/ and speech/. Sentences of `bench_glossary`'s list, at most twelve words long, are
spoken by four voices of flite, of which the pack listen-en has never heard one; their own terms are
listened for, and as many others. Then come recordings of people, one in N, with the same terms.
Needs flite.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch

from simulst.asr.hotwords import corrected
from simulst.asr.opening import open_transcriber
from simulst.asr.text import key
from simulst.config import Asr
from simulst.corpus import stream_pairs
from simulst.train.listener.recordings import RECORDINGS, read_transcripts
from simulst.train.listener.speech import speak
from simulst.train.listener.voices import HELD_OUT, draw_voice
from simulst.train.listener.waveforms import read_audio
from simulst.types import AudioChunk, Window, Word
from tests.benchmarks.bench_glossary import SETS, WORD, digest, mine, sentences

FAMILIES = ("slt", "rms", "awb", HELD_OUT)
LONGEST = 12

Heard = list[tuple[list[str], tuple[Word, ...]]]
"""What was said, and what was heard of it."""


def counts(heard: Heard, terms: Sequence[str], listened: Sequence[str]) -> str:
    """Terms said and heard, without and with correction, and those that were not said."""
    said = before = after = wrong = words = 0
    for spoken, hypothesis in heard:
        there = Counter(map(key, spoken))
        plain = Counter(key(word.text) for word in hypothesis)
        told = Counter(
            key(word.text) for word in corrected(hypothesis, [(name,) for name in listened])
        )
        words += len(hypothesis)
        for name in map(key, listened):
            wrong += max(told[name] - max(there[name], plain[name]), 0)
        for name in map(key, terms):
            said += there[name]
            before += min(plain[name], there[name])
            after += min(told[name], there[name])
    return f"{said} terms said, {before} heard, {after} with correction; {wrong} of {words} wrong"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, default=120, help="spoken sentences")
    parser.add_argument("--every", type=int, default=4, help="of the recordings, one in so many")
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = args.data / "en-de"
    pairs = [p for name in SETS for p in stream_pairs(folder / "dev" / f"{name}.tsv")]
    mined = mine(folder / "train.tsv.gz", {w for p in pairs for w in WORD.findall(p.source)})
    names = sorted(mined, key=digest)
    half = {name: mined[name] for name in names[len(names) // 2 :]}
    short = [pair for pair in pairs if len(pair.source.split()) <= LONGEST]
    spoken = [pair.source for pair in sentences(short, half, args.limit, strict=True)]
    terms = sorted({w for text in spoken for w in WORD.findall(text) if w in half})
    others = [name for name in names[: len(names) // 2] if name not in terms][: len(terms)]
    ear = open_transcriber(Asr())
    heard: Heard = []
    with tempfile.TemporaryDirectory() as place:
        for i, text in enumerate(spoken):
            voice = draw_voice(FAMILIES[i % len(FAMILIES)], Random(i))
            audio = speak(voice, text, Path(place)).audio
            (words,) = ear.transcribe([Window(AudioChunk(audio, 0))])
            heard.append((WORD.findall(text), words))
    print(f"spoken, {len(terms)} terms: {counts(heard, terms, terms)}", flush=True)
    print(f"... and {len(others)} others: {counts(heard, terms, [*terms, *others])}", flush=True)
    for name in RECORDINGS:
        recorded: Heard = []
        rows = read_transcripts(args.data / "speech" / name / "dev")
        for file, _, text in rows[:: args.every]:
            (words,) = ear.transcribe([Window(AudioChunk(read_audio(file), 0))])
            recorded.append((text.split(), words))
        print(f"{name}: {counts(recorded, terms, terms)}", flush=True)


if __name__ == "__main__":
    main()
