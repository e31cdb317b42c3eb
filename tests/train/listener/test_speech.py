"""Synthesis: phones, shards that resume, voices that do not exist."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from simulst.errors import ConfigError
from simulst.train.listener.features import PHONES, Shard
from simulst.train.listener.speech import speak, speak_corpus
from simulst.train.listener.voices import draw_voice

SENTENCES = {
    "tatoeba": ["I see the sea.", "We are going home now.", "She reads every day."],
    "newstest": [],
    "newstest-de-en": [],
    "bcontrast": [],
    "multi30k": [],
    "mlqe-pe": [],
}

needs_flite = pytest.mark.skipif(
    not shutil.which("flite"), reason="flite is not installed: apt-get install flite"
)


@needs_flite
def test_flite_tells_its_phones(tmp_path: Path) -> None:
    """Phones come in order, are known ones and end where the audio ends."""
    speech = speak(draw_voice("kal16", Random(1)), "Good morning.", tmp_path)
    names = [name for name, _ in speech.phones]
    assert names[1:4] == ["g", "uh", "d"] and set(names) <= set(PHONES)
    assert abs(speech.phones[-2][1] - len(speech.audio) / 160) < 20


@needs_flite
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
