"""How much later words come when others are being interpreted too.

    python -m tests.benchmarks.bench_server [AUDIO] [--to de] [--sessions 1,2,4] [--seconds N]
                                            [--url ws://HOST:PORT] [--token TOKEN]

Starts `simulst serve` as a process of its own (or takes the one at --url) and speaks to it over
loopback, every session at the pace of life, their beginnings spread over a step of the engine. Lag
is the time from when the sound that led to a word was spoken to when the word arrived, so that it
contains computing, waiting for others and the way. The sound is sent in packets of 100 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from simulst.types import SAMPLE_RATE, Samples
from tests.benchmarks.timing import TALK, packets, read_audio

PACKET_MS = 100
SPREAD_S = 0.5


async def speak(
    url: str, headers: dict[str, str], target: str, samples: Samples, wait_s: float
) -> list[float]:
    """One session; the lag of each word."""
    now = asyncio.get_running_loop().time
    await asyncio.sleep(wait_s)
    async with connect(f"{url}/v1/interpret", additional_headers=headers, proxy=None) as link:
        await link.send(json.dumps({"type": "start", "rate": SAMPLE_RATE, "target": target}))
        while json.loads(await link.recv())["type"] != "opened":
            pass
        begun_s = now()
        sending = asyncio.create_task(_send(link, samples, begun_s))
        lags: list[float] = []
        async for frame in link:
            event = json.loads(frame)
            for unit in event.get("emissions", ()):
                lags.append(now() - begun_s - unit["delay_ms"] / 1000)
            if event["type"] == "error":
                raise SystemExit(event["message"])
        await sending
    return lags


async def _send(link: ClientConnection, samples: Samples, begun_s: float) -> None:
    now = asyncio.get_running_loop().time
    for number, packet in enumerate(packets(samples, PACKET_MS), 1):
        await asyncio.sleep(begun_s + number * PACKET_MS / 1000 - now())
        await link.send(np.rint(packet * 32_767).astype("<i2").tobytes())
    await link.send(json.dumps({"type": "finish"}))


@contextlib.asynccontextmanager
async def serving(target: str, most: int) -> AsyncIterator[str]:
    """A server as a process of its own."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [sys.executable, "-m", "simulst", "serve", "--to", target, "--port", str(port)]
    process = subprocess.Popen([*command, "--sessions", str(most)])
    try:
        while process.poll() is None:
            with contextlib.suppress(OSError, WebSocketException):
                async with connect(f"ws://127.0.0.1:{port}/v1/interpret", proxy=None):
                    break
            await asyncio.sleep(0.2)
        yield f"ws://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


async def measure(args: argparse.Namespace, url: str) -> None:
    """All numbers of sessions, one after the other."""
    samples = read_audio(args.audio, args.seconds)
    headers = {"Authorization": f"Bearer {args.token}"} if args.token else {}
    print(f"{args.audio.name}, {len(samples) / SAMPLE_RATE:.1f} s; lag in seconds")
    print(f"{'sessions':>8}{'words':>8}{'p50':>8}{'p95':>8}{'added p50':>12}{'added p95':>12}")
    alone: tuple[float, float] | None = None
    for count in args.sessions:
        waits = [SPREAD_S * n / count for n in range(count)]
        talks = (speak(url, headers, args.to, samples, wait_s) for wait_s in waits)
        lags = [lag for talk in await asyncio.gather(*talks) for lag in talk]
        p50, p95 = (float(np.quantile(lags, q)) for q in (0.5, 0.95))
        alone = alone or (p50, p95)
        added = f"{p50 - alone[0]:12.3f}{p95 - alone[1]:12.3f}"
        print(f"{count:8}{len(lags):8}{p50:8.3f}{p95:8.3f}{added}", flush=True)


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("audio", nargs="?", type=Path, default=TALK)
    parser.add_argument("--to", default="de")
    parser.add_argument("--seconds", type=float, default=0, help="first seconds only; 0: all")
    parser.add_argument(
        "--sessions", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2, 4]
    )
    parser.add_argument("--url", help="of a server that runs already")
    parser.add_argument("--token", default="")
    args = parser.parse_args()
    if args.url:
        await measure(args, args.url)
    else:
        async with serving(args.to, max(args.sessions)) as url:
            await measure(args, url)


if __name__ == "__main__":
    asyncio.run(main())
