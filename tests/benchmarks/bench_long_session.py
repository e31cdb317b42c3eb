"""Many hours through one session of `simulst serve`, faster than life: does anything grow?

    python -m tests.benchmarks.bench_long_session [--hours 8] [--wire own|simulstream|vosk]
        [--talk AUDIO]... [--seed N] [--set KEY=VALUE]...

The talks follow each other, with pauses of up to twelve seconds between them, some loud and some
quiet, as the seed has it. The session is recorded. Printed is what the server computed for a second
of sound and what it held in memory, window by window: ten minutes, or a quarter of a short run.
The client is a process of its own, and not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from simulst.types import SAMPLE_RATE, Samples
from tests.benchmarks.servers import Server, command, free_port, running
from tests.benchmarks.timing import TALK, read_audio

ADDRESS = Path(__file__).parents[3] / "shared" / "data" / "talks" / "address" / "audio.ogg"
PACKET = SAMPLE_RATE // 5
WINDOW_S = 600.0
PAUSE_S = (0.3, 12.0)
LOUD_DB = (-24.0, 6.0)
HISS = 1e-4  # of full scale, in pauses
BUFFER = 2**16  # bytes in the client's kernel: what is sent is soon heard, or progress would lie
PATIENCE_S = 120.0  # for any message of the server, and for the end


def talks(files: list[Path], samples: int, seed: int) -> Iterator[Samples]:
    """So many samples of sound, in packets; the same for the same seed."""
    dice = np.random.default_rng(seed)
    sounds = [read_audio(file) for file in files]
    left, number = samples, 0
    while left:
        gain = 10 ** (dice.uniform(*LOUD_DB) / 20)
        hiss = dice.normal(0, HISS, round(dice.uniform(*PAUSE_S) * SAMPLE_RATE))
        talk = np.concatenate([sounds[number % len(sounds)] * gain, hiss]).clip(-1, 1)[:left]
        number, left = number + 1, left - len(talk)
        for start in range(0, len(talk), PACKET):
            yield talk[start : start + PACKET].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Wire:
    """What is sent besides sound.

    Attributes:
        path: of the address.
        first, last: messages.
        written: the field of an answer that has what was written.
    """

    path: str
    first: dict[str, Any]
    last: dict[str, Any]
    written: str

    def words(self, event: dict[str, Any]) -> int:
        """How many words an answer brings that stay."""
        found = event.get(self.written, "")
        return len(found.split() if isinstance(found, str) else found)


WIRES = {
    "own": Wire(
        "/v1/interpret", {"type": "start", "rate": SAMPLE_RATE}, {"type": "finish"}, "emissions"
    ),
    "simulstream": Wire(
        "/simulstream", {"sample_rate": SAMPLE_RATE}, {"end_of_stream": True}, "new"
    ),
    "vosk": Wire("/vosk", {"config": {"sample_rate": SAMPLE_RATE}}, {"eof": 1}, "text"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stood when so much had been sent."""

    audio_s: float
    wall_s: float
    cpu_s: float
    memory_mib: float


@dataclass(slots=True)
class Course:
    """What happened.

    Attributes:
        moments: at the end of each window, and at the beginning.
        words: that were written.
        lags_s: that the server told of; it hears in bigger steps then, which cost less.
        troubles: what the server said was wrong, and how it closed the session if not as it should.
    """

    moments: list[Moment] = field(default_factory=list)
    words: int = 0
    lags_s: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


async def read(link: ClientConnection, wire: Wire, course: Course) -> None:
    """Take what comes, until the server closes the session."""
    try:
        while True:
            async with asyncio.timeout(PATIENCE_S):
                event = json.loads(await link.recv())
            course.words += wire.words(event)
            if event.get("type") == "lag":
                course.lags_s.append(event["lag_ms"] / 1000)
            if "error" in event or event.get("type") == "error":
                course.troubles.append(json.dumps(event))
    except ConnectionClosedOK:
        pass
    except ConnectionClosed as error:
        course.troubles.append(str(error))
    except TimeoutError:
        course.troubles.append(f"nothing came for {PATIENCE_S:g} s")


async def listen(server: Server, wire: Wire, sound: Iterator[Samples], every_s: float) -> Course:
    """The session; a moment is kept for every so much sound."""
    now = asyncio.get_running_loop().time
    course, sent, begun_s = Course(), 0, now()

    def note() -> None:
        moment = Moment(sent / SAMPLE_RATE, now() - begun_s, server.cpu_s(), server.memory_mib())
        course.moments.append(moment)
        if len(course.moments) > 1:
            print(row(*course.moments[-2:]), flush=True)

    address = urlsplit(server.url)
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        plain.connect((address.hostname, address.port))
        plain.setblocking(False)
        url = f"{server.url}{wire.path}"
        async with connect(url, sock=plain, proxy=None, ping_interval=None) as link:
            reading = asyncio.create_task(read(link, wire, course))
            await link.send(json.dumps(wire.first))
            note()
            try:
                for packet in sound:
                    await link.send(np.rint(packet * 32_767).astype("<i2").tobytes())
                    sent += len(packet)
                    if sent >= len(course.moments) * every_s * SAMPLE_RATE:
                        note()
                await link.send(json.dumps(wire.last))
            except ConnectionClosed:
                course.troubles.append(f"it was over after {sent / SAMPLE_RATE:.1f} s of sound")
            await reading
    return course


def cost(before: Moment, after: Moment) -> float:
    """Processor seconds for a second of sound."""
    return (after.cpu_s - before.cpu_s) / (after.audio_s - before.audio_s)


def row(before: Moment, after: Moment) -> str:
    """A line of the table."""
    return (
        f"{after.audio_s / 3600:7.2f}{after.wall_s / 60:9.1f}{cost(before, after):9.4f}"
        f"{after.memory_mib:9.1f}"
    )


async def main() -> None:
    """Run the session and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--wire", choices=WIRES, default="own")
    parser.add_argument("--talk", type=Path, action="append", help="repeatable")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    files = args.talk or [TALK, *([ADDRESS] if ADDRESS.exists() else [])]
    every_s = min(WINDOW_S, args.hours * 3600 / 4)
    sound = talks(files, round(args.hours * 3600 * SAMPLE_RATE), args.seed)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--record", folder, *(f"--set={each}" for each in args.set)]
        print(f"{', '.join(file.parent.name for file in files)}; {args.hours:g} hours, {args.wire}")
        print(f"{'hours':>7}{'minutes':>9}{'CPU':>9}{'MiB':>9}")
        async with running(command("de", port, 1, *options), port) as server:
            course = await listen(server, WIRES[args.wire], sound, every_s)
            said = server.said()
        disk = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    troubles = [line for line in said.splitlines() if "failed" in line or "Error" in line]
    first, last = course.moments[:2], course.moments[-2:]
    print(
        f"CPU seconds for a second of sound: {cost(*first):.4f} in the first window, "
        f"{cost(*last):.4f} in the last ({cost(*last) / cost(*first):.3f})\n"
        f"MiB in memory: {first[1].memory_mib:.1f}, then {last[1].memory_mib:.1f}\n"
        f"words written: {course.words}\n"
        f"recorded: {disk / 2**20:.1f} MiB, {disk / 2**20 / args.hours:.1f} an hour"
    )
    if course.lags_s:
        print(f"told {len(course.lags_s)} times of lag, at most {max(course.lags_s):.1f} s")
    for trouble in course.troubles + troubles:
        print(f"trouble: {trouble}")
    if not course.troubles + troubles:
        print("no trouble")


if __name__ == "__main__":
    asyncio.run(main())
