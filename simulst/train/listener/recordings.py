"""Real speech with transcripts (LJSpeech, speechocean762) as shards beside the synthetic ones."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulst.errors import DataError
from simulst.train.listener.features import log_mel, trim_silence, write_shard
from simulst.train.listener.texts import TrueCaser, tidy

__all__ = ["RECORDINGS", "read_transcripts", "shard_recordings"]

RECORDINGS = ("ljspeech", "speechocean762")


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


def shard_recordings(data: Path, folder: Path, true_caser: TrueCaser) -> list[Path]:
    """Writes one shard for each collection's training part; one that exists is kept.

    Args:
        data: holds `speech/`.
        folder: of the shards.
        true_caser: for transcripts in upper case.
    """
    from faster_whisper.audio import decode_audio

    paths: list[Path] = []
    for collection in RECORDINGS:
        path = folder / f"{collection}-0000.npy"
        paths.append(path)
        if path.exists():
            continue
        features: list[npt.NDArray[np.float32]] = []
        rows: list[dict[str, Any]] = []
        talks: dict[str, int] = {}
        for file, speaker, transcript in read_transcripts(data / "speech" / collection / "train"):
            text = true_caser(transcript) if transcript.isupper() else tidy(transcript)
            if not text:
                continue
            mel = log_mel(trim_silence(decode_audio(str(file)), level=0.02))
            if mel.shape[1] < 30:
                continue
            features.append(mel)
            talk = talks.setdefault(speaker, len(talks))
            rows.append({"text": text, "talk": talk, "voice": f"{collection}:{speaker}"})
        write_shard(path, features, rows)
    return paths
