"""What a batch teaches: tokens, letters, phones, where to look, a teacher's features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from simulst.train.listener.alignment import best_path
from simulst.train.listener.batches import IGNORED, Batch
from simulst.train.listener.model import Listener
from simulst.train.listener.reading import TextBatch
from simulst.train.listener.teacher import Teacher

__all__ = ["NAMES", "Losses", "imitation_loss", "look_loss", "loss_of", "reading_loss"]

IMITATION = 2.0
"""Weight of the teacher's features: at 1, in half of the batches, they were being forgotten."""
NAMES = ("token", "letter", "phone", "look", "imitation")


@dataclass(frozen=True, slots=True)
class Losses:
    """The losses of a batch.

    Attributes:
        token: mean cross-entropy a token, labels smoothed.
        letter: CTC loss a letter.
        phone: cross-entropy a frame of known phone.
        look: mean -log of the attention that guided heads spend on their token's frames.
        imitation: share of the variance of a teacher's features that is not explained; 0 where
            no teacher was asked.
    """

    token: Tensor
    letter: Tensor
    phone: Tensor
    look: Tensor
    imitation: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        guides = 0.5 * (self.letter + self.phone + self.look)
        return self.token + guides + IMITATION * self.imitation

    def numbers(self) -> Tensor:
        """All of them, in the order of `NAMES`, cut off from the graph: (5,)."""
        return torch.stack([getattr(self, name).detach().float() for name in NAMES])


def look_loss(looks: Tensor, letters: Tensor, batch: Batch) -> Tensor:
    """Mean -log of the attention that falls on a token's own frames, by CTC's best path.

    Args:
        looks: (B, heads, U, T) attention.
        letters: (B, T, 1 + letters) log-probabilities.
        batch: tells which letters belong to which token.
    """
    peaks = best_path(letters.detach(), batch.letters, batch.letter_counts)
    frames = torch.from_numpy(peaks).to(looks.device)  # (B, L)
    spans = batch.spans.to(looks.device)  # (B, U, 2)
    first, last = (frames.gather(1, spans[..., end].clamp_min(0)) for end in (0, 1))  # (B, U)
    known = (spans[..., 0] >= 0) & (first >= 0)  # (B, U)
    places = torch.arange(looks.shape[3], device=looks.device)
    inside = (places >= first[..., None] - 4) & (places <= last[..., None] + 4)  # (B, U, T)
    share = (looks * inside[:, None]).sum(-1)  # (B, heads, U)
    missed = -(share + 1e-4).log().mean(1)  # (B, U)
    return (missed * known).sum() / known.sum().clamp_min(1)


def imitation_loss(guess: Tensor, features: Tensor, lengths: Tensor) -> Tensor:
    """Mean squared error of standardised features over the frames of the rows.

    Every dimension has the same say, which neither cosine nor plain MSE gives: a few dimensions of
    Whisper's features are ten times as wide as others and mostly tell the place in the window.
    The loss starts near 1 and reads as the share of variance that is not explained.

    Args:
        guess: (B, T, D).
        features: (B, T, D) of the teacher, standardised.
        lengths: (B,) frames before a row's padding.
    """
    inside = torch.arange(guess.shape[1], device=guess.device) < lengths[:, None]  # (B, T)
    error = (guess.float() - features.float()).square().mean(-1)  # (B, T)
    return (error * inside).sum() / inside.sum().clamp_min(1)


def reading_loss(model: Listener, batch: TextBatch) -> Tensor:
    """Mean cross-entropy a token of text without sound, labels smoothed."""
    device = model.ctc.weight.device
    return _token_loss(model.read(batch.tokens.to(device)), batch.targets.to(device))


def _token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(
        logits.float().flatten(0, 1),
        targets.flatten(),
        ignore_index=IGNORED,
        label_smoothing=0.1,
    )


def loss_of(model: Listener, batch: Batch, teacher: Teacher | None = None) -> Losses:
    """The losses of a batch; where to look is taught once CTC can spell a little.

    Args:
        model: that learns.
        batch: of any device.
        teacher: whose features are learned from batches that say what it hears.
    """
    weight = model.ctc.weight
    batch = batch.to(weight.device)
    scores = model(batch.mel.to(weight.dtype), batch.tokens)
    nothing = scores.looks.sum() * 0.0
    token = _token_loss(scores.tokens, batch.targets)
    spelled = scores.letters.float().log_softmax(-1)  # (B, T, L)
    ctc = F.ctc_loss(
        spelled.transpose(0, 1),
        batch.letters,
        torch.full((len(batch.letters),), spelled.shape[1], device=weight.device),
        batch.letter_counts,
        reduction="sum",
        zero_infinity=True,
    )
    letter = ctc / batch.letter_counts.sum().clamp_min(1)
    phone = F.cross_entropy(
        scores.phones.float().flatten(0, 1),
        batch.phones.flatten(),
        ignore_index=IGNORED,
        reduction="sum",
    )
    imitation = nothing
    if teacher is not None and scores.features is not None and len(batch.clean):
        imitation = imitation_loss(scores.features, teacher(batch.clean)[0], batch.lengths)
    can_spell = float(letter.detach()) < 2.0
    return Losses(
        token=token,
        letter=letter,
        phone=phone / (batch.phones != IGNORED).sum().clamp_min(1),
        look=look_loss(scores.looks, spelled, batch) if can_spell else nothing,
        imitation=imitation,
    )
