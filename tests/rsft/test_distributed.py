"""Ranks: two of them learn what one process learns, and none waits for one that ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from simulst.errors import ConfigError
from simulst.rsft.distributed import ALONE, RanksError, joined, refuse_ranks
from tests.rsft import ranks

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120


@pytest.fixture
def port() -> int:
    """One that is free."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def start(folder: Path, rank: int, port: int, die_at: int) -> subprocess.Popen[str]:
    """One rank of two, without torchrun, which would end the other one itself."""
    here = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.rsft.ranks", str(folder), str(die_at)],
        cwd=ROOT,
        env={**os.environ, "MASTER_ADDR": "127.0.0.1", **{k: str(v) for k, v in here.items()}},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_ranks_learn_what_one_process_does(tmp_path: Path, port: int) -> None:
    """Also when the first is killed on the way: the other ends saying so, and both go on."""
    ranks.accepted(tmp_path / "accepted.jsonl")
    (tmp_path / "alone").mkdir()
    alone = ranks.learn(tmp_path, tmp_path / "alone")
    expected = (tmp_path / "steps-0").read_text().split()
    (tmp_path / "steps-0").unlink()

    both = [start(tmp_path, rank, port, die_at=3) for rank in (0, 1)]
    try:
        said = [process.communicate(timeout=PATIENCE_S)[1] for process in both]
    finally:
        for process in both:
            process.kill()
    assert both[0].returncode == -signal.SIGKILL
    assert both[1].returncode == 2
    assert "rank 1 of 2 lost the others" in said[1] and "the same command goes on" in said[1]
    for rank in (0, 1):
        assert (
            "rank 1 has number 1, rank 0 has number 0" in (tmp_path / f"differs-{rank}").read_text()
        )

    line = "-m torch.distributed.run --standalone --nproc-per-node 2 -m tests.rsft.ranks"
    subprocess.run(
        [sys.executable, *line.split(), str(tmp_path), "0"],
        cwd=ROOT,
        check=True,
        timeout=PATIENCE_S,
        capture_output=True,
    )
    found = [torch.load(tmp_path / f"weights-{rank}.pt", weights_only=True) for rank in (0, 1)]
    for one, a, b in zip(alone.parameters(), *found, strict=True):
        assert torch.equal(a, b)
        torch.testing.assert_close(one.detach(), a, rtol=0, atol=1e-5)
    # the checkpoint of step 2 was gone on from; the first rank alone reports, of both
    steps = (tmp_path / "steps-0").read_text().split()
    assert [float(x) for x in steps[:9]] == pytest.approx([float(x) for x in expected[:9]])
    assert [float(x) for x in steps[9:]] == pytest.approx([float(x) for x in expected[6:]])
    assert not (tmp_path / "steps-1").exists()


def test_without_torchrun_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is exchanged then, and the whole batch is this process's part."""
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as alone:
        assert alone is ALONE and alone.first
        assert alone.part([1, 2, 3]) == [1, 2, 3]
        alone.agree("anything")
        alone.wait()


def test_ranks_that_cannot_meet(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """An incomplete environment is named, and others that never come are not waited for long."""
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    refuse_ranks("simulst sample")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="sample was started as 2 ranks: only learning"):
        refuse_ranks("simulst sample")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ConfigError, match="RANK is '' in the environment"), joined():
        pass
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(ConfigError, match="MASTER_ADDR"), joined():
        pass
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(port))
    with pytest.raises(RanksError, match="rank 0 of 2 lost the others"), joined(patience_s=1):
        pass
