"""Training windows: sentences of one talk joined to varied lengths, whole or cut off.

A live window ends wherever the speaker is, so a share of the windows is cut at a word found by
`alignment`; a cut-off window's transcript holds the words heard whole and no full stop. Some
windows hold no speech at all, but noise, babble or music. Everything follows from the seed and
the round.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
from simulst.train.listener.corpus import Corpus
from simulst.train.listener.features import FRAMES_PER_S, MELS, NO_PHONE

__all__ = ["Drawing", "Window", "draw_window", "draw_windows", "heard", "join"]

Labels = npt.NDArray[np.int8]
LIVE_EDGE = 12
"""Frames after the last word that must be heard before a full stop is written."""
SPEECHLESS = 0.05
"""Share of windows in which nothing is said."""


@dataclass(frozen=True, slots=True)
class Window:
    """One training example.

    Attributes:
        features: (frames, 80).
        clean: (frames, 80) the same before noise and masks were laid over it.
        phones: (frames,) as `features.Shard` has them.
        text: what was said, empty for silence.
    """

    features: Mel
    clean: Mel
    phones: Labels
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """How windows are drawn.

    Attributes:
        longest_s: of a window.
        change: the probability that a window is augmented.
        labelled: take only shards with known phones, if there are any.
        shards: names of those to draw from; None for all.
        aligned: names of those whose word ends may be used.
    """

    longest_s: float
    change: float = 0.85
    labelled: bool = False
    shards: Collection[str] | None = None
    aligned: Collection[str] = ()


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


def draw_window(corpus: Corpus, rng: np.random.Generator, drawing: Drawing) -> Window:
    """One window of at most about `drawing.longest_s` seconds."""
    if rng.random() < SPEECHLESS:
        return _draw_speechless(corpus, rng, drawing.longest_s)
    while True:
        name = corpus.draw_shard(rng, names=drawing.shards, labelled=drawing.labelled)
        shard = corpus.shards[name]
        first = int(rng.integers(len(shard.texts)))
        longest = drawing.longest_s * FRAMES_PER_S
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
        return _make_window(corpus, name, chosen, rng, drawing)


def _make_window(
    corpus: Corpus, name: str, chosen: list[int], rng: np.random.Generator, drawing: Drawing
) -> Window:
    shard = corpus.shards[name]
    spans = [slice(int(shard.offsets[i]), int(shard.offsets[i + 1])) for i in chosen]
    parts = [to_log_power(shard.features[span]) for span in spans]
    phones = [shard.phones[span] for span in spans]
    texts = [shard.texts[index] for index in chosen]
    tail = int(rng.integers(0, 80)) if rng.random() < 0.8 else int(rng.integers(80, 250))
    lead = int(rng.integers(0, 25)) if rng.random() < 0.6 else int(rng.integers(25, 120))
    if name in drawing.aligned:
        first_ends = corpus.word_ends(name, chosen[0])
        last_ends = corpus.word_ends(name, chosen[-1])
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
    if rng.random() < 0.6 * drawing.change:
        factor = float(rng.uniform(0.85, 1.15))
        labels = labels[stretch_places(len(mel), factor).round().astype(np.int64)]
        mel = stretch(mel, factor)
    clean = features = to_features(mel)
    if rng.random() < drawing.change:
        sound = corpus.draw_sound(rng, len(mel)) if rng.random() < 0.2 else None
        behind = None if sound is None else to_log_power(sound)
        features = to_features(augment(mel, rng, name.startswith("speech-"), behind))
    if rng.random() < 0.6 * drawing.change:
        features = mask(features, rng)
    return Window(features, clean, labels, " ".join(text for text in texts if text))


def heard(text: str, ends: npt.NDArray[np.int64], cut: int) -> str:
    """The words of `text` that end at least 30 ms before `cut`, without a mark at the edge."""
    count = int(np.searchsorted(ends, cut - 3, side="right"))
    kept = " ".join(text.split()[:count])
    if count and cut - int(ends[count - 1]) < LIVE_EDGE:
        kept = kept.rstrip(".?!,;:-")
    return kept if count < len(ends) else kept.rstrip(".?!")


def _draw_speechless(corpus: Corpus, rng: np.random.Generator, longest_s: float) -> Window:
    """Nothing said: silence, noise of any level and colour, babble or music."""
    frames = int(rng.integers(50, int(longest_s * FRAMES_PER_S)))
    mel = np.full((frames, MELS), FLOOR, np.float32)
    kind = rng.random()
    sound = corpus.draw_sound(rng, frames) if kind < 0.5 else None
    if sound is not None:
        mel = to_log_power(sound) + np.float32(rng.uniform(-3.0, 0.5))
        if rng.random() < 0.3:
            behind = noise(frames, float(mel.max() - rng.uniform(1.0, 6.0)), rng)
            mel = np.maximum(mel, behind)
    elif kind < 0.6:
        mel = _white(frames, rng)
    elif kind < 0.9:
        mel = noise(frames, float(rng.uniform(-8.0, 1.5)), rng)
    features = to_features(mel)
    return Window(features, features, np.full(frames, NO_PHONE, np.int8), "")


def _white(frames: int, rng: np.random.Generator) -> Mel:
    """White noise as the extractor shows it, of any level: log10 power (frames, 80).

    Slaney's filters have unit area, so all bands have one mean; the wider a band, the less its
    power varies (the shape of its distribution was fitted to what the extractor makes).
    """
    shape = np.maximum(1.2, 5.2 * (np.arange(MELS) / (MELS - 1)) ** 2)
    power = rng.gamma(shape, 1.0 / shape, size=(frames, MELS)) + 1e-4
    made: Mel = (np.log10(power) + rng.uniform(-8.0, 1.5)).astype(np.float32)
    return made


def draw_windows(
    corpus: Corpus, seed: int, number: int, *, seconds: float, drawing: Drawing
) -> list[Window]:
    """The windows of one round, about `seconds` in all; see `draw_window`."""
    rng = np.random.default_rng((seed, number))
    windows: list[Window] = []
    drawn = 0.0
    while drawn < seconds:
        windows.append(draw_window(corpus, rng, drawing))
        drawn += len(windows[-1].features) / FRAMES_PER_S
    return windows
