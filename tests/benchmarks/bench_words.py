"""Word error rates of listeners on recordings of people, heard live, and what they cost.

    python -m tests.benchmarks.bench_words DATA [--asr MODEL ...] [--every N]

DATA holds speech/ and talks/ with transcripts. What is scored is what was committed, half a second
at a time, in lower case without punctuation. Needs jiwer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from simulst.config import Asr
from simulst.train.listener.evaluation import word_error_rate
from simulst.train.listener.live import LiveEar
from simulst.train.listener.recordings import RECORDINGS, read_transcripts
from simulst.train.listener.waveforms import read_audio
from simulst.types import SAMPLE_RATE


def sets(data: Path, every: int) -> Iterator[tuple[str, list[tuple[Path, str]]]]:
    """Names, and recordings with what is said in them."""
    for name in RECORDINGS:
        rows = read_transcripts(data / "speech" / name / "dev")
        yield f"{name} dev", [(file, text) for file, _, text in rows[::every]]
    for talk in sorted((data / "talks").iterdir()):
        text = (talk / "transcript.en.txt").read_text(encoding="utf-8")
        yield f"talk {talk.name}", [(talk / "audio.ogg", " ".join(text.split()))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--asr", nargs="+", default=["listen-en", "pocketsphinx"])
    parser.add_argument("--every", type=int, default=1, help="of the recordings, one in so many")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for model in args.asr:
        ear = LiveEar(Asr(model=model))
        for name, recordings in sets(args.data, args.every):
            said, heard, sound_s, begun_s = [], [], 0.0, time.process_time()
            for file, text in recordings:
                audio = read_audio(file)
                sound_s += len(audio) / SAMPLE_RATE
                said.append(text)
                heard.append(ear.committed(audio))
            cost = (time.process_time() - begun_s) / sound_s
            rate = word_error_rate(said, heard)
            print(
                f"{model:14}{name:22}{len(said):5} recordings {sound_s:6.0f} s  "
                f"word error rate {rate:.3f}  {cost:.3f} CPU s a second",
                flush=True,
            )


if __name__ == "__main__":
    main()
