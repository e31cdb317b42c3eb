"""The live path: a pack behind the voice gate, as it is scored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from simulst.train.listener.features import SAMPLE_RATE
from simulst.train.listener.live import LiveEar, speechless

PACK = Path(__file__).parents[3] / "models" / "listen-en"
TALK = Path(__file__).parents[3] / "demos" / "talk" / "audio.flac"


@pytest.fixture(scope="module")
def ear() -> LiveEar:
    """The pack that ships."""
    if not (PACK / "model.bin").is_file():
        pytest.skip("the pack listen-en is not here")
    return LiveEar.of_pack(PACK)


def test_silence_commits_nothing(ear: LiveEar) -> None:
    """Nothing comes out where nothing is said."""
    assert ear.committed(np.zeros(3 * SAMPLE_RATE, np.float32)) == ""


def test_speech_commits_words(ear: LiveEar) -> None:
    """A talk's first seconds give words, and looking at them takes time."""
    from simulst.train.listener.waveforms import read_audio

    audio = read_audio(TALK)[: 6 * SAMPLE_RATE]
    assert len(ear.committed(audio).split()) > 3
    assert ear.step_ms(audio[: 2 * SAMPLE_RATE], rounds=2) > 0


def test_a_sentence_starts_where_it_is_heard_to(ear: LiveEar) -> None:
    """Behind a pause inside the window the first word starts with its sound, not in the pause."""
    from simulst.train.listener.evaluation import timing_error
    from simulst.train.listener.waveforms import read_audio

    audio, margin = read_audio(TALK), SAMPLE_RATE // 20
    sentences = []
    for segment in json.loads((TALK.parent / "segments.json").read_text())[:4]:
        first = round(segment["offset"] * SAMPLE_RATE)
        sentences.append(audio[first - margin : first + round(segment["duration"] * SAMPLE_RATE)])
    assert timing_error(ear, sentences) < 0.15


@pytest.mark.skipif(
    not shutil.which("flite"), reason="flite is not installed: apt-get install flite espeak-ng"
)
def test_sounds_without_words_are_as_long_as_asked() -> None:
    """Silence, noise and babble of so many minutes each."""
    sounds = speechless(["We see the sea.", "She reads every day."], ["slt"], 1, minutes=1 / 3)
    assert list(sounds) == ["silence", "white noise", "babble"]
    assert {len(audio) for audio in sounds.values()} == {20 * SAMPLE_RATE}
    assert not sounds["silence"].any() and sounds["babble"].any()
