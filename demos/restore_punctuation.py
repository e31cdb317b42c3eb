"""RSFT of what is no translation: case and punctuation for the words that a recogniser writes.

python -m demos.restore_punctuation TEXT    (English lines, or a parallel .tsv with English first)

A tiny T5 learns a little from scratch, drafts for other sentences, and learns from those of its own
drafts that a reward accepts: chrF with what was written. A coin in its place is the control.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from demos.tiny_t5 import create
from simulst.corpus import stream_pairs
from simulst.protocols import Proposal, TrainableSeq2Seq
from simulst.rsft.acceptance import Selection
from simulst.rsft.drawing import Drawing
from simulst.rsft.gates import Gates, chrf
from simulst.rsft.jobs import accept_stage, sample_stage, talk_stage
from simulst.rsft.opening import open_policy
from simulst.rsft.talks import Sentence
from simulst.rsft.training import Learning, Schooling

SELECTIONS = {
    "reward": Selection("reward", reward_temperature=2.0, keep=2, gates=Gates(least=80.0)),
    "coin": Selection("random", rate=0.25, keep=2, gates=None),
}


def quiet(*_: Any) -> None:
    """A report that nobody reads."""


def read(path: Path) -> list[Sentence]:
    """Short sentences of the commonest words, as they are heard and as they are written."""
    tsv = ".tsv" in path.name
    lines = [p.source for p in stream_pairs(path)] if tsv else path.read_text().splitlines()
    pairs = {" ".join(re.sub(r"[^\w\s']", "", line.lower()).split()): line for line in lines}
    pairs = {heard: line for heard, line in pairs.items() if 4 <= len(heard.split()) <= 9}
    words = dict(Counter(word for heard in pairs for word in heard.split()).most_common(300))
    found = [Sentence("text", h, line) for h, line in pairs.items() if words.keys() >= {*h.split()}]
    return random.Random(0).sample(found, len(found))


def show(name: str, policy: TrainableSeq2Seq, held_out: list[Sentence]) -> None:
    """Print chrF of what the policy writes for held-out lines, and how many are wholly right."""
    drafts = policy.sample([Proposal(tuple(t.source.split()), 0, 0.0) for t in held_out])
    texts = [(policy.text(d.tokens), t.reference) for d, t in zip(drafts, held_out, strict=True)]
    right = sum(text == reference for text, reference in texts) / len(texts)
    print(f"{name:9} chrF {sum(chrf(*t) for t in texts) / len(texts):.1f}, {right:.0%} right")


def main(path: Path, work: Path, steps: int = 800, talks: int = 2000, drafts: int = 8) -> None:
    """Make a model, let it draft, and learn from what is accepted."""
    texts = read(path)
    held_out, said, pairs = texts[:300], texts[300 : 300 + talks], texts[300 + talks :][:8000]
    create(work / "base", pairs, steps)
    base, samples = f"hf:{work / 'base'}", work / "samples.jsonl"
    show("before", open_policy(base), held_out)
    talk_stage(iter(said), work / "talks.jsonl", {})
    sample_stage(work / "talks.jsonl", samples, base, Drawing(drafts, (0,), (0.5, 1.0)), quiet)
    for name, selection in SELECTIONS.items():
        policy, accepted = open_policy(base), work / name / "accepted.jsonl"
        accept_stage(samples, accepted, "", selection, quiet)
        learning = Learning(300, 300, 1e-3, accepted_share=1.0, smoothing=0.0, pull=0.0, lags=(0,))
        Schooling(policy, None, accepted, learning, work / name).run(quiet)
        show(name, policy, held_out)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(sys.argv[1]), Path(folder))
