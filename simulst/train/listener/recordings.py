"""Real speech with transcripts (LJSpeech, speechocean762) as shards beside the synthetic ones.

There is little of it, so it is heard in several copies: the first is as it was recorded, in each
of the others every speaker has another pitch, room and line (`waveforms`). The content of a
shard follows from (seed, its name).
"""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from simulst.errors import DataError
from simulst.train.listener.features import log_mel, trim_silence, write_shard
from simulst.train.listener.jobs import run_jobs
from simulst.train.listener.texts import TrueCaser, tidy
from simulst.train.listener.waveforms import Setting, draw_setting, read_audio, set_in

__all__ = ["RECORDINGS", "Recording", "read_recordings", "read_transcripts", "shard_recordings"]

RECORDINGS = ("ljspeech", "speechocean762")
SHARD_RECORDINGS = 320
DEV_RECORDINGS = 60
"""Of each collection, for watching the training."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, who speaks in it, and what is said as a transcript writes it."""

    file: Path
    speaker: str
    text: str


def read_transcripts(folder: Path) -> list[tuple[Path, str, str]]:
    """Audio file, speaker and transcript of each recording in `folder`.

    Raises:
        DataError: the folder holds no `transcripts.tsv`.
    """
    table = folder / "transcripts.tsv"
    if not table.is_file():
        raise DataError(f"no {table}; --data names the folder that holds speech/")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        (folder / f"{row[0]}.ogg", row[1] if len(row) > 2 else folder.parent.name, row[-1])
        for row in rows
        if row
    ]


def read_recordings(folder: Path, true_caser: TrueCaser) -> list[Recording]:
    """The recordings in `folder` whose transcripts can be learned from.

    Raises:
        DataError: the folder holds no `transcripts.tsv`.
    """
    texts = [
        (file, speaker, true_caser(text) if text.isupper() else tidy(text))
        for file, speaker, text in read_transcripts(folder)
    ]
    return [Recording(*row) for row in texts if row[2]]


def shard_recordings(
    data: Path,
    folder: Path,
    true_caser: TrueCaser,
    *,
    copies: int = 1,
    seed: int = 1,
    processes: int = 1,
) -> list[Path]:
    """Writes the shards of all collections; those that exist are kept.

    `ljspeech-0203` is the third copy of the fourth part. A part of each collection's dev folder
    becomes a shard to watch the training by, if the folder is there.

    Args:
        data: holds `speech/`.
        folder: of the shards.
        true_caser: for transcripts in upper case.
        copies: of each recording.
        seed: of the copies' speakers, rooms and lines.
        processes: working at once.

    Raises:
        DataError: a collection is missing.
    """
    jobs: list[tuple[Path, list[Recording], int]] = []
    for collection in RECORDINGS:
        rows = read_recordings(data / "speech" / collection / "train", true_caser)
        parts = [rows[i : i + SHARD_RECORDINGS] for i in range(0, len(rows), SHARD_RECORDINGS)]
        jobs += [
            (folder / f"{collection}-{copy:02d}{number:02d}.npy", part, copy)
            for copy in range(copies)
            for number, part in enumerate(parts)
        ]
        dev = data / "speech" / collection / "dev"
        if dev.is_dir():
            rows = read_recordings(dev, true_caser)
            rows = Random(seed).sample(rows, min(DEV_RECORDINGS, len(rows)))
            jobs.append((folder / f"dev-{collection}.npy", rows, 0))
    run_jobs(_make_shard, seed, [job for job in jobs if not job[0].exists()], processes)
    return [path for path, *_ in jobs]


def _make_shard(seed: int, path: Path, recordings: list[Recording], copy: int) -> None:
    features: list[npt.NDArray[np.float32]] = []
    rows: list[dict[str, Any]] = []
    talks: dict[str, int] = {}
    settings: dict[str, Setting] = {}
    rng = np.random.default_rng((seed, zlib.crc32(path.stem.encode())))
    for recording in recordings:
        audio = trim_silence(read_audio(recording.file), level=0.02)
        voice = f"{path.stem.split('-')[0]}:{recording.speaker}"
        if copy:
            if recording.speaker not in settings:
                settings[recording.speaker] = draw_setting(rng)
            setting = settings[recording.speaker]
            audio = set_in(audio, setting, rng)
            voice += f"*{setting.ratio:.2f}"
        mel = log_mel(audio)
        if mel.shape[1] < 30:
            continue
        features.append(mel)
        talk = talks.setdefault(recording.speaker, len(talks))
        rows.append({"text": recording.text, "talk": talk, "voice": voice})
    write_shard(path, features, rows)
