"""whisperlivekit's server, its recogniser called as the card of the pack that ships asks for.

    ENVIRONMENT/bin/python tests/benchmarks/rival_launch.py ITS OPTIONS

The pack has learnt no timestamps and no prompt. Called as whisperlivekit calls Whisper, with both,
five beams and six temperatures, it writes until it is stopped, and no session keeps up. Without
timestamps the first segment is the whole window; whoever asks for another has the tail recognised a
second time, which would double the cost.
"""

from __future__ import annotations

import importlib
import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray


def transcribe(asr: Any, audio: NDArray[np.float32], init_prompt: str = "") -> list[Any]:
    """Its words with their times, greedily."""
    segments, _ = asr.model.transcribe(
        audio,
        language=asr.original_language,
        beam_size=1,
        temperature=0.0,
        word_timestamps=True,
        without_timestamps=True,
        condition_on_previous_text=False,
        suppress_blank=False,
    )
    return list(itertools.islice(segments, 1))


if __name__ == "__main__":
    backends = importlib.import_module("whisperlivekit.local_agreement.backends")
    backends.FasterWhisperASR.transcribe = transcribe
    importlib.import_module("whisperlivekit.basic_server").main()
