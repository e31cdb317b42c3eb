"""CPU seconds for one second of audio, split into voice gate, recogniser and translator.

    python -m tests.benchmarks.bench_pipeline [AUDIO] [--to de] [--seconds N] [--set KEY=VALUE]

The audio is fed in packets of 100 ms, as a microphone gives it, as fast as it is taken. Below
1.0 in all a single core keeps up with a speaker.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, cast

from simulst import pipeline
from simulst.config import load
from simulst.evaluate.session import SessionScores
from simulst.types import SAMPLE_RATE
from tests.benchmarks.timing import TALK, Clock, packets, read_audio


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("audio", nargs="?", type=Path, default=TALK)
    parser.add_argument("--to", default="de", help="target language")
    parser.add_argument("--seconds", type=float, default=0, help="first seconds only; 0: all")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    samples = read_audio(args.audio, args.seconds)
    interpreter = pipeline.build(load(overrides=args.set), args.to)

    clock = Clock()
    # from outside: the engine has no clock of its own and is to stay without one
    parts = cast(Any, interpreter)
    for part, owner, names in (
        ("voice gate", parts.ear.gate, ("step", "finish")),
        ("recogniser", parts.ear.listener, ("step", "finish")),
        ("translator", parts.booth.policy, ("step",)),
    ):
        for name in names:
            setattr(owner, name, clock.timed(part, getattr(owner, name)))

    scores = SessionScores()
    state = interpreter.open()
    begin = time.process_time()
    for packet in (*packets(samples, 100), None):
        ((state, update),) = interpreter.step([state], [packet])
        scores.add(update)
    total = time.process_time() - begin
    seconds = len(samples) / SAMPLE_RATE

    made_by = {k: v for k, v in interpreter.signature().items() if k != "config"}
    print(f"{args.audio.name}, {seconds:.1f} s; {made_by}")
    print(f"{'':16}{'CPU s / s':>10}{'share':>8}{'longest ms':>12}")
    rest = total - sum(clock.spent.values())
    for part, spent in (*clock.spent.items(), ("rest", rest)):
        calls = clock.calls.get(part, [])
        longest = f"{1000 * max(calls):12.1f}" if calls else ""
        print(f"{part:16}{spent / seconds:10.4f}{spent / total:8.1%}{longest}")
    print(f"{'all':16}{total / seconds:10.4f}")
    print(scores.summary(len(samples), total))


if __name__ == "__main__":
    main()
