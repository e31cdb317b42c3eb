"""The same load on `simulst serve` and on servers of other projects.

    python -m tests.benchmarks.bench_rival_server [AUDIO] [--sessions 1,2,4] [--seconds N]
        [--rivals simulstream,whisperlivekit] [--environment DIR] [--step S] [--stock]

For each number of live sessions every server gets the same sound at the same pace on the same
processors, one server after the other. What they do:

- simulst hears and translates, all sessions that are due in one call.
- simulstream is another server around the same engine (`demos/simulstream_processor.py`), with as
  many sessions, each in a thread and a call of its own: so it hears and translates the same, and
  what differs is the serving.
- whisperlivekit hears only, with the same listener pack through faster-whisper, LocalAgreement and
  its own voice gate. It recognises all that it holds again each time, padded to 30 s, so that it
  does best with steps of two seconds (--step); the others take half a second. It calls the pack as
  its card asks for, by `rival_launch.py`; with --stock it calls it as it calls Whisper.

whisperlivekit wants packages of its own: they are installed into --environment, on top of those
that are here, when it is first used. Its model is the pack's folder; nothing is downloaded at run
time.

Lag is the time from the end of a spoken word until it came as final ("heard"), or until the
translation written because of it came ("written"). The ends are those that the listener found when
`simulst serve` had one session; words that were heard differently than then are not counted. Added
lag is what came on top of the server's own when it was asked first. CPU is the server's, for a
second of sound, and too small where words are missing because it did not get through; memory is
what it holds when the sessions are over.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import AsyncIterator, Callable, Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from simulst import packs
from simulst.types import SAMPLE_RATE, Samples
from tests.benchmarks.rival_clients import (
    Ask,
    Came,
    Heard,
    ask_simulst,
    ask_simulstream,
    ask_whisperlivekit,
)
from tests.benchmarks.servers import Server, command, free_port, running
from tests.benchmarks.timing import TALK, read_audio

ROOT = Path(__file__).parents[2]
WHISPERLIVEKIT = "whisperlivekit==0.2.26"
SPREAD_S = 0.5
TOO_LATE_S = 10.0  # who is so late with so many sessions is not asked for more


# -- servers -----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def simulst(args: argparse.Namespace) -> AsyncIterator[Server]:
    """Ours, as it comes."""
    port = free_port()
    async with running(command("de", port, max(args.sessions)), port) as server:
        yield server


@contextlib.asynccontextmanager
async def simulstream(args: argparse.Namespace) -> AsyncIterator[Server]:
    """Its server around our engine."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "server": {
                "hostname": "127.0.0.1",
                "port": port,
                "pool_size": max(args.sessions),
                "acquire_timeout": 60,
                "metrics": {"enabled": False, "filename": f"{folder}/metrics"},
            },
            "processor": {
                "type": "simulstream_processor.Interpreter",
                "speech_chunk_size": 0.5,
                "target": "de",
            },
        }
        for name, values in settings.items():
            Path(folder, f"{name}.yaml").write_text(json.dumps(values))  # JSON is YAML
        arguments = [sys.executable, "-m", "simulstream.server.websocket_server"]
        arguments += ["--server-config", f"{folder}/server.yaml"]
        arguments += ["--speech-processor-config", f"{folder}/processor.yaml"]
        path = os.pathsep.join([str(ROOT / "demos"), str(ROOT)])
        async with running(arguments, port, {"PYTHONPATH": path}) as server:
            yield server


