"""CPU milliseconds for one WRITE: our cached decoder against engines that start over.

    python -m tests.benchmarks.bench_write [--pack NAME] [--words N] [--rounds N]

All engines follow one trajectory: wait-3 over a sentence, a READ of a word and a WRITE of a
unit at each step. CTranslate2 (int8) and Hugging Face `generate` encode what was read again and
are given what was written as a forced prefix, since neither keeps a state between calls. All
run on one thread, in alternation, step by step; CPU time of the process is taken, so that
other load on the machine weighs less. Without a pack the weights are random and a source word
has two subwords.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import Any, cast

import torch

from simulst import packs
from simulst.errors import ModelError
from simulst.protocols import Prefix, Request
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.model import Dimensions, WaitkTransformer
from simulst.translate.storage import load_translator
from simulst.translate.vocabulary import Vocabulary
from tests.benchmarks.rivals import difference, to_ctranslate2, to_transformers

K = 3
TALK = Path(__file__).parents[2] / "demos" / "talk" / "transcript.en.txt"


class RandomPieces:
    """6,000 subwords, two for a source word and one for a target unit: a WRITE takes two units.

    Random weights repeat a token for ever; so it must end its unit.
    """

    pad, unknown, bos, eos = 0, 1, 2, 3
    size, id, unit = 6000, "random", "word"
    ends = (True,) * size
    never = (0, 1, 2)
    never_first: tuple[int, ...] = ()

    def encode_words(self, words: tuple[str, ...]) -> list[tuple[int, ...]]:
        """Two ids that depend on the letters."""
        values = [sum(word.encode()) for word in words]
        return [(4 + 2 * (v % 2900), 5 + 2 * (v % 2900)) for v in values]

    def text(self, tokens: tuple[int, ...]) -> str:
        """The ids."""
        return "-".join(map(str, tokens))


@dataclass(frozen=True)
class Step:
    """One WRITE: the request, and the tokens that it gave."""

    request: Request
    source: tuple[int, ...]
    written: tuple[int, ...]
    units: int


def load(name: str) -> tuple[WaitkTranslator, str, int]:
    """The pack, or random weights of the default size; what it is; units a WRITE."""
    try:
        pack = packs.find(name, "translator") if name else packs.find_pair("en", "de")
        return load_translator(pack), f"pack {pack.name}", 1
    except ModelError:
        if name:
            raise
    torch.manual_seed(0)
    pieces = cast(Vocabulary, RandomPieces())
    model = WaitkTransformer(Dimensions(pieces.size))
    return WaitkTranslator(model, pieces, "en", "de"), "random weights", 2


def trajectory(translator: WaitkTranslator, words: tuple[str, ...], units: int) -> list[Step]:
    """wait-k over an open sentence; each request carries the cache of the step before it."""
    steps: list[Step] = []
    prefix, cache = Prefix(), None
    for read in range(K, len(words) + 1):
        request = Request(words[:read], False, prefix, cache=cache)
        ((draft, cache),) = translator.draft([request], [units], [None])
        pieces = translator.vocabulary.encode_words(request.source)
        source = tuple(token for word in pieces for token in word)
        steps.append(Step(request, source, draft.tokens, units))
        prefix = Prefix(
            prefix.tokens + draft.tokens,
            prefix.lengths + draft.lengths,
            prefix.seen + (read,) * units,
        )
    return steps


def engines(translator: WaitkTranslator, folder: Path) -> dict[str, Callable[[Step], object]]:
    """What can make a WRITE, by name; the first is the one to be compared with."""
    theirs = to_transformers(translator.model)
    print(f"copy of the weights: logits differ by {difference(translator.model, theirs):.1e}")
    fast = to_ctranslate2(theirs, folder)

    def generate(step: Step) -> object:
        start = torch.tensor([[2, *step.request.prefix.tokens]])
        n = len(step.written)
        with torch.inference_mode():
            out = theirs.generate(
                input_ids=torch.tensor([step.source]),
                decoder_input_ids=start,
                min_new_tokens=n,
                max_new_tokens=n,
                num_beams=1,
                do_sample=False,
            )
        assert out.shape[1] == start.shape[1] + n
        return out

    def translate(step: Step) -> Any:
        prefix = [f"t{t}" for t in step.request.prefix.tokens]
        length = len(prefix) + len(step.written)
        (result,) = fast.translate_batch(
            [[f"t{t}" for t in step.source]],
            target_prefix=[prefix] if prefix else None,
            beam_size=1,
            min_decoding_length=length,
            max_decoding_length=length,
        )
        assert len(result.hypotheses[0]) == length, (len(result.hypotheses[0]), length)
        return result

    return {
        "simulst, cached": lambda s: translator.draft([s.request], [s.units], [None]),
        "simulst, from nothing": lambda s: translator.draft(
            [replace(s.request, cache=None)], [s.units], [None]
        ),
        "CTranslate2 int8": translate,
        "transformers generate": generate,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pack", default="", help="translator pack; default: en-de, or random")
    parser.add_argument("--words", type=int, default=30, help="length of the sentence")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    translator, name, units = load(args.pack)
    words = tuple(TALK.read_text(encoding="utf-8").split()[: args.words])
    steps = trajectory(translator, words, units)
    tokens = mean(len(step.written) for step in steps)
    print(f"{name}, {translator.model.dim}")
    print(f"{len(words)} words, {len(steps)} WRITEs of {tokens:.1f} tokens, one thread")
    with tempfile.TemporaryDirectory() as folder:
        rivals = engines(translator, Path(folder))
        times: dict[str, list[list[float]]] = {n: [[] for _ in steps] for n in rivals}
        for turn in range(args.rounds + 1):
            for i, step in enumerate(steps):
                for engine, write in rivals.items():
                    begin = time.process_time()
                    write(step)
                    if turn:  # the first round warms up
                        times[engine][i].append(1000 * (time.process_time() - begin))
    per_step = {n: [median(row) for row in rows] for n, rows in times.items()}
    base = per_step["simulst, cached"]
    print(f"{'':24}{'ms a WRITE':>12}{'first':>12}{'last':>12}{'ratio':>8}")
    for engine, row in per_step.items():
        ratio = mean(row) / mean(base)
        print(f"{engine:24}{mean(row):12.2f}{row[0]:12.2f}{row[-1]:12.2f}{ratio:8.2f}")
    print("the rivals' encoder looks both ways: same weights and work, other translations")


if __name__ == "__main__":
    main()
