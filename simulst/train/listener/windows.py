"""Training windows: sentences of one talk joined to varied lengths, whole or cut off.

A live window ends wherever the speaker is, so a share of the windows is cut at a word found by
`alignment`; a cut-off window's transcript holds the words heard whole and no full stop. Some
windows hold no speech at all. Everything follows from (seed, round).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulst.errors import DataError
from simulst.train.listener.augmentation import (
    FLOOR,
    Mel,
    augment,
    mask,
    noise,
    stretch,
    stretch_places,
    to_features,
    to_log_power,
)
from simulst.train.listener.features import FRAMES_PER_S, MELS, NO_PHONE, Shard

__all__ = ["Corpus", "Window", "draw_window", "draw_windows", "heard", "join"]

KINDS: dict[str, float] = {"speech": 0.94, "ljspeech": 0.03, "speechocean762": 0.03}
"""Shards by the start of their names, and how often a window comes from each kind."""
Labels = npt.NDArray[np.int8]
LIVE_EDGE = 12
"""Frames after the last word that must be heard before a full stop is written."""


@dataclass(frozen=True, slots=True)
class Window:
    """One training example.

    Attributes:
        features: (frames, 80).
        phones: (frames,) as `features.Shard` has them.
        text: what was said, empty for silence.
    """

    features: Mel
    phones: Labels
    text: str


@dataclass(slots=True)
class Corpus:
    """The shards of a folder; synthesis may add to them while training reads.

    Attributes:
        folder: of the shards.
        shards: by name.
        ends: word ends of a shard's sentences, by its name, once it has been aligned.
        labelled: names of the shards with known phones.
    """

    folder: Path
    shards: dict[str, Shard] = field(default_factory=dict)
    ends: dict[str, list[npt.NDArray[np.int64] | None]] = field(default_factory=dict)
    labelled: set[str] = field(default_factory=set)

    def refresh(self) -> None:
        """Reads shards that are new in the folder."""
        for path in sorted(self.folder.glob("*.npy")):
            if path.stem not in self.shards and not path.stem.startswith("dev"):
                shard = self.shards[path.stem] = Shard.read(path)
                if shard.labelled:
                    self.labelled.add(path.stem)
        if not self.shards:
            raise DataError(f"no shards (*.npy) in {self.folder}; the corpus was not made yet")

    def draw_shard(self, rng: np.random.Generator, labelled: bool) -> str:
        """The name of a shard: a kind by its weight, then any of the kind.

        Args:
            rng: of the round.
            labelled: take only shards with known phones, if there are any.
        """
        names = list(self.shards)
        if labelled:
            names = [name for name in names if name in self.labelled] or names
        kinds = {kind: [name for name in names if name.startswith(f"{kind}-")] for kind in KINDS}
        present = [kind for kind in KINDS if kinds[kind]]
        weights = np.array([KINDS[kind] for kind in present])
        names = kinds[present[int(rng.choice(len(present), p=weights / weights.sum()))]]
        return names[int(rng.integers(len(names)))]


def join(
    parts: Sequence[Mel], gaps: Sequence[int], rng: np.random.Generator
) -> tuple[Mel, list[int]]:
    """Sentences with quiet before, between and after them.

    Args:
        parts: log10 power (frames, 80) of each sentence.
        gaps: frames of quiet, one more than parts.
        rng: decides what quiet sounds like.

    Returns:
        Log10 power of the whole, and the frame at which each part ends.
    """
    assert len(gaps) == len(parts) + 1
    joined = np.full((sum(len(part) for part in parts) + sum(gaps), MELS), FLOOR, np.float32)
    if rng.random() < 0.5:
        peak = max(float(part.max()) for part in parts)
        joined[:] = noise(len(joined), peak - float(rng.uniform(4.5, 8.0)), rng)
    ends: list[int] = []
    place = 0
    for gap, part in zip(gaps, parts, strict=False):
        place += gap
        joined[place : place + len(part)] = part
        place += len(part)
        ends.append(place)
    return joined, ends


def draw_window(
    corpus: Corpus,
    rng: np.random.Generator,
    longest_s: float,
    change: float = 0.85,
    labelled: bool = False,
) -> Window:
    """One window of at most about `longest_s` seconds, augmented with the probability `change`."""
    if rng.random() < 0.03:
        return _draw_silence(rng, longest_s)
    while True:
        name = corpus.draw_shard(rng, labelled)
        shard = corpus.shards[name]
        first = int(rng.integers(len(shard.texts)))
        longest = longest_s * FRAMES_PER_S
        limit = float(rng.uniform(100, longest))
        chosen = [first]
        used = int(shard.offsets[first + 1] - shard.offsets[first])
        if used > longest:
            continue
        for index in range(first + 1, len(shard.texts)):
            used += int(shard.offsets[index + 1] - shard.offsets[index]) + 30
            if shard.talks[index] != shard.talks[first] or used > limit:
                break
            chosen.append(index)
        return _make_window(corpus, name, chosen, rng, change)


def _make_window(
    corpus: Corpus, name: str, chosen: list[int], rng: np.random.Generator, change: float
) -> Window:
    shard = corpus.shards[name]
    spans = [slice(int(shard.offsets[i]), int(shard.offsets[i + 1])) for i in chosen]
    parts = [to_log_power(shard.features[span]) for span in spans]
    phones = [shard.phones[span] for span in spans]
    texts = [shard.texts[index] for index in chosen]
    ends = corpus.ends.get(name)
    tail = int(rng.integers(0, 80)) if rng.random() < 0.8 else int(rng.integers(80, 250))
    lead = int(rng.integers(0, 25)) if rng.random() < 0.6 else int(rng.integers(25, 120))
    if ends is not None:
        first_ends, last_ends = ends[chosen[0]], ends[chosen[-1]]
        words = texts[0].split()
        if first_ends is not None and len(words) > 3 and len(parts[0]) > 60 and rng.random() < 0.12:
            skip = int(rng.integers(1, len(words) - 1))
            start = min(int(first_ends[skip - 1]), len(parts[0]) - 30)  # whatever was aligned
            parts[0], phones[0] = parts[0][start:], phones[0][start:]
            texts[0] = " ".join(words[skip:])
            if len(chosen) == 1:
                last_ends = first_ends[skip:] - start
            lead = int(rng.integers(0, 8))
        if last_ends is not None and rng.random() < 0.4:
            cut = int(rng.integers(min(30, len(parts[-1]) - 1), len(parts[-1])))
            texts[-1] = heard(texts[-1], last_ends, cut)
            parts[-1], phones[-1] = parts[-1][:cut], phones[-1][:cut]
            tail = 0
    if tail < LIVE_EDGE:
        texts[-1] = texts[-1].rstrip(".?!,;:-")
    gaps = [lead, *(int(rng.integers(8, 70)) for _ in parts[1:]), tail]
    mel, ends_of_parts = join(parts, gaps, rng)
    labels = np.full(len(mel), NO_PHONE, np.int8)
    for end, part in zip(ends_of_parts, phones, strict=True):
        labels[end - len(part) : end] = part
    if rng.random() < 0.6 * change:
        factor = float(rng.uniform(0.85, 1.15))
        labels = labels[stretch_places(len(mel), factor).round().astype(np.int64)]
        mel = stretch(mel, factor)
    if rng.random() < change:
        mel = augment(mel, rng, synthetic=name.startswith("speech-"))
    features = to_features(mel)
    if rng.random() < 0.6 * change:
        features = mask(features, rng)
    return Window(features, labels, " ".join(text for text in texts if text))


def heard(text: str, ends: npt.NDArray[np.int64], cut: int) -> str:
    """The words of `text` that end at least 30 ms before `cut`, without a mark at the edge."""
    count = int(np.searchsorted(ends, cut - 3, side="right"))
    kept = " ".join(text.split()[:count])
    if count and cut - int(ends[count - 1]) < LIVE_EDGE:
        kept = kept.rstrip(".?!,;:-")
    return kept if count < len(ends) else kept.rstrip(".?!")


def _draw_silence(rng: np.random.Generator, longest_s: float) -> Window:
    """Nothing said: digital silence or noise of any level."""
    frames = int(rng.integers(50, int(longest_s * FRAMES_PER_S)))
    mel = np.full((frames, MELS), FLOOR, np.float32)
    if rng.random() < 0.75:
        mel = noise(frames, float(rng.uniform(-8.0, 1.5)), rng)
    return Window(to_features(mel), np.full(frames, NO_PHONE, np.int8), "")


def draw_windows(
    corpus: Corpus,
    seed: int,
    number: int,
    *,
    seconds: float,
    longest_s: float,
    change: float,
    labelled: bool,
) -> list[Window]:
    """The windows of one round, about `seconds` in all; see `draw_window`."""
    rng = np.random.default_rng((seed, number))
    windows: list[Window] = []
    drawn = 0.0
    while drawn < seconds:
        windows.append(draw_window(corpus, rng, longest_s, change, labelled))
        drawn += len(windows[-1].features) / FRAMES_PER_S
    return windows
