"""Synthesis: phones, shards that resume, voices that do not exist."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from simulst.errors import ConfigError
from simulst.train.listener.features import PHONES, Shard
from simulst.train.listener.speech import speak, speak_corpus
from simulst.train.listener.voices import PACKAGES, draw_voice

SENTENCES = {
    "tatoeba": ["I see the sea.", "We are going home now.", "She reads every day."],
    "newstest": [],
    "newstest-de-en": [],
    "bcontrast": [],
    "multi30k": [],
    "mlqe-pe": [],
}


def needs(program: str) -> pytest.MarkDecorator:
    """Skips where a synthesiser is not installed."""
    why = f"{program} is not installed: apt-get install {PACKAGES[program]}"
    return pytest.mark.skipif(not shutil.which(program), reason=why)


@pytest.mark.parametrize(
    "voice",
    [
        pytest.param("kal16", marks=needs("flite")),
        pytest.param("ked", marks=needs("festival")),
    ],
)
def test_a_synthesiser_tells_its_phones(voice: str, tmp_path: Path) -> None:
    """Phones come in order, are known ones and end where the audio ends."""
    speech = speak(draw_voice(voice, Random(1)), "Good morning.", tmp_path)
    names = [name for name, _ in speech.phones]
    assert names[1:4] == ["g", "uh", "d"] and set(names) <= set(PHONES)
    assert abs(speech.phones[-2][1] - len(speech.audio) / 160) < 20


@pytest.mark.parametrize(
    "voice",
    [
        pytest.param("slt", marks=needs("flite")),
        pytest.param("espeak", marks=needs("espeak-ng")),
        pytest.param("ked", marks=needs("festival")),
        pytest.param("pico", marks=needs("pico2wave")),
    ],
)
def test_a_varied_voice_is_another_speaker(voice: str, tmp_path: Path) -> None:
    """The same voice drawn again is another: one takes longer than the other for a sentence with
    quotation marks and signs of markup in it."""
    text = 'He said "no" & left: 5 < 6 > 4.'
    seconds = sorted(
        len(speak(draw_voice(voice, Random(seed), varied=True), text, tmp_path).audio) / 16_000
        for seed in range(4)
    )
    assert seconds[0] > 1.0 and 1.05 * seconds[0] < seconds[-1] < 8.0, seconds


@needs("flite")
def test_a_corpus_resumes(tmp_path: Path) -> None:
    """Shards that exist are kept; one that is missing is made again as it was."""

    def make() -> list[Path]:
        return speak_corpus(
            tmp_path, SENTENCES, hours=12 / 3600, voices=["slt"], seed=3, shard_s=6.0
        )

    first, second = make()
    kept, made = first.stat().st_mtime_ns, second.read_bytes()
    second.unlink()
    make()
    assert first.stat().st_mtime_ns == kept and second.read_bytes() == made
    shard = Shard.read(first)
    assert shard.labelled and shard.seconds >= 6.0 and set(shard.voices) == {"slt"}


def test_an_unknown_voice_is_named() -> None:
    """The error lists the voices there are."""
    with pytest.raises(ConfigError, match=r"'hal'.*slt"):
        draw_voice("hal", Random(1))
