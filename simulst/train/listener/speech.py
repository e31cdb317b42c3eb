"""Speech made by flite and espeak-ng: the corpus a small recogniser learns from.

Shards are numbered; the content of shard i follows from (seed, i), so a run that was stopped
goes on where it was, with any number of processes. A talk is a run of neighbouring sentences
spoken by one voice at one rate and pitch; sentences are spoken one by one, so that the
boundaries between them are known.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
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
from simulst.train.listener.texts import SOURCES

__all__ = ["VOICES", "Speech", "Voice", "draw_voice", "speak", "speak_corpus"]

VOICES: dict[str, float] = {"slt": 0.24, "rms": 0.22, "awb": 0.14, "kal16": 0.10, "espeak": 0.30}
"""Voices and the share of talks each speaks; `espeak` stands for all of its variants."""

TALK_SENTENCES = 12
_ACCENTS = ("en-us", "en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029")
_MEN = ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Alex", "Andy", "Gene", "Lee", "Marco"]
_MEN += ["Mario", "Michael", "adam", "benjamin", "david", "ed", "edward", "john", "max", "paul"]
_MEN += ["quincy", "rob", "robert", "victor", "zac"]
_WOMEN = ["f1", "f2", "f3", "f4", "f5", "Annie", "anika", "grandma", "linda", "shelby"]
_WOMEN += ["steph", "steph2", "steph3", "Jacky"]
_VARIANTS = _MEN + _WOMEN


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker: the command that speaks, without text and output file."""

    name: str
    command: tuple[str, ...]


def draw_voice(name: str, rng: Random) -> Voice:
    """A speaker of the family `name` with a rate and a pitch of its own.

    Raises:
        ConfigError: no such voice.
    """
    if name not in VOICES:
        raise ConfigError(f"no voice {name!r}; there are {', '.join(VOICES)}")
    if name == "espeak":
        variant = f"{rng.choice(_ACCENTS)}+{rng.choice(_VARIANTS)}"
        options = ("-s", str(rng.randint(125, 195)), "-p", str(rng.randint(25, 75)))
        return Voice(f"espeak:{variant}", ("espeak-ng", "-v", variant, *options))
    stretch = f"duration_stretch={rng.uniform(0.85, 1.2):.2f}"
    return Voice(name, ("flite", "-voice", name, "--setf", stretch))


@dataclass(frozen=True, slots=True)
class Speech:
    """Audio (samples,) at 16 kHz without silence at its ends; phones as `features.phone_labels`
    takes them, none from espeak-ng."""

    audio: npt.NDArray[np.float32]
    phones: list[tuple[str, int]]


def speak(voice: Voice, text: str, folder: Path) -> Speech:
    """`text` spoken.

    Args:
        voice: from `draw_voice`.
        text: one sentence.
        folder: for a temporary file.

    Raises:
        ConfigError: the synthesiser is not installed.
    """
    from faster_whisper.audio import decode_audio

    program = voice.command[0]
    if shutil.which(program) is None:
        raise ConfigError(f"{program} is not installed: apt-get install flite espeak-ng")
    wav = folder / "sentence.wav"
    flite = program == "flite"
    words = ("-psdur", "-t", text, "-o", str(wav)) if flite else ("-w", str(wav), text)
    said = subprocess.run([*voice.command, *words], check=True, capture_output=True, text=True)
    audio: npt.NDArray[np.float32] = decode_audio(str(wav))
    first, last = sound_span(audio)
    phones: list[tuple[str, int]] = []
    for pair in said.stdout.split() if flite else ():
        name, _, end_s = pair.partition(":")
        phones.append((name, round((float(end_s) - first / SAMPLE_RATE) * FRAMES_PER_S)))
    return Speech(audio[first:last], phones)


def _make_shard(
    path: Path,
    sentences: dict[str, list[str]],
    shares: dict[str, float],
    seconds: float,
    seed: int,
) -> float:
    """Speaks one shard of at least `seconds` and returns its length in seconds."""
    rng = Random(f"{seed}:{path.stem}")
    sources = [source for source in SOURCES if sentences[source]]
    weights = [
        SOURCES[source] / _mean_words(sentences[source]) for source in sources
    ]  # shares are of speech, talks are counted in sentences
    features: list[npt.NDArray[np.float32]] = []
    rows: list[dict[str, Any]] = []
    made = 0.0
    talk = 0
    with tempfile.TemporaryDirectory() as folder:
        while made < seconds:
            texts = sentences[rng.choices(sources, weights)[0]]
            first = rng.randrange(max(1, len(texts) - TALK_SENTENCES))
            voice = draw_voice(rng.choices(list(shares), list(shares.values()))[0], rng)
            for text in texts[first : first + TALK_SENTENCES]:
                speech = speak(voice, text, Path(folder))
                if not 0.3 < len(speech.audio) / SAMPLE_RATE < 20.0:
                    continue
                mel = log_mel(speech.audio)
                features.append(mel)
                rows.append(
                    {"text": text, "talk": talk, "voice": voice.name, "phones": speech.phones}
                )
                made += mel.shape[1] / FRAMES_PER_S
            talk += 1
    write_shard(path, features, rows)
    return made


def _mean_words(texts: list[str]) -> float:
    return sum(len(text.split()) for text in texts) / len(texts)


def speak_corpus(
    folder: Path,
    sentences: dict[str, list[str]],
    *,
    hours: float,
    voices: list[str],
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
        draw_voice(name, Random(0))
    if not voices:
        raise ConfigError(f"no voice to speak with; name some of {', '.join(VOICES)}")
    shares = {name: VOICES[name] for name in voices}
    count = max(1, round(hours * 3600 / shard_s))
    paths = [folder / f"speech-{number:04d}.npy" for number in range(count)]
    absent = [path for path in paths if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if processes == 1:
        for path in absent:
            _make_shard(path, sentences, shares, shard_s, seed)
    else:
        with ProcessPoolExecutor(processes) as pool:
            jobs = [
                pool.submit(_make_shard, path, sentences, shares, shard_s, seed) for path in absent
            ]
            for job in jobs:
                job.result()
    return paths
