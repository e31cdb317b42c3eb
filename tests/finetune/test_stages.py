"""Each stage by itself, and killed: the outcome is that of one run through."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from simulst import cli, packs
from simulst.errors import ConfigError, DataError, ModelError
from simulst.rsft.stages import StageFile, read_signature
from simulst.rsft.training import Schooling
from simulst.translate.storage import load_translator
from tests.finetune.conftest import die, in_a_child, simulst, words

FILES = ("talks.jsonl", "round-1/samples.jsonl", "round-1/accepted.jsonl")


def weights(pack: Path) -> list[torch.Tensor]:
    """What was learnt."""
    return list(load_translator(packs.open_pack(pack)).model.parameters())


def same(one: Path, other: Path) -> bool:
    """Whether two packs hold the same weights."""
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def test_single_stages_are_the_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """sample, accept and train give the drafts, the targets and the pack of finetune."""
    teacher, dev = ("--teacher", str(folder / "teacher")), ("--dev", str(folder / "dev.tsv"))
    simulst(*words(folder, *teacher, *dev, "--seed", "3"))
    drawing = ("--drafts", "2", "--lags", "1,2", "--temperatures", "0.5", "--seed", "3")
    joining = ("--join", "0")
    samples, accepted = folder / "s.jsonl", folder / "a.jsonl"
    policy = ("--pack", str(folder / "policy"))
    begin = ["sample", str(folder / "talks"), *policy, "--out", str(samples)]
    assert cli.main([*begin, *drawing, *joining]) == 0
    line = ["accept", str(samples), *teacher, "--out", str(accepted), "--no-gates"]
    assert cli.main(line) == 0
    out = ("--out", str(folder / "alone"), "--steps", "4", "--tokens", "20", "--lags", "1,2")
    # the group's name alone means the policy
    assert cli.main(["train", "--from", str(accepted), *out, *dev, "--seed", "3"]) == 0
    whole = folder / "mine-work" / "round-1"
    assert samples.read_bytes() == (whole / "samples.jsonl").read_bytes()
    assert accepted.read_bytes() == (whole / "accepted.jsonl").read_bytes()
    assert same(folder / "mine", folder / "alone")
    assert packs.open_pack(folder / "alone").fields["rsft"]["from"] == "policy"
    assert "of judged tokens accepted" in capsys.readouterr().err


def test_a_stage_wants_the_one_before(folder: Path) -> None:
    """Files in the wrong place, foreign teachers and other policies are named."""
    simulst(*words(folder, "--teacher", str(folder / "teacher")))
    samples, accepted = (folder / "mine-work" / name for name in FILES[1:])
    out = ("--out", str(folder / "x.jsonl"))
    with pytest.raises(DataError, match="holds accepted: give the file of the sample stage"):
        simulst("accept", str(accepted), "--teacher", str(folder / "teacher"), *out)
    with pytest.raises(ModelError, match="are not the policy's"):
        stranger = ("--teacher", str(folder / "stranger"), "--form", "prefix")
        simulst("accept", str(samples), *stranger, *out)
    pack = ("--out", str(folder / "x"))
    with pytest.raises(DataError, match="holds samples: give the file of the accept stage"):
        simulst("train", "policy", "--from", str(samples), *pack)
    with pytest.raises(ModelError, match="whose weights are not those of"):
        other = ("--pack", str(folder / "teacher"))
        simulst("train", "policy", "--from", str(accepted), *pack, *other)
    with pytest.raises(ConfigError, match="--test is for the report"):
        simulst(
            "train", "policy", "--from", str(accepted), *pack, "--test", str(folder / "dev.tsv")
        )
    with pytest.raises(DataError, match="run the stage before it"):
        simulst("accept", str(folder / "none.jsonl"), *out)


def half_a_line(stage: str, record: int) -> Callable[[Any, Any], None]:
    """Writes as a stage file does, and dies in the middle of a record of one stage."""
    write = StageFile._write

    def writing(self: StageFile, values: Any) -> None:
        if stage in self.path.name and self.done == record and "stage" not in values:
            self._file.write('{"id": 1, "tal')
            self._file.flush()
            die()
        write(self, values)

    return writing


def test_killed_in_every_stage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After SIGKILL in each stage in turn, files and weights are those of a run through."""
    monkeypatch.setattr("simulst.finetune.learn.JUDGED_EVERY", 2)
    more = ("--teacher", str(folder / "teacher"), "--dev", str(folder / "dev.tsv"))
    simulst(*words(folder, *more, out="whole"))
    line = words(folder, *more, out="killed")
    for stage, record in (("talks", 1), ("samples", 2), ("accepted", 1)):
        with monkeypatch.context() as patched:
            patched.setattr(StageFile, "_write", half_a_line(stage, record))
            assert in_a_child(lambda: simulst(*line)) == -9
        assert (folder / "killed-work" / next(f for f in FILES if stage in f)).exists()
    run = Schooling.run
    for fatal in (1, 3):

        def dying(self: Schooling, report: Any, every: int = 50, last: int = fatal) -> None:
            def step(done: Any) -> None:
                report(done)
                if done.step == last:
                    die()

            run(self, step, every)

        with monkeypatch.context() as patched:
            patched.setattr(Schooling, "run", dying)
            assert in_a_child(lambda: simulst(*line)) == -9
    assert not (folder / "killed" / "pack.json").exists()
    simulst(*line)
    for name in FILES:
        whole = (folder / "whole-work" / name).read_bytes()
        assert (folder / "killed-work" / name).read_bytes() == whole, name
    assert same(folder / "whole", folder / "killed")
    reports = [
        (folder / f"{name}-work" / "report" / "report.md").read_text()
        for name in ("whole", "killed")
    ]
    assert reports[0] == reports[1]


@pytest.mark.parametrize(
    ("room", "message"),
    [
        (1_000, "jsonl cannot be written: File too large"),
        (20_000, "learning.pt cannot be written"),
    ],
)
def test_a_full_disk(
    folder: Path, capfd: pytest.CaptureFixture[str], room: int, message: str
) -> None:
    """Whatever there is no room for is named, and the same command goes on once there is."""

    def act() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        simulst(*words(folder, "--teacher", str(folder / "teacher")))

    assert in_a_child(act) == 1
    said = capfd.readouterr().err
    assert "OutputError" in said and message in said and "goes on from there" in said
    simulst(*words(folder, "--teacher", str(folder / "teacher")))
    simulst(*words(folder, "--teacher", str(folder / "teacher"), out="fresh"))
    assert same(folder / "mine", folder / "fresh")


def test_no_room_for_the_pack(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Where the finished pack cannot be stored, what was learnt stays in the work folder."""
    (folder / "mine").write_text("in the way")
    with pytest.raises(Exception, match=r"mine cannot be written .*goes on from what"):
        simulst(*words(folder, "--teacher", str(folder / "teacher")))
    assert (folder / "mine-work" / "round-1" / "learning.pt").exists()


def test_what_was_drawn_by_whom(folder: Path) -> None:
    """The accepted file says which policy drew, so that no other learns from it by mistake."""
    simulst(*words(folder, "--teacher", str(folder / "teacher")))
    signature = read_signature(folder / "mine-work" / FILES[2])
    assert signature["drawn_by"]["policy"] == str(folder / "policy")
