"""CPU seconds of recognition for one second of audio: windows of their length against 30 s.

    python -m tests.benchmarks.bench_listen [AUDIO] [--seconds N] [--set KEY=VALUE]

The same model listens to the same speech in both ways, step by step in alternation. Only a
pack trained on windows of any length hears well in both; the time does not depend on that.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from simulst.asr.listener import Listener
from simulst.asr.opening import open_transcriber
from simulst.audio.vad import VoiceGate
from simulst.config import load
from simulst.types import SAMPLE_RATE, AudioChunk, Word
from tests.benchmarks.timing import TALK, Clock, packets, read_audio


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("audio", nargs="?", type=Path, default=TALK)
    parser.add_argument("--seconds", type=float, default=0, help="first seconds only; 0: all")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    samples = read_audio(args.audio, args.seconds)
    settings = load(overrides=args.set)
    clock = Clock()
    gate = VoiceGate(settings.audio)
    hear = clock.timed("voice gate", gate.step)
    ways = ("windowed", "padded")
    listeners = {
        way: Listener(open_transcriber(replace(settings.asr, run=way)), settings.asr)
        for way in ways
    }
    listen = {way: clock.timed(way, listener.step) for way, listener in listeners.items()}
    states = {way: listener.open() for way, listener in listeners.items()}
    words = dict.fromkeys(ways, 0)
    passed, heard = gate.open(), 0
    for packet in packets(samples, settings.audio.step_ms):
        passed, speech = hear(passed, AudioChunk(packet, heard))
        heard += len(packet)
        for way in ways:
            ((states[way], found),) = listen[way]([states[way]], [speech], [heard])
            words[way] += sum(isinstance(item, Word) for item in found.committed)

    seconds = len(samples) / SAMPLE_RATE
    print(f"{args.audio.name}, {seconds:.1f} s in steps of {settings.audio.step_ms} ms; ", end="")
    print(f"{settings.asr.model}, {settings.asr.policy}, {settings.asr.threads} thread(s)")
    print(f"{'':16}{'CPU s / s':>10}{'longest ms':>12}{'words':>7}{'ratio':>7}")
    for part, spent in clock.spent.items():
        ratio = f"{spent / clock.spent['windowed']:7.2f}" if part in words else ""
        count = f"{words[part]:7d}" if part in words else f"{'':7}"
        longest = 1000 * max(clock.calls[part])
        print(f"{part:16}{spent / seconds:10.4f}{longest:12.1f}{count}{ratio}")


if __name__ == "__main__":
    main()
