"""simulst as a library: a sound file, a step at a time, words as they are written.

python demos/library.py [SOUND] [TARGET]
"""

from __future__ import annotations

import sys
from pathlib import Path

from simulst.audio.sources import open_source
from simulst.config import load
from simulst.pipeline import build
from simulst.types import SAMPLE_RATE

TALK = Path(__file__).parent / "talk" / "audio.flac"


def main(sound: str, target: str) -> None:
    """Print each word with the second of the talk at which it was written."""
    interpreter = build(load(overrides=["accept.k_min=2"]), target)
    state = interpreter.open()  # a value: keep one for each speaker, step them together
    with open_source(sound) as source:
        for samples in (*(chunk.samples for chunk in source), None):  # None ends the session
            [(state, update)] = interpreter.step([state], [samples])
            for emission in update.emissions:
                print(f"{emission.delay / SAMPLE_RATE:7.2f} s  {emission.text}")


if __name__ == "__main__":
    main(*(sys.argv[1:] + [str(TALK), "de"][len(sys.argv) - 1 :]))