def environment(folder: Path) -> Path:
    """An interpreter with whisperlivekit, and below it what is installed here."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        site = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
        (site / "below.pth").write_text(sysconfig.get_paths()["purelib"])
        subprocess.run([python, "-m", "pip", "install", "--quiet", WHISPERLIVEKIT], check=True)
    return python


@contextlib.asynccontextmanager
async def whisperlivekit(args: argparse.Namespace) -> AsyncIterator[Server]:
    """Its server with our listener."""
    port, python = free_port(), environment(args.environment)
    launch = str(Path(__file__).with_name("rival_launch.py"))
    arguments = [str(python), *(["-m", "whisperlivekit.basic_server"] if args.stock else [launch])]
    arguments += ["--host", "127.0.0.1", "--port", str(port), "--pcm-input", "--lan", "en"]
    arguments += ["--backend", "faster-whisper", "--backend-policy", "localagreement"]
    arguments += ["--model_dir", str(packs.find("listen-en", "asr").path), "--warmup-file", ""]
    arguments += ["--asr-coalesce-min-s", str(args.step), "--log-level", "ERROR"]
    async with running(arguments, port, {"HF_HUB_OFFLINE": "1"}) as server:
        yield server


SERVERS: dict[str, tuple[Callable[..., contextlib.AbstractAsyncContextManager[Server]], Ask]] = {
    "simulst": (simulst, ask_simulst),
    "simulstream": (simulstream, ask_simulstream),
    "whisperlivekit": (whisperlivekit, ask_whisperlivekit),
}

# -- what is measured --------------------------------------------------------------------------


def _plain(words: Sequence[Came]) -> list[str]:
    return [word.text.lower().strip(".,;:!?") for word in words]


def lags(came: Sequence[Came], spoken: Sequence[Came], ends_s: Sequence[float]) -> list[float]:
    """Seconds from the end of each word until it came, for those heard as they were spoken."""
    matcher = SequenceMatcher(None, _plain(came), _plain(spoken), autojunk=False)
    return [
        came[match.a + i].at_s - ends_s[match.b + i]
        for match in matcher.get_matching_blocks()
        for i in range(match.size)
    ]


class Table:
    """Prints a line for each measurement, and remembers what a server does alone."""

    def __init__(self) -> None:
        self.truth: Heard | None = None  # the first session of our own server
        self._alone: dict[tuple[str, str], tuple[float, float]] = {}
        print(
            f"{'sessions':>8} {'server':<15}{'what':<8}{'words':>10}{'lag p50':>9}{'p95':>8}"
            f"{'added p50':>11}{'p95':>8}{'CPU':>8}{'MiB':>7}"
        )

    def add(self, name: str, sessions: list[Heard], cpu: float, memory_mib: float) -> bool:
        """Print; False if the server is too late."""
        self.truth = truth = self.truth or sessions[0]
        worst = 0.0
        for what, spoken, ends_s in (
            ("heard", truth.words, truth.word_ends_s),
            ("written", truth.units, truth.unit_ends_s),
        ):
            came = [each.words if what == "heard" else each.units for each in sessions]
            found = [lag for each in came for lag in lags(each, spoken, ends_s)]
            head = f"{len(sessions):8} {name:<15}{what:<8}"
            words = f"{len(found)}/{len(spoken) * len(sessions)}"
            if not found:
                if any(came):
                    print(f"{head}{words:>10}")
                continue
            p50, p95 = (float(np.quantile(found, q)) for q in (0.5, 0.95))
            alone = self._alone.setdefault((name, what), (p50, p95))
            worst = max(worst, p95)
            print(
                f"{head}{words:>10}{p50:9.2f}{p95:8.2f}{p50 - alone[0]:11.2f}{p95 - alone[1]:8.2f}"
                f"{cpu:8.3f}{memory_mib:7.0f}",
                flush=True,
            )
        return 0 < worst < TOO_LATE_S


async def measure(name: str, server: Server, samples: Samples, count: int, table: Table) -> bool:
    """So many sessions at once; False if the server is too late with them."""
    ask = SERVERS[name][1]
    sessions = [Heard() for _ in range(count)]

    async def one(number: int) -> None:
        await asyncio.sleep(SPREAD_S * number / count)
        await ask(server.url, samples, sessions[number])

    before_s = server.cpu_s()
    await asyncio.gather(*(one(number) for number in range(count)))
    cpu_s = server.cpu_s() - before_s
    cpu = cpu_s * SAMPLE_RATE / (len(samples) * count)
    return table.add(name, sessions, cpu, server.memory_mib())


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("audio", nargs="?", type=Path, default=TALK)
    parser.add_argument("--seconds", type=float, default=0, help="first seconds only; 0: all")
    parser.add_argument(
        "--sessions", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2, 4]
    )
    parser.add_argument(
        "--rivals",
        type=lambda text: [name for name in text.split(",") if name],
        default=["simulstream", "whisperlivekit"],
    )
    parser.add_argument("--environment", type=Path, default=ROOT / "build" / "rival")
    parser.add_argument("--step", type=float, default=2.0, help="seconds, of whisperlivekit")
    parser.add_argument("--stock", action="store_true", help="whisperlivekit as it calls Whisper")
    args = parser.parse_args()
    samples = read_audio(args.audio, args.seconds)
    cores = len(os.sched_getaffinity(0))
    print(f"{args.audio.name}, {len(samples) / SAMPLE_RATE:.1f} s; processors: {cores}")
    async with contextlib.AsyncExitStack() as stack:
        servers = {
            name: await stack.enter_async_context(SERVERS[name][0](args))
            for name in ("simulst", *args.rivals)
        }
        table = Table()
        for count in args.sessions:
            for name, server in list(servers.items()):
                if not await measure(name, server, samples, count, table):
                    print(f"{count:8} {name:<15}is too late, and is asked for no more")
                    del servers[name]


if __name__ == "__main__":
    asyncio.run(main())
