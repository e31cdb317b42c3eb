"""What a batch teaches: tokens, letters, phones, and where to look for a token."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from simulst.train.listener.alignment import best_path
from simulst.train.listener.batches import IGNORED, Batch
from simulst.train.listener.model import Listener

__all__ = ["Losses", "look_loss", "loss_of"]


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean cross-entropy a token, CTC loss a letter, cross-entropy a frame of known phone, and
    how far the guided heads look from their tokens."""

    token: Tensor
    letter: Tensor
    phone: Tensor
    look: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        return self.token + 0.5 * self.letter + 0.5 * self.phone + 0.5 * self.look


def look_loss(looks: Tensor, letters: Tensor, batch: Batch) -> Tensor:
    """Mean -log of the attention that falls on a token's own frames, by CTC's best path.

    Args:
        looks: (B, heads, U, T) attention.
        letters: (B, T, 1 + letters) log-probabilities.
        batch: tells which letters belong to which token.
    """
    labels = list(torch.split(batch.letters, batch.letter_counts.tolist()))
    rows = [row for row, ids in enumerate(labels) if len(ids)]
    if not rows:
        return looks.sum() * 0.0
    paths = best_path(letters[rows].detach().cpu(), [labels[row].tolist() for row in rows])
    inside = torch.zeros(looks.shape[0], *looks.shape[2:])  # (B, U, T)
    for row, peaks in zip(rows, paths, strict=True):
        for place, span in enumerate(batch.spans[row] if peaks is not None else ()):
            if span is not None and peaks is not None and place < looks.shape[2]:
                first, last = int(peaks[span[0]]), int(peaks[span[1]])
                inside[row, place, max(0, first - 4) : last + 5] = 1.0
    known = inside.amax(-1) > 0  # (B, U)
    share = (looks * inside[:, None].to(looks.device)).sum(-1)  # (B, heads, U)
    missed = -(share + 1e-4).log().mean(1)  # (B, U)
    return missed[known.to(missed.device)].mean() if known.any() else looks.sum() * 0.0


def loss_of(model: Listener, batch: Batch) -> Losses:
    """The losses of a batch; where to look is taught once CTC can spell a little."""
    weight = model.ctc.weight
    tokens, targets = batch.tokens.to(weight.device), batch.targets.to(weight.device)
    logits, letters, phones, looks = model(batch.mel.to(weight.device, weight.dtype), tokens)
    attention = F.cross_entropy(
        logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, label_smoothing=0.1
    )
    spelled = letters.float().log_softmax(-1)  # (B, T, L)
    ctc = F.ctc_loss(
        spelled.transpose(0, 1),
        batch.letters.to(weight.device),
        torch.full((len(tokens),), letters.shape[1], dtype=torch.int64),
        batch.letter_counts,
        reduction="sum",
        zero_infinity=True,
    )
    known = batch.phones.to(weight.device)
    phone = F.cross_entropy(
        phones.float().flatten(0, 1), known.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    can_spell = float(ctc.detach()) < 2.0 * max(1, int(batch.letter_counts.sum()))
    letter = ctc / max(1, int(batch.letter_counts.sum()))
    return Losses(
        token=attention,
        letter=letter,
        phone=phone / max(1, int((known != IGNORED).sum())),
        look=look_loss(looks, spelled, batch) if can_spell else looks.sum() * 0.0,
    )
