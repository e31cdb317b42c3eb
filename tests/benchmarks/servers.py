"""Servers as processes of their own, what they use of the machine, and a speaker at life's pace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from websockets.asyncio.client import ClientConnection

from simulst.types import Samples
from tests.benchmarks.timing import packets

__all__ = ["PACKET_MS", "Server", "command", "free_port", "running", "send"]

PACKET_MS = 100
START_S = 180.0
END_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves.

    Attributes:
        url: of its websockets, without a path.
        process: its id.
        log: what it says, in a file.
    """

    url: str
    process: int
    log: IO[str]

    def said(self) -> str:
        """All that it said so far."""
        self.log.seek(0)
        return self.log.read()

    def cpu_s(self) -> float:
        """Processor time so far, of all its threads."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mib(self) -> float:
        """What it holds in memory now."""
        pages = int(Path(f"/proc/{self.process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def command(target: str, port: int, sessions: int, *options: str) -> list[str]:
    """`simulst serve`, for so many sessions at once."""
    serve = [sys.executable, "-m", "simulst", "serve", "--to", target, "--port", str(port)]
    return [*serve, "--sessions", str(sessions), *options]


@contextlib.asynccontextmanager
async def running(
    arguments: Sequence[str], port: int, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Start a server, and wait until it listens.

    Each is told to compute with as many threads as there are processors for it.
    """
    threads = {"OMP_NUM_THREADS": str(len(os.sched_getaffinity(0)))}
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed below
    process = subprocess.Popen(
        arguments,
        env={**os.environ, **threads, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    server = Server(f"ws://127.0.0.1:{port}", process.pid, log)
    try:
        async with asyncio.timeout(START_S):
            while True:
                if process.poll() is not None:
                    raise SystemExit(f"{server.said()}\n{arguments[:3]} has ended")
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.2)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


async def send(link: ClientConnection, samples: Samples, begun_s: float, last: str | bytes) -> None:
    """Send 16-bit sound as it would be spoken, and what ends it."""
    now = asyncio.get_running_loop().time
    for number, packet in enumerate(packets(samples, PACKET_MS), 1):
        await asyncio.sleep(begun_s + (number * PACKET_MS) / 1000 - now())
        await link.send(np.rint(packet * 32_767).astype("<i2").tobytes())
    await link.send(last)
