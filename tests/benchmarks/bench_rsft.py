"""Accepted tokens a second: our drawing and testing against loops around Hugging Face `generate`.

    python -m tests.benchmarks.bench_rsft [--pack NAME] [--sources N] [--drafts N] [--rounds N]

The work is RSFT's: N drafts of every source, and the test of each token against a teacher that
sees the whole source. Ours encodes a source once for all its drafts, draws for many sources side
by side, and follows policy and teacher from token to token. The rivals are what one would write
with `generate`, with the same weights:

    drafts, tested      `num_return_sequences=N` with sampling, then a forward pass of the teacher;
                        up to the first rejection of a draft, as the form `prefix`
    ... to the end      after every rejection `generate` goes on from what is settled, drafts of
                        a source that stand at the same position together, and the teacher looks
                        again, as the form `speculative` needs it

each a source at a time, the first also with many sources in a padded batch. The copy's encoder
looks both ways with weights that were never trained for it, so its text means nothing: every draft
gets the length of one of ours, and is rejected where that was. It has no lag and keeps no q. All
run on one thread, in alternation; CPU time of the process is taken.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from simulst import packs
from simulst.corpus import read_pairs
from simulst.protocols import Proposal, Sample
from simulst.rsft.drawing import CHUNK, Drawing, proposals
from simulst.rsft.selection import Accepted, by_prefix
from simulst.rsft.speculation import speculative
from simulst.translate.sentences import WaitkSeq2Seq
from simulst.translate.storage import load_translator
from tests.benchmarks.rivals import BOS, EOS, UNKNOWN, difference, to_transformers

TALK = Path(__file__).parents[2] / "demos" / "talk" / "transcript.en.txt"


def sources(path: Path, count: int) -> list[tuple[str, ...]]:
    """Sentences; those of the talk again and again, each time without another first word."""
    if path.suffix != ".txt":
        return [tuple(pair.source.split()) for pair in read_pairs(path)[:count]]
    lines = [tuple(line.split()) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [line[cut:] for cut in range(5) for line in lines if len(line) > cut + 3]
    return found[:count]


class Ours:
    """Drawing and testing as the stages do."""

    def __init__(self, model: WaitkSeq2Seq, wanted: Sequence[Proposal]) -> None:
        self.model, self.wanted = model, wanted

    def draw(self) -> list[Sample]:
        """All drafts."""
        return self.model.sample(self.wanted)

    def speculate(self) -> list[Accepted]:
        """Draw, test, and go on after rejections."""
        return speculative(*self._parts(), 1.0, self.model.eos)

    def prefixes(self) -> list[Accepted]:
        """Draw, and test up to the first rejection of each draft."""
        return by_prefix(*self._parts()[1:], 1.0)

    def _parts(self) -> tuple[WaitkSeq2Seq, WaitkSeq2Seq, Sequence[Proposal], list[Sample]]:
        return self.model, self.model, self.wanted, self.draw()


class Rival:
    """`generate`, and the teacher's forward pass.

    Args:
        theirs: the weights.
        ids: of the sources.
        fates: of each source, its drafts as ours came out: which token was the draft's own.
    """

    def __init__(
        self, theirs: Any, ids: Sequence[Sequence[int]], fates: Sequence[Sequence[Accepted]]
    ) -> None:
        self.theirs, self.fates = theirs, fates
        self.ids = [torch.tensor(row) for row in ids]

    @torch.inference_mode()
    def _draw(self, rows: Tensor, length: int, drafts: int, prefix: Tensor | None = None) -> Tensor:
        """Draft to a length and let the teacher look."""
        mask = (rows != UNKNOWN).long()
        begun = 1 if prefix is None else prefix.shape[1]
        drawn: Tensor = self.theirs.generate(
            input_ids=rows,
            attention_mask=mask,
            decoder_input_ids=prefix,
            do_sample=True,
            top_k=0,
            num_return_sequences=drafts,
            min_new_tokens=length + 1 - begun,
            max_new_tokens=length + 1 - begun,
        )
        self.theirs(
            input_ids=rows.repeat_interleave(drafts, 0),
            attention_mask=mask.repeat_interleave(drafts, 0),
            decoder_input_ids=drawn[:, :-1],
        ).logits.log_softmax(-1).gather(2, drawn[:, 1:, None])
        return drawn

    def drafts(self, batch: int) -> None:
        """Draw and test for so many sources at a time; drafts are as long as ours on average."""
        count = len(self.fates[0])
        every = [len(fate.tokens) for row in self.fates for fate in row]
        for begin in range(0, len(self.ids), batch):
            rows = torch.nn.utils.rnn.pad_sequence(
                self.ids[begin : begin + batch], batch_first=True, padding_value=UNKNOWN
            )
            self._draw(rows, round(sum(every) / len(every)), count)

    def to_the_end(self) -> None:
        """Draw, and go on from every rejection."""
        for ids, row in zip(self.ids, self.fates, strict=True):
            longest = max(len(fate.tokens) for fate in row)
            texts = list(self._draw(ids[None], longest, len(row)))
            rejected = [[i for i, own in enumerate(f.learned[:-1]) if not own] for f in row]
            for turn in range(max(map(len, rejected))):
                groups: dict[int, list[int]] = {}
                for draft, places in enumerate(rejected):
                    if turn < len(places):
                        groups.setdefault(places[turn], []).append(draft)
                for place, drafts in groups.items():
                    prefix = torch.stack([texts[draft][: place + 2] for draft in drafts])
                    rest = max(len(row[draft].tokens) for draft in drafts)
                    fresh = self._draw(ids.expand(len(drafts), -1), rest, 1, prefix)
                    for draft, text in zip(drafts, fresh, strict=True):
                        texts[draft] = text


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pack", default="en-de")
    parser.add_argument("--text", type=Path, default=TALK, help="transcript or parallel TSV")
    parser.add_argument("--sources", type=int, default=CHUNK)
    parser.add_argument("--drafts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = WaitkSeq2Seq(load_translator(packs.find(args.pack, "translator")))
    words = sources(args.text, args.sources)
    drawing = Drawing(args.drafts, temperatures=(1.0,))
    wanted = [p for i, row in enumerate(words) for p in proposals(" ".join(row), i, drawing)]
    ours = Ours(model, wanted)
    theirs = to_transformers(model.model)
    print(f"copy of the weights: logits differ by {difference(model.model, theirs):.1e}")
    assert theirs.config.decoder_start_token_id == BOS
    pieces = [model.vocabulary.encode_words(row) for row in words]
    ids = [[*(token for word in row for token in word), EOS] for row in pieces]
    whole, beginnings = ours.speculate(), ours.prefixes()
    n = args.drafts
    rival = Rival(theirs, ids, [whole[i : i + n] for i in range(0, len(whole), n)])
    passed, prefix = (sum(a.passed for a in found) for found in (whole, beginnings))
    print(
        f"pack {args.pack}; {len(words)} sources of {sum(map(len, words)) / len(words):.1f} words, "
        f"{n} drafts each, temperature 1; {passed / sum(a.judged for a in whole):.1%} of tested "
        f"tokens accepted; {prefix / len(whole):.1f} before the first rejection of a draft"
    )
    groups: list[tuple[int, dict[str, Callable[[], object]]]] = [
        (
            prefix,
            {
                "up to the first rejection": ours.prefixes,
                f"  generate, {len(words)} sources": lambda: rival.drafts(len(words)),
                "  generate, one source": lambda: rival.drafts(1),
            },
        ),
        (
            passed,
            {"to the end": ours.speculate, "  generate, one source again": rival.to_the_end},
        ),
    ]
    print(f"{'':32}{'CPU s':>9}{'accepted/s':>12}{'ratio':>8}")
    for accepted, jobs in groups:
        seconds: dict[str, list[float]] = {name: [] for name in jobs}
        for turn in range(args.rounds + 1):
            for name, job in jobs.items():
                begin = time.process_time()
                job()
                if turn:  # the first round warms up
                    seconds[name].append(time.process_time() - begin)
        base = median(next(iter(seconds.values())))
        for name, spent in seconds.items():
            took = median(spent)
            print(f"{name:32}{took:9.2f}{accepted / took:12.1f}{took / base:8.2f}")


if __name__ == "__main__":
    main()
