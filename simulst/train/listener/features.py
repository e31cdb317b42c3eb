"""Log-mel features of sentences, made once and kept as float16.

They are faster-whisper's, on its extractor's own scale, (log10 power + 4) / 4, 100 frames a
second, 80 bands; computed here, because a machine that only trains has no faster-whisper.
Augmentation lives in `augmentation`, joining in `windows`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from simulst.audio.torchaudio_shim import load_torchaudio

__all__ = [
    "FRAMES_PER_S",
    "MELS",
    "NO_PHONE",
    "PHONES",
    "SAMPLE_RATE",
    "Shard",
    "log_mel",
    "phone_labels",
    "sound_span",
    "trim_silence",
    "write_shard",
]

SAMPLE_RATE = 16_000
FRAMES_PER_S = 100
MELS = 80
_VOWELS = ["aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy"]
_VOWELS += ["uh", "uw"]
_CONSONANTS = ["b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n", "ng", "p", "r", "s"]
_CONSONANTS += ["sh", "t", "th", "v", "w", "y", "z", "zh"]
PHONES = ["pau", *_VOWELS, *_CONSONANTS]
"""flite's phones (CMU's, with schwa and pause)."""
NO_PHONE = -1

_WINDOW = 400  # samples of the Fourier transform
_HOP = SAMPLE_RATE // FRAMES_PER_S


@cache
def _bands() -> Tensor:
    """Slaney's mel filters: (80, 201)."""
    filters: Tensor = load_torchaudio().functional.melscale_fbanks(
        _WINDOW // 2 + 1, 0.0, SAMPLE_RATE / 2, MELS, SAMPLE_RATE, norm="slaney", mel_scale="slaney"
    )
    return filters.T.contiguous()


def log_mel(audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Features of 16 kHz mono audio, as faster-whisper's FeatureExtractor makes them.

    Args:
        audio: (samples,), -1 to 1, at least 13 ms.

    Returns:
        (80, frames), 100 frames a second.
    """
    sound = torch.nn.functional.pad(torch.from_numpy(np.ascontiguousarray(audio)), (0, _HOP))
    window = torch.hann_window(_WINDOW)
    spectrum = torch.stft(sound, _WINDOW, _HOP, window=window, return_complex=True)[:, :-1]
    power = (_bands() @ spectrum.abs().square()).clamp_min(1e-10).log10()  # (80, frames)
    features: npt.NDArray[np.float32] = (
        (torch.maximum(power, power.max() - 8.0) + 4.0) / 4.0
    ).numpy()
    return features


def phone_labels(phones: Sequence[tuple[str, int]], frames: int) -> npt.NDArray[np.int8]:
    """Labels of frames (frames,).

    Args:
        phones: name and last frame of each phone in turn; empty where they are not known.
        frames: of the sentence.
    """
    labels = np.full(frames, NO_PHONE, np.int8)
    begin = 0
    for name, end in phones:
        labels[max(0, begin) : max(0, end)] = PHONES.index(name)
        begin = end
    if phones:
        labels[max(0, begin) :] = PHONES.index("pau")
    return labels


def sound_span(
    audio: npt.NDArray[np.float32], level: float = 0.01, margin_s: float = 0.05
) -> tuple[int, int]:
    """First and last sample of audio (samples,) that is not silent, with a margin around them."""
    peak = float(np.abs(audio).max(initial=0.0))
    loud = np.flatnonzero(np.abs(audio) > level * peak)
    if peak == 0.0 or not len(loud):
        return 0, 0
    margin = round(margin_s * SAMPLE_RATE)
    return max(0, int(loud[0]) - margin), min(len(audio), int(loud[-1]) + margin)


def trim_silence(
    audio: npt.NDArray[np.float32], level: float = 0.01, margin_s: float = 0.05
) -> npt.NDArray[np.float32]:
    """Audio (samples,) without the silence before and after it, but for a margin."""
    first, last = sound_span(audio, level, margin_s)
    return audio[first:last]


@dataclass(frozen=True, slots=True)
class Shard:
    """Sentences with their features, as one pair of files holds them.

    Attributes:
        features: (frames of all sentences, 80), float16, memory-mapped.
        phones: (frames of all sentences,) index into `PHONES`, or `NO_PHONE` where unknown.
        offsets: (sentences + 1,) first frame of each sentence.
        texts: transcript of each sentence.
        talks: number of the talk that each sentence belongs to; one talk has one voice.
        voices: voice of each sentence.
    """

    features: npt.NDArray[np.float16]
    phones: npt.NDArray[np.int8]
    offsets: npt.NDArray[np.int64]
    texts: list[str]
    talks: list[int]
    voices: list[str]

    @property
    def seconds(self) -> float:
        """Of speech."""
        return float(self.offsets[-1]) / FRAMES_PER_S

    @property
    def labelled(self) -> bool:
        """Whether phones are known, at least of some sentences."""
        return bool((self.phones != NO_PHONE).any())

    @classmethod
    def read(cls, path: Path) -> Shard:
        """The shard whose features stand at `path` (`*.npy`)."""
        rows = [
            json.loads(line)
            for line in path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
        ]
        frames = np.array([0] + [row["frames"] for row in rows], dtype=np.int64)
        phones = [phone_labels(row.get("phones", []), row["frames"]) for row in rows]
        return cls(
            features=np.load(path, mmap_mode="r"),
            phones=np.concatenate(phones),
            offsets=np.cumsum(frames),
            texts=[row["text"] for row in rows],
            talks=[row["talk"] for row in rows],
            voices=[row["voice"] for row in rows],
        )


def write_shard(
    path: Path, features: Sequence[npt.NDArray[np.float32]], rows: list[dict[str, Any]]
) -> None:
    """Writes sentences so that a reader never sees half a shard: the `.npy` comes last, whole.

    Args:
        path: `*.npy`; the rows go beside it as `*.jsonl`.
        features: (80, frames) of each sentence.
        rows: text, talk, voice and perhaps phones of each sentence; `frames` is added.
    """
    assert len(features) == len(rows)
    lines = [
        json.dumps(row | {"frames": mel.shape[1]}, ensure_ascii=False)
        for row, mel in zip(rows, features, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.save(file, np.concatenate([mel.T for mel in features]).astype(np.float16))
    partial.rename(path)
