"""One rank of the tests of learning with many: `python -m tests.rsft.ranks FOLDER DIE_AT`."""

from __future__ import annotations

import copy
import os
import signal
import sys
from pathlib import Path

import torch

from simulst.config import Translate
from simulst.errors import SimulstError
from simulst.rsft.distributed import ALONE, Ranks, RanksError, joined
from simulst.rsft.stages import StageFile
from simulst.rsft.training import Learning, Progress, Schooling
from simulst.translate.sentences import WaitkSeq2Seq
from tests.fakes import SENTENCES, translator

LEARNING = Learning(
    steps=6,
    tokens=40,
    rate=3e-3,
    warmup=2,
    accepted_share=0.5,
    inserted=0.3,
    pull=0.5,
    average=0.0,
    seed=4,
)
EVERY = 2


def accepted(path: Path) -> Path:
    """Targets of very different lengths and weights."""
    model = WaitkSeq2Seq(translator(), Translate())
    with StageFile(path, {"stage": "accepted"}) as file:
        for i in range(7):
            source, target = SENTENCES[2 * i % 6], SENTENCES[(2 * i + 1) % 6]
            tokens = model.tokens(" ".join(target.split()[: i + 1]))
            file.append(
                {
                    "id": i,
                    "talk": "t",
                    "source": source,
                    "reference": target,
                    "accepted": [
                        {"lag": lag, "tokens": tokens, "learned": [j % own for j in range(1, n)]}
                        for lag, own, n in ((2, 2, len(tokens) + 1), (4, 3, len(tokens) + 1))
                    ],
                }
            )
    return path


def learn(folder: Path, work: Path, ranks: Ranks = ALONE, die_at: int = 0) -> WaitkSeq2Seq:
    """Learn to the end, or to where the first rank is killed."""
    policy = WaitkSeq2Seq(copy.deepcopy(translator()), Translate())
    for name, weight in policy.model.named_parameters():
        # keys may all be moved alike, so their bias has no gradient but rounding errors, and
        # AdamW makes whole steps of these
        weight.requires_grad_(not name.endswith(("inputs.bias", "source_memory.bias")))
    anchor = WaitkSeq2Seq(translator(), Translate())
    schooling = Schooling(policy, anchor, folder / "accepted.jsonl", LEARNING, work, ranks)

    def report(done: Progress) -> None:
        with (folder / f"steps-{ranks.rank}").open("a") as steps:
            steps.write(f"{done.step} {done.tokens} {done.loss:.9f}\n")
        if done.step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    schooling.run(report, EVERY)
    return policy


def main(folder: Path, die_at: int) -> int:
    """Check what ranks exchange, learn, and leave the weights of this rank."""
    torch.set_num_threads(1)
    try:
        with joined(patience_s=60) as ranks:
            try:
                ranks.agree(f"number {ranks.rank}")
            except RanksError as error:
                (folder / f"differs-{ranks.rank}").write_text(str(error))
            many = [torch.full((3,), float(i + ranks.rank)) for i in range(3)]
            many.insert(1, torch.tensor([[2 + ranks.rank]]))
            ranks.sum(many)
            assert [t.flatten()[0].item() for t in many] == [1, 5, 3, 5], many
            policy = learn(folder, folder, ranks, die_at)
            ranks.wait()
            weights = [parameter.detach() for parameter in policy.parameters()]
            torch.save(weights, folder / f"weights-{ranks.rank}.pt")
    except SimulstError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
