"""Ray: actors give what one process gives, also when one is killed, and leave nothing behind."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from simulst.errors import ConfigError, DataError
from simulst.rsft import jobs
from simulst.rsft.cluster import Cluster, opened
from simulst.rsft.drawing import CHUNK, Drawing, chunks, draw
from simulst.rsft.talks import Sentence
from simulst.rsft.workers import AHEAD, WorkersError, ordered
from tests.fakes import ToySeq2Seq

PATIENCE_S = 60
DRAWING = Drawing(drafts=3, lags=(1, 2), temperatures=(1.0,), seed=2)

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed (simulst[ray])"
)


@dataclass(frozen=True)
class Draw:
    """Drawing with the toy, in the place of `jobs.DrawJob`; at one chunk it waits to be killed."""

    pack: str = "policy"
    settings: Drawing = DRAWING
    device: str = "cpu"
    folder: Path = Path()
    wait_at: int = -1
    die_at: int = -1

    def open(self) -> Callable[[tuple[int, list[Sentence]]], list[dict[str, Any]]]:
        policy = ToySeq2Seq(self.pack)

        def work(item: tuple[int, list[Sentence]]) -> list[dict[str, Any]]:
            first, sentences = item
            pid = self.folder / "pid"
            if first == self.wait_at and not pid.exists():
                pid.with_suffix(".new").write_text(str(os.getpid()))
                pid.with_suffix(".new").rename(pid)
                time.sleep(PATIENCE_S)
            if first == self.die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if any(sentence.source == "bad" for sentence in sentences):
                raise DataError("a bad sentence")
            return draw(policy, first, sentences, self.settings)

        return work


def items(number: int = 9 * CHUNK + 5) -> list[tuple[int, list[Sentence]]]:
    """Chunks of made-up sentences."""
    return list(chunks((Sentence("t", f"w {i}") for i in range(number)), 0))


def descendants(pid: int) -> set[int]:
    """Processes that a process started, and they in turn."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
        if parent == pid:
            child = int(stat.parent.name)
            found |= {child} | descendants(child)
    return found


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """An embedded Ray with two actors."""
    with Cluster(workers=2) as there:
        yield there


@needs_ray
def test_a_stage_on_ray_equals_one_process(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two actors make the file of one process to the byte, also when it is gone on with."""
    monkeypatch.setattr(jobs, "DrawJob", Draw)
    monkeypatch.setattr(jobs, "weights_of", str)
    talks = tmp_path / "talks.jsonl"
    jobs.talk_stage((Sentence("t", f"w {i}", "1 2") for i in range(5 * CHUNK)), talks, {})
    alone, shared = tmp_path / "alone.jsonl", tmp_path / "shared.jsonl"
    jobs.sample_stage(talks, alone, "policy", DRAWING, lambda done, record: None)
    data = alone.read_bytes()
    shared.write_bytes(data[: len(data) // 3])
    seen: list[int] = []
    jobs.sample_stage(
        talks, shared, "policy", DRAWING, lambda done, record: seen.append(record["id"]), cluster
    )
    assert shared.read_bytes() == data
    assert seen == list(range(seen[0], 5 * CHUNK)) and seen[0] > 0


@needs_ray
def test_a_killed_actor_loses_and_doubles_nothing(cluster: Cluster, tmp_path: Path) -> None:
    """SIGKILL from outside in the middle of a chunk: another does it, the outcome is the same.

    What the work itself refuses arrives as it was raised, after all that came before.
    """
    bad = [*items(), (10 * CHUNK, [Sentence("t", "bad")])]
    found = []
    with pytest.raises(DataError, match="^a bad sentence$"):
        for result in ordered(Draw(folder=tmp_path, wait_at=CHUNK), bad, cluster):
            found.append(result)
            if len(found) == 1:
                end = time.monotonic() + PATIENCE_S
                while not (tmp_path / "pid").exists() and time.monotonic() < end:
                    time.sleep(0.05)
                os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert found == list(ordered(Draw(), items()))


@needs_ray
def test_actors_that_always_die(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before is given, then a clear error; no more is read than may be under way."""
    monkeypatch.setattr("simulst.rsft.cluster.TRIES", 1)
    read: list[int] = []

    def endless() -> Iterator[tuple[int, list[Sentence]]]:
        for number in count():
            read.append(number)
            yield number * CHUNK, [Sentence("t", "w")]

    done = []
    # a Ray that is there already is used, and stays
    with (
        Cluster(workers=1) as small,
        pytest.raises(WorkersError, match="died 1 times at the same place"),
    ):
        for result in ordered(Draw(die_at=2 * CHUNK), endless(), small):
            done.append(result[0]["id"])
    assert done == [0, CHUNK]
    assert len(read) <= 2 + AHEAD


@needs_ray
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processes in /proc")
def test_it_leaves_nothing_behind(cluster: Cluster) -> None:
    """Closed in the middle of a stage, every process that Ray started ends."""
    with Cluster(workers=1) as small:
        results = iter(ordered(Draw(), items(), small))
        next(results)
    there = descendants(os.getpid())
    assert len(there) >= 3  # the actor, and what serves it
    cluster.close()
    del results
    end = time.monotonic() + PATIENCE_S
    while (left := {pid for pid in there if Path(f"/proc/{pid}").exists()}) and (
        time.monotonic() < end
    ):
        time.sleep(0.1)
    assert not left


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray that is not installed, and no workers, are named before any work."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'simulst\[ray\]', or leave out --ray"):
        Cluster(workers=2)
    with pytest.raises(ConfigError, match="0 workers: at least 1"):
        opened("auto", 0)
    assert isinstance(opened(None, 3), nullcontext)


@needs_ray
def test_an_address_where_nobody_is() -> None:
    """It is refused at once, with the way out; no test's Ray is still there."""
    with pytest.raises(ConfigError, match=r"no Ray answers at '127.0.0.1:9' .* 'ray start --head'"):
        opened("127.0.0.1:9", 1)
