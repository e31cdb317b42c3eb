"""Speech made by synthesisers: the corpus a small recogniser learns from.

Shards are numbered; the content of shard i follows from (seed, i), so a run that was stopped
goes on where it was, with any number of processes. A talk is a run of neighbouring sentences
spoken by one voice at one rate and pitch; sentences are spoken one by one, so that the
boundaries between them are known. flite and festival tell their phones at no cost; espeak-ng and
Pico do not.

On one core flite speaks 80 times as fast as it is heard and espeak-ng 300 times; features
included, an hour of the mixture takes about a minute.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from simulst.errors import ConfigError
from simulst.train.listener.features import (
    FRAMES_PER_S,
    SAMPLE_RATE,
    log_mel,
    sound_span,
    write_shard,
)
from simulst.train.listener.jobs import run_jobs
from simulst.train.listener.texts import SOURCES, mean_words
from simulst.train.listener.voices import HELD_OUT, PACKAGES, VOICES, Voice, draw_voice
from simulst.train.listener.waveforms import Audio, read_audio, spoken_at

__all__ = ["Speech", "check_installed", "speak", "speak_corpus", "speak_dev"]

TALK_SENTENCES = 12
DEV_SENTENCES = 40


@dataclass(frozen=True, slots=True)
class Speech:
    """Audio (samples,) at 16 kHz without silence at its ends; phones as `features.phone_labels`
    takes them, none where the synthesiser does not tell."""

    audio: Audio
    phones: list[tuple[str, int]]


def check_installed(voice: Voice) -> None:
    """Refuse a voice that cannot speak here.

    Raises:
        ConfigError: its synthesiser is not installed.
    """
    if shutil.which(voice.program) is None:
        raise ConfigError(
            f"{voice.program}, which speaks {voice.name}, is not installed: "
            f"apt-get install {PACKAGES[voice.program]}"
        )


def speak(voice: Voice, text: str, folder: Path) -> Speech:
    """`text` spoken.

    Args:
        voice: from `draw_voice`.
        text: one sentence.
        folder: for a temporary file.

    Raises:
        ConfigError: the synthesiser is not installed.
    """
    check_installed(voice)
    wav = folder / "sentence.wav"
    command = [voice.program, *voice.command(text, str(wav))]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    audio = spoken_at(read_audio(wav), voice.ratio)
    first, last = sound_span(audio)
    phones: list[tuple[str, int]] = []
    for pair in said.stdout.split() if voice.tells_phones else ():
        name, _, end_s = pair.partition(":")
        place_s = float(end_s) / voice.ratio - first / SAMPLE_RATE
        phones.append((name, round(place_s * FRAMES_PER_S)))
    return Speech(audio[first:last], phones)


def speak_corpus(
    folder: Path,
    sentences: dict[str, list[str]],
    *,
    hours: float,
    voices: Sequence[str],
    seed: int,
    processes: int = 1,
    shard_s: float = 600.0,
) -> list[Path]:
    """Shards of spoken sentences; those that exist already are kept.

    Args:
        folder: for `speech-0000.npy` and so on.
        sentences: clean text by source.
        hours: speech to make, > 0.
        voices: names from `VOICES`.
        seed: of texts and voices.
        processes: working at once.
        shard_s: seconds of speech a shard.

    Returns:
        The shards' paths.

    Raises:
        ConfigError: an unknown voice, or a synthesiser that is not installed.
    """
    for name in voices:
        check_installed(draw_voice(name, Random(0)))
    if not voices:
        raise ConfigError(f"no voice to speak with; name some of {', '.join(VOICES)}")
    shares = {name: VOICES[name] for name in voices}
    count = max(1, round(hours * 3600 / shard_s))
    paths = [folder / f"speech-{number:04d}.npy" for number in range(count)]
    absent = [(path, shares, shard_s, seed) for path in paths if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    run_jobs(_make_shard, sentences, absent, processes)
    return paths


def _make_shard(
    sentences: dict[str, list[str]],
    path: Path,
    shares: dict[str, float],
    seconds: float,
    seed: int,
) -> None:
    """Speaks one shard of at least `seconds`."""
    rng = Random(f"{seed}:{path.stem}")
    features: list[npt.NDArray[np.float32]] = []
    rows: list[dict[str, Any]] = []
    made = 0.0
    with tempfile.TemporaryDirectory() as folder:
        talks = _draw_talks(sentences, shares, rng)
        while made < seconds:
            voice, texts = next(talks)
            talk = rows[-1]["talk"] + 1 if rows else 0
            for text in texts:
                made += _add(features, rows, voice, text, talk, Path(folder))
    write_shard(path, features, rows)


def _draw_talks(
    sentences: dict[str, list[str]], shares: Mapping[str, float], rng: Random
) -> Iterator[tuple[Voice, list[str]]]:
    """Voices, and the neighbouring sentences that each speaks."""
    sources = [source for source in SOURCES if sentences[source]]
    weights = [
        SOURCES[source] / mean_words(sentences[source]) for source in sources
    ]  # shares are of speech, talks are counted in sentences
    while True:
        texts = sentences[rng.choices(sources, weights)[0]]
        first = rng.randrange(max(1, len(texts) - TALK_SENTENCES))
        family = rng.choices(list(shares), list(shares.values()))[0]
        yield draw_voice(family, rng, varied=True), texts[first : first + TALK_SENTENCES]


def _add(
    features: list[npt.NDArray[np.float32]],
    rows: list[dict[str, Any]],
    voice: Voice,
    text: str,
    talk: int,
    folder: Path,
) -> float:
    """Speaks a sentence into a shard to be; returns its seconds, 0 where it is left out."""
    speech = speak(voice, text, folder)
    if not 0.3 < len(speech.audio) / SAMPLE_RATE < 20.0:
        return 0.0
    mel = log_mel(speech.audio)
    features.append(mel)
    rows.append({"text": text, "talk": talk, "voice": voice.name, "phones": speech.phones})
    return float(mel.shape[1] / FRAMES_PER_S)


def speak_dev(folder: Path, held_out: list[str], voices: Sequence[str], seed: int) -> list[Path]:
    """Shards to watch the training by: held-out text by the training voices and by another.

    Args:
        folder: of the shards; those that exist are kept.
        held_out: sentences that no training voice speaks.
        voices: of the training.
        seed: of the choice of sentences.
    """
    paths: list[Path] = []
    for name, families in (("voices", list(voices)), (HELD_OUT, [HELD_OUT])):
        path = folder / f"dev-{name}.npy"
        paths.append(path)
        if path.exists():
            continue
        rng = Random(f"{seed}:{path.stem}")
        features: list[npt.NDArray[np.float32]] = []
        rows: list[dict[str, Any]] = []
        with tempfile.TemporaryDirectory() as scratch:
            for number, text in enumerate(rng.sample(held_out, min(DEV_SENTENCES, len(held_out)))):
                voice = draw_voice(families[number % len(families)], rng)
                _add(features, rows, voice, text, number, Path(scratch))
        write_shard(path, features, rows)
    return paths
