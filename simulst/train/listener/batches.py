"""Windows of about one length, padded into tensors, with Whisper's forced tokens.

Speech is learned as `<|startoftranscript|><|notimestamps|> text <|endoftext|>`. Where nothing is
said, `<|nospeech|>` is the token to expect first, so that its probability means something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor

from simulst.train.listener.alignment import word_labels
from simulst.train.listener.augmentation import Mel
from simulst.train.listener.features import FRAMES_PER_S, MELS, NO_PHONE
from simulst.train.listener.model import LETTERS, MAX_FRAMES, MAX_TOKENS, letter_ids
from simulst.train.listener.texts import spoken_form
from simulst.train.listener.tokenizer import special_id
from simulst.train.listener.windows import Window

__all__ = ["IGNORED", "Batch", "batch_windows", "label_spans", "make_batch"]

IGNORED = -100
"""The target where a row is over."""
GARBLED = 0.15
"""Share of the written pieces that the decoder is told wrong while it learns: there are few texts
of real speech, and what it knows by heart it does not listen to."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's tensors.

    Attributes:
        mel: (B, 80, frames), half precision, as all features.
        clean: (B, 80, frames) what a teacher hears: without noise and masks. Empty for no teacher.
        lengths: (B,) encoder frames before a row's padding.
        tokens: (B, U) forced tokens.
        targets: (B, U) the tokens that follow them, `IGNORED` behind a row's end.
        letters: (B, L) CTC labels, 0 behind a row's end.
        letter_counts: (B,).
        phones: (B, frames / 2) index into `features.PHONES`, or `IGNORED`.
        spans: (B, U, 2) first and last CTC label of each target, -1 where it has none.
    """

    mel: Tensor
    clean: Tensor
    lengths: Tensor
    tokens: Tensor
    targets: Tensor
    letters: Tensor
    letter_counts: Tensor
    phones: Tensor
    spans: Tensor

    @property
    def seconds(self) -> float:
        """Of audio, padding included."""
        return self.mel.shape[0] * self.mel.shape[2] / FRAMES_PER_S

    def to(self, device: str | torch.device) -> Batch:
        """The batch on a device; from pinned memory without waiting for it."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """The batch where a GPU can fetch it by itself; DataLoader calls this."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return Batch(**{field.name: change(getattr(self, field.name)) for field in fields(self)})


def make_batch(
    windows: list[Window],
    tokenizer: Tokenizer,
    frames: int,
    zeros: bool,
    taught: bool = False,
    garbling: np.random.Generator | None = None,
) -> Batch:
    """Pads windows to `frames`.

    Args:
        windows: none longer than `frames`.
        tokenizer: from `tokenizer.train_tokenizer`.
        frames: feature frames, even.
        zeros: pad with feature 0, as faster-whisper pads to 30 s, else with silence.
        taught: also prepare what a teacher hears.
        garbling: puts wrong pieces among those that the decoder is told were written before;
            None leaves them right.
    """
    start, bare = (
        special_id(tokenizer, token) for token in ("<|startoftranscript|>", "<|notimestamps|>")
    )
    end, silent = (special_id(tokenizer, token) for token in ("<|endoftext|>", "<|nospeech|>"))
    phones = np.full((len(windows), frames // 2), IGNORED, np.int64)
    lengths = [min(frames, len(window.features) + 1) // 2 for window in windows]
    rows: list[list[int]] = []
    letters: list[list[int]] = []
    spans: list[list[tuple[int, int]]] = []
    for row, (window, length) in enumerate(zip(windows, lengths, strict=True)):
        labels = window.phones[::2][:length].astype(np.int64)
        phones[row, :length] = np.where(labels == NO_PHONE, IGNORED, labels)
        encoded = tokenizer.encode(f" {window.text}") if window.text else None
        pieces = encoded.ids[: MAX_TOKENS - 3] if encoded else []
        spans.append([(-1, -1), *(label_spans(window.text, encoded.offsets) if encoded else [])])
        rows.append([start, bare if window.text else silent, *pieces, end])
        letters.append(letter_ids(spoken_form(window.text)))
    longest = max(len(row) for row in rows) - 1
    tokens = _padded([row[:-1] for row in rows], longest, end)
    tokens[:, 1] = bare  # what decoding forces, whatever was expected
    if garbling is not None:
        _garble(tokens[:, 2:], garbling)
    most = max(1, max(len(row) for row in letters))
    places = np.full((len(rows), longest, 2), -1, np.int64)
    for row, pairs in enumerate(spans):
        kept = pairs[: len(rows[row]) - 2]
        places[row, : len(kept)] = kept
    heard = [window.clean for window in windows] if taught else []
    return Batch(
        mel=_stacked([window.features for window in windows], frames, zeros),
        clean=_stacked(heard, frames, zeros) if taught else torch.zeros(0),
        lengths=torch.tensor(lengths),
        tokens=torch.from_numpy(tokens),
        targets=torch.from_numpy(_padded([row[1:] for row in rows], longest, IGNORED)),
        letters=torch.from_numpy(_padded(letters, most, 0)),
        letter_counts=torch.tensor([len(row) for row in letters]),
        phones=torch.from_numpy(phones),
        spans=torch.from_numpy(places),
    )


def _garble(pieces: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
    """Puts pieces of elsewhere in the batch in the place of `GARBLED` of the pieces (B, U)."""
    wrong = rng.random(pieces.shape) < GARBLED
    pieces[wrong] = rng.permutation(pieces.ravel())[: int(wrong.sum())]


def _stacked(mels: list[Mel], frames: int, zeros: bool) -> Tensor:
    """Features (frames, 80) each, as (B, 80, frames)."""
    stack = np.zeros((len(mels), MELS, frames), np.float16)
    for row, mel in zip(stack, mels, strict=True):
        if not zeros:
            row[:] = mel.min()
        row[:, : len(mel)] = mel.T
    return torch.from_numpy(stack)


def _padded(rows: list[list[int]], longest: int, filler: int) -> npt.NDArray[np.int64]:
    table = np.full((len(rows), longest), filler, np.int64)
    for row, ids in zip(table, rows, strict=True):
        row[: len(ids)] = ids
    return table


def label_spans(text: str, offsets: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """First and last CTC label of each piece; (-1, -1) for a piece without letters.

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
    spans: list[tuple[int, int]] = []
    for begin, end in offsets:
        inside = [place for place in places[begin:end] if place is not None]
        spans.append((inside[0], inside[-1]) if inside else (-1, -1))
    return spans


def batch_windows(
    windows: list[Window],
    tokenizer: Tokenizer,
    rng: np.random.Generator,
    *,
    batch_s: float,
    padded_share: float,
    taught_share: float = 0.0,
) -> Iterator[Batch]:
    """Batches of about `batch_s` seconds each, padding included, in random order.

    Args:
        windows: of one round.
        tokenizer: of the model.
        rng: of this round.
        batch_s: seconds a batch.
        padded_share: share of batches padded to Whisper's full 30 s; their surplus windows
            are dropped.
        taught_share: share of the other batches from which a teacher's features are learned.
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
        taught = rng.random() < taught_share
        if rng.random() < padded_share:
            frames, taught = 2 * MAX_FRAMES, False
            rows = max(1, round(batch_s * FRAMES_PER_S / frames))
            group = [group[int(row)] for row in rng.permutation(len(group))[:rows]]
        elif rng.random() < 0.15:
            frames += int(rng.integers(0, 300))
        frames = min(frames + frames % 2, 2 * MAX_FRAMES)
        yield make_batch(group, tokenizer, frames, bool(rng.random() < 0.65), taught, rng)
