"""How a model in training does on held-out speech: losses, and words by its CTC head.

What is chosen by these figures is no longer held out; the packs are scored on recordings beyond
these (`evaluation`). The CTC head does not ship: its words tell what the encoder knows, without
the decoder's knowledge of English.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from simulst.audio.torchaudio_shim import load_torchaudio
from simulst.train.listener.batches import Batch, make_batch
from simulst.train.listener.corpus import DEV
from simulst.train.listener.features import FRAMES_PER_S, NO_PHONE, Shard
from simulst.train.listener.losses import loss_of
from simulst.train.listener.model import LETTERS, Listener
from simulst.train.listener.teacher import Teacher
from simulst.train.listener.texts import spoken_form
from simulst.train.listener.windows import Window

__all__ = ["Reading", "read_gauges", "spelled_words"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured on one set.

    Attributes:
        name: of the set.
        token: loss a token, given the right tokens before it.
        letter: CTC loss a letter.
        imitation: share of the teacher's variance that is not explained; 0 without a teacher.
        words: word error rate of the CTC head, greedy.
        letters: letter error rate of the CTC head, greedy.
    """

    name: str
    token: float
    letter: float
    imitation: float
    words: float
    letters: float

    def __str__(self) -> str:
        return (
            f"{self.name}: token loss {self.token:.3f}  letter loss {self.letter:.3f}  "
            f"imitation {self.imitation:.3f}  CTC words wrong {self.words:.3f}  "
            f"letters wrong {self.letters:.3f}"
        )


@torch.no_grad()
def read_gauges(
    folder: Path, model: Listener, tokenizer: Tokenizer, teacher: Teacher | None = None
) -> list[Reading]:
    """Measures a model on the shards `dev-*.npy` of a corpus.

    Args:
        folder: of the corpus.
        model: on any device.
        tokenizer: of the model.
        teacher: on the same device.
    """
    distance = load_torchaudio().functional.edit_distance
    readings: list[Reading] = []
    for path in sorted(folder.glob(f"{DEV}-*.npy")):
        shard = Shard.read(path)
        sums = np.zeros(3)
        errors = np.zeros(4)
        for texts, batch in _batches(shard, tokenizer):
            losses = loss_of(model, batch, teacher).numbers().tolist()
            sums += [share * len(texts) for share in (losses[0], losses[1], losses[4])]
            for text, guess in zip(texts, spelled_words(model, batch), strict=True):
                words = text.split()
                errors += (distance(words, guess.split()), len(words), distance(text, guess), 0)
                errors[3] += len(text)
        token, letter, imitation = (sums / len(shard.texts)).tolist()
        words_wrong, letters_wrong = (errors[[0, 2]] / np.maximum(errors[[1, 3]], 1)).tolist()
        name = path.stem.removeprefix(f"{DEV}-")
        readings.append(Reading(name, token, letter, imitation, words_wrong, letters_wrong))
    return readings


def spelled_words(model: Listener, batch: Batch) -> list[str]:
    """What the CTC head spells for each row, taking the likeliest label of each frame."""
    weight = model.ctc.weight
    states, _ = model.encoder(batch.mel.to(weight.device, weight.dtype))
    best = model.ctc(states).argmax(-1).cpu()  # (B, T)
    texts: list[str] = []
    for row, length in zip(best, batch.lengths.tolist(), strict=True):
        labels = torch.unique_consecutive(row[:length]).tolist()
        spelled = "".join(LETTERS[label - 1] for label in labels if label)
        texts.append(" ".join(spelled.split()))
    return texts


def _batches(
    shard: Shard, tokenizer: Tokenizer, longest_s: float = 60.0
) -> Iterator[tuple[list[str], Batch]]:
    """Sentences of about one length, and their transcripts as they are scored."""
    order = np.argsort(np.diff(shard.offsets), kind="stable").tolist()
    while order:
        frames = int(shard.offsets[order[-1] + 1] - shard.offsets[order[-1]])
        count = max(1, int(longest_s * FRAMES_PER_S) // frames)
        rows, order = order[-count:], order[:-count]
        windows = [_whole(shard, row) for row in rows]
        yield (
            [spoken_form(window.text) for window in windows],
            make_batch(windows, tokenizer, frames + frames % 2, zeros=False, taught=True),
        )


def _whole(shard: Shard, row: int) -> Window:
    span = slice(int(shard.offsets[row]), int(shard.offsets[row + 1]))
    mel = shard.features[span].astype(np.float32)
    return Window(mel, mel, np.full(len(mel), NO_PHONE, np.int8), shard.texts[row])
