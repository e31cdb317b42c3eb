"""Windows of about one length, padded into tensors, with Whisper's forced tokens.

Speech is learned as `<|startoftranscript|><|notimestamps|> text <|endoftext|>`. Where nothing is
said, `<|nospeech|>` is the token to expect first, so that its probability means something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from simulst.train.listener.alignment import word_labels
from simulst.train.listener.features import FRAMES_PER_S, MELS, NO_PHONE
from simulst.train.listener.model import LETTERS, MAX_FRAMES, MAX_TOKENS, letter_ids
from simulst.train.listener.texts import spoken_form
from simulst.train.listener.tokenizer import special_id
from simulst.train.listener.windows import Window

__all__ = ["IGNORED", "Batch", "batch_windows", "label_spans", "make_batch"]

IGNORED = -100
"""The target where a row is over."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's tensors.

    Attributes:
        mel: (B, 80, frames).
        tokens: (B, U) forced tokens.
        targets: (B, U) the tokens that follow them, `IGNORED` behind a row's end.
        letters: (sum of letter_counts,) CTC labels of all rows.
        letter_counts: (B,).
        spans: for each row and target, its first and last CTC label, or None.
        phones: (B, frames / 2) index into `features.PHONES`, or `IGNORED`.
    """

    mel: Tensor
    tokens: Tensor
    targets: Tensor
    letters: Tensor
    letter_counts: Tensor
    phones: Tensor
    spans: list[list[tuple[int, int] | None]]

    @property
    def seconds(self) -> float:
        """Of audio, padding included."""
        return self.mel.shape[0] * self.mel.shape[2] / FRAMES_PER_S


def make_batch(windows: list[Window], tokenizer: Tokenizer, frames: int, zeros: bool) -> Batch:
    """Pads windows to `frames`.

    Args:
        windows: none longer than `frames`.
        tokenizer: from `tokenizer.train_tokenizer`.
        frames: feature frames, even.
        zeros: pad with feature 0, as faster-whisper pads to 30 s, else with silence.
    """
    start, bare = (
        special_id(tokenizer, token) for token in ("<|startoftranscript|>", "<|notimestamps|>")
    )
    end, silent = (special_id(tokenizer, token) for token in ("<|endoftext|>", "<|nospeech|>"))
    mel = torch.zeros(len(windows), frames, MELS)
    phones = torch.full((len(windows), frames // 2), IGNORED, dtype=torch.int64)
    rows: list[list[int]] = []
    letters: list[list[int]] = []
    spans: list[list[tuple[int, int] | None]] = []
    for row, window in enumerate(windows):
        if not zeros:
            mel[row] = float(window.features.min())
        mel[row, : len(window.features)] = torch.from_numpy(window.features)
        labels = torch.from_numpy(window.phones[::2].astype(np.int64))[: frames // 2]
        phones[row, : len(labels)] = labels.masked_fill(labels == NO_PHONE, IGNORED)
        encoded = tokenizer.encode(f" {window.text}") if window.text else None
        pieces = encoded.ids if encoded else []
        spans.append([None, *(label_spans(window.text, encoded.offsets) if encoded else [])])
        first = bare if window.text else silent
        rows.append([start, first, *pieces[: MAX_TOKENS - 3], end])
        letters.append(letter_ids(spoken_form(window.text)))
    longest = max(len(row) for row in rows) - 1
    tokens = torch.full((len(rows), longest), end, dtype=torch.int64)
    targets = torch.full((len(rows), longest), IGNORED, dtype=torch.int64)
    for row, ids in enumerate(rows):
        tokens[row, : len(ids) - 1] = torch.tensor(ids[:-1])
        targets[row, : len(ids) - 1] = torch.tensor(ids[1:])
        tokens[row, 1] = bare  # what decoding forces, whatever was expected
    return Batch(
        mel=mel.transpose(1, 2).contiguous(),
        tokens=tokens,
        targets=targets,
        letters=torch.tensor([letter for row in letters for letter in row], dtype=torch.int64),
        letter_counts=torch.tensor([len(row) for row in letters], dtype=torch.int64),
        phones=phones,
        spans=spans,
    )


def label_spans(text: str, offsets: list[tuple[int, int]]) -> list[tuple[int, int] | None]:
    """First and last CTC label of each piece; None for a piece without letters.

    Args:
        text: of a window.
        offsets: of the pieces in the text after a space.
    """
    labels, words = word_labels(text)
    places: list[int | None] = [None]  # the label of each character behind the leading space
    for word, (first, last) in zip(text.split(), words, strict=True):
        place = first
        for character in word.lower():
            fits = place <= last and LETTERS[labels[place] - 1] == character
            places.append(place if fits else None)
            place += fits
            if not fits and place <= last and LETTERS[labels[place] - 1] == " ":
                place += 1
        places.append(None)
    spans: list[tuple[int, int] | None] = []
    for begin, end in offsets:
        inside = [place for place in places[begin:end] if place is not None]
        spans.append((inside[0], inside[-1]) if inside else None)
    return spans


def batch_windows(
    windows: list[Window],
    tokenizer: Tokenizer,
    rng: np.random.Generator,
    *,
    batch_s: float,
    padded_share: float,
) -> Iterator[Batch]:
    """Batches of about `batch_s` seconds each, padding included, in random order.

    Args:
        windows: of one round.
        tokenizer: of the model.
        rng: of this round.
        batch_s: seconds a batch.
        padded_share: share of batches padded to Whisper's full 30 s; their surplus windows
            are dropped.
    """
    ordered = sorted(windows, key=lambda window: len(window.features))
    groups: list[list[Window]] = [[]]
    for window in ordered:
        if groups[-1] and (len(groups[-1]) + 1) * len(window.features) > batch_s * FRAMES_PER_S:
            groups.append([])
        groups[-1].append(window)
    for index in rng.permutation(len(groups)):
        group = groups[int(index)]
        frames = max(len(window.features) for window in group)
        if rng.random() < padded_share:
            frames = 2 * MAX_FRAMES
            rows = max(1, round(batch_s * FRAMES_PER_S / frames))
            group = [group[int(row)] for row in rng.permutation(len(group))[:rows]]
        elif rng.random() < 0.15:
            frames += int(rng.integers(0, 300))
        frames = min(frames + frames % 2, 2 * MAX_FRAMES)
        yield make_batch(group, tokenizer, frames, zeros=bool(rng.random() < 0.65))
