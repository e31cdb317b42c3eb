"""Nine ways to spend the same steps, so that what is gained can be put down to its cause.

    B0  nothing is learnt                 B5  B4, then the drafts that the teacher likes best
    B1  references alone                  B6  the best of N drafts by chrF (RAFT)
    B2  the policy's own drafts, all      B7  drafts by a reward (RSO)
    B3  own drafts by a coin              B8  RSFT
    B4  the teacher's translations

All start from one policy, take as many steps with as many target tokens, draw from the same
drafts and pass the same gates. B3 accepts at the rate of B8 and knows nothing, so that B8 - B3 is
what the test is worth; B1 shows what more training does by itself; B4 and B6 are what RSFT has to
stand up to (Kim and Rush 2016; Dong et al. 2023); B5 is its closest relative (Wang et al. 2023).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simulst import packs
from simulst.errors import ConfigError
from simulst.protocols import TrainableSeq2Seq
from simulst.rsft.acceptance import Selection
from simulst.rsft.drawing import Drawing
from simulst.rsft.jobs import Report, accept_stage, sample_stage
from simulst.rsft.opening import open_policy
from simulst.rsft.training import Learning, Progress, Schooling

__all__ = ["ARMS", "Arm", "Trial", "parse_arms"]


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to spend the steps.

    Attributes:
        name: in tables.
        title: what it is.
        form: of `rsft.acceptance`; "" for no drafts.
        learns: steps are taken at all.
        second: form of the second half of the steps, drawn anew; "" for none.
    """

    name: str
    title: str
    form: str = ""
    learns: bool = True
    second: str = ""


ARMS = (
    Arm("B0", "frozen", learns=False),
    Arm("B1", "references"),
    Arm("B2", "own drafts, untested", "all"),
    Arm("B3", "own drafts by a coin", "random"),
    Arm("B4", "teacher, beam 5", "beam"),
    Arm("B5", "B4, then rescored drafts", "beam", second="rescored"),
    Arm("B6", "best of N", "best"),
    Arm("B7", "RSO", "reward"),
    Arm("B8", "RSFT", "speculative"),
)
TESTED = "speculative"
"""The form whose acceptance rate the coin of B3 has."""


def parse_arms(text: str) -> list[Arm]:
    """The arms of a list by comma; all for "".

    Raises:
        ConfigError: an arm that there is not.
    """
    named = {arm.name: arm for arm in ARMS}
    wanted = [name for name in text.split(",") if name] or list(named)
    for name in wanted:
        if name not in named:
            raise ConfigError(f"arm {name!r} is unknown: there are {', '.join(named)}")
    return [arm for arm in ARMS if arm.name in wanted]


@dataclass(frozen=True, slots=True)
class Trial:
    """What all arms of one seed share.

    Attributes:
        talks: stage file of the sentences.
        folder: of this seed's stage files and packs.
        pack: the policy that all start from.
        teacher: pack that sees the whole source.
        drawing, selection, learning: settings; form, rate and shares are the arm's own, and only
            the test of B8 sharpens P.
        judge: score of a policy on the dev text; the best weights are kept, or the last.
        every: steps between two judgements.
        rounds: times that drafts are drawn, from what was learnt by then; the steps are shared.
            B5 has two of its own.
        report: told of every source of a stage.
        workers: processes of the stages.
        device: where the models compute.
    """

    talks: Path
    folder: Path
    pack: str
    teacher: str
    drawing: Drawing
    selection: Selection
    learning: Learning
    judge: Callable[[TrainableSeq2Seq], float]
    every: int
    report: Report
    rounds: int = 1
    workers: int = 1
    device: str = "cpu"

    def run(self, arm: Arm) -> tuple[str, dict[str, Any]]:
        """Accept and learn; what an earlier run finished is kept.

        Returns:
            The finished pack, and the figures of the (last) accept stage.
        """
        if not arm.learns:
            return self.pack, {}
        folder = self.folder / arm.name
        if not arm.form:
            # twice the references take the place of the drafts
            learning = replace(self.learning, accepted_share=0.0, tokens=2 * self.learning.tokens)
            return self._learn(self.pack, TESTED, folder, learning)
        forms = [arm.form, arm.second] if arm.second else [arm.form] * self.rounds
        learning = replace(self.learning, steps=self.learning.steps // len(forms))
        pack, figures = self._learn(self.pack, forms[0], folder, learning)
        for number, form in enumerate(forms[1:], 2):
            pack, figures = self._learn(pack, form, folder / f"round-{number}", learning)
        return pack, figures

    def _accept(self, pack: str, form: str, folder: Path) -> tuple[Path, dict[str, Any]]:
        """Draw from a pack, once for all forms, and select."""
        first = pack == self.pack
        samples = (self.folder if first else folder) / "samples.jsonl"
        sample_stage(
            self.talks, samples, pack, self.drawing, self.report, self.workers, self.device
        )
        tested = replace(self.selection, form=TESTED)
        selection = replace(tested, form=form, sharpness=1.0) if form != TESTED else tested
        if form == "random":
            figures = self._select(samples, self.folder / f"{TESTED}.jsonl", tested)
            selection = replace(selection, rate=figures["acceptance"])
        accepted = (self.folder if first else folder) / f"{form}.jsonl"
        return accepted, self._select(samples, accepted, selection)

    def _select(self, samples: Path, accepted: Path, selection: Selection) -> dict[str, Any]:
        return accept_stage(
            samples,
            accepted,
            self.teacher,
            selection,
            self.report,
            self.workers,
            device=self.device,
        )

    def _learn(
        self, pack: str, form: str, folder: Path, learning: Learning
    ) -> tuple[str, dict[str, Any]]:
        out = folder / "pack"
        folder.mkdir(parents=True, exist_ok=True)
        accepted, figures = self._accept(pack, form, folder)
        if (out / packs.MANIFEST).exists():
            return str(out), figures
        policy = open_policy(pack, self.device)
        anchor = open_policy(pack, self.device) if learning.pull > 0 else None
        schooling = Schooling(policy, anchor, accepted, learning, folder)
        chosen = not learning.last
        if chosen and schooling.step == 0:
            schooling.judge(self.judge)

        def report(done: Progress) -> None:
            if (chosen and done.step % self.every == 0) or done.step == learning.steps:
                schooling.judge(self.judge)

        schooling.run(report)
        schooling.finish()
        assert schooling.kept is not None
        score, step = schooling.kept
        facts = {
            "from": packs.told(self.pack),
            "form": form,
            "dev_bleu": round(score, 2),
            "step": step,
        }
        policy.save(out, {"study": facts})
        return str(out), figures | {"dev_bleu": score, "best_step": step}
