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
import json
from pathlib import Path

import numpy as np
from websockets.asyncio.client import connect

from simulst.types import SAMPLE_RATE, Samples
from tests.benchmarks.servers import command, free_port, running, send
from tests.benchmarks.timing import TALK, read_audio

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
        sending = asyncio.create_task(send(link, samples, begun_s, json.dumps({"type": "finish"})))
        lags: list[float] = []
        async for frame in link:
            event = json.loads(frame)
            for unit in event.get("emissions", ()):
                lags.append(now() - begun_s - unit["delay_ms"] / 1000)
            if event["type"] == "error":
                raise SystemExit(event["message"])
        await sending
    return lags


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
        port = free_port()
        async with running(command(args.to, port, max(args.sessions)), port) as server:
            await measure(args, server.url)


if __name__ == "__main__":
    asyncio.run(main())
