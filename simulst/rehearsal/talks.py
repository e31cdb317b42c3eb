"""Talks with sound, transcript and reference: recorded ones, and sentences spoken for the purpose.

A recorded talk lies in a folder of its own, as `simulst.rsft.talks` describes it. Sound is read
talk by talk, so that memory holds one at a time.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from simulst.audio.sources import open_source
from simulst.corpus import Pair
from simulst.errors import DataError
from simulst.rsft.talks import AUDIO, read_written
from simulst.types import AudioChunk, Samples

__all__ = ["Talk", "check_voice", "read_recorded", "speak_talks"]


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk of which everything is known.

    Attributes:
        name: of its folder, or the number of its sentence.
        sentences: what is said, each with its reference.
        load: gives the sound, (n,) at 16 kHz.
        where: file that the sound or the sentence comes from, for messages.
        margins: samples of quiet before and after a sentence that was spoken for the purpose.
    """

    name: str
    sentences: tuple[Pair, ...]
    load: Callable[[], Samples]
    where: Path
    margins: tuple[int, int] | None = None

    @property
    def reference(self) -> list[str]:
        """The translations of its sentences."""
        return [pair.target for pair in self.sentences]


def read_recorded(path: Path, source: str, target: str, limit: int = 0) -> list[Talk]:
    """The talks of a folder: itself, or those in it, by name; their sound is not read yet.

    Args:
        path: the folder.
        source, target: languages, ISO 639-1.
        limit: first talks only; 0 for all.

    Raises:
        AudioError: a recording cannot be read.
        DataError: there is no talk, or one lacks a file, or its files do not fit each other.
    """
    folders = [path, *sorted(child for child in path.iterdir() if child.is_dir())]
    found = [folder for folder in folders if _parts(folder)]
    if not found:
        raise DataError(
            f"{path} holds no talk: put a recording ({', '.join(AUDIO)}), transcript.{source}.txt "
            f"and reference.{target}.txt into it, or into a folder in it for each talk"
        )
    if found[0] == path:  # what lies in the folder of a talk are its logs
        found = found[:1]
    return [_recorded(folder, source, target) for folder in found[: limit or None]]


def _parts(folder: Path) -> list[Path]:
    """The files of a folder that make it a talk."""
    return [
        file
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in AUDIO
        or (file.suffix == ".txt" and file.name.startswith(("transcript.", "reference.")))
    ]


def _recorded(folder: Path, source: str, target: str) -> Talk:
    recordings = [file for file in _parts(folder) if file.suffix.lower() in AUDIO]
    if not recordings:
        raise DataError(f"{folder} has no recording: put one into it ({', '.join(AUDIO)})")
    if len(recordings) > 1:
        names = ", ".join(file.name for file in recordings)
        raise DataError(f"{folder} has several recordings ({names}): keep the one of its text")
    transcript = folder / f"transcript.{source}.txt"
    reference = folder / f"reference.{target}.txt"
    if not transcript.is_file():
        raise DataError(
            f"{transcript} is missing: write what is said, a sentence a line, or name another "
            "language with --set asr.language"
        )
    if not reference.is_file():
        raise DataError(
            f"{reference} is missing: translate {transcript.name} line by line, or name another "
            "language with --to"
        )
    pairs = [
        Pair(sentence.source, sentence.reference)
        for sentence in read_written(folder.name, transcript, reference)
    ]
    if not pairs:
        raise DataError(
            f"{transcript} and {reference.name} are empty: write into them what is said"
        )
    for pair in pairs:
        _check_words(pair, transcript)
    (recording,) = recordings
    open_source(str(recording)).__exit__(None, None, None)  # told now, not after an hour
    name = folder.resolve().name
    return Talk(name, tuple(pairs), lambda: _samples(recording), recording)


def _check_words(pair: Pair, where: Path) -> None:
    if not any(letter.isalnum() for letter in pair.source):
        raise DataError(f"{where}: {pair.source!r} holds no word: leave the line out")


def _samples(recording: Path) -> Samples:
    with open_source(str(recording)) as source:
        chunks: list[AudioChunk] = list(source)
    return np.concatenate([chunk.samples for chunk in chunks])


def check_voice(voice: str) -> None:
    """Refuse a voice that cannot speak here.

    Raises:
        ConfigError: it is unknown, or its synthesiser is not installed.
    """
    from simulst.train.listener.speech import check_installed
    from simulst.train.listener.voices import draw_voice

    check_installed(draw_voice(voice, Random(0)))


def speak_talks(pairs: Sequence[Pair], voice: str, seed: int, where: Path) -> Iterator[Talk]:
    """Each sentence as a talk of its own, spoken when its sound is asked for.

    Args:
        pairs: sentences with references.
        voice: of `simulst.train.listener.voices`.
        seed: of rate and pitch, which depend on the sentence besides.
        where: file that the sentences come from.

    Raises:
        DataError: a sentence without a word.
    """
    from simulst.train.listener.evaluation import with_margins

    probe = with_margins(np.ones(1, np.float32))
    before = int(probe.argmax())
    margins = before, len(probe) - before - 1
    for number, pair in enumerate(pairs, 1):
        _check_words(pair, where)

        def load(pair: Pair = pair) -> Samples:
            return with_margins(_speech(pair.source, voice, seed, where))

        yield Talk(f"{number:04d}", (pair,), load, where, margins)


def _speech(text: str, voice: str, seed: int, where: Path) -> Samples:
    from simulst.train.listener.speech import speak
    from simulst.train.listener.voices import draw_voice

    speaker = draw_voice(voice, Random(f"{seed}/{text}"))
    with tempfile.TemporaryDirectory() as folder:
        try:
            samples = speak(speaker, text, Path(folder)).audio
        except subprocess.CalledProcessError as error:
            raise DataError(f"{where}: {voice} cannot speak {text!r}: {error.stderr}") from error
    if not len(samples):
        raise DataError(f"{where}: {voice} says nothing for {text!r}: leave the line out")
    return samples
