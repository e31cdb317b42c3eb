"""Blockwise imitation: every part of an encoder learns what the teacher's part does, all at once.

A student that only hears of the teacher's last layer learns slowly, as all of it is at fault for
all that is wrong. Here each part (the stem, every attention, every feed-forward part, the last
norm) gets the states that the teacher's part got and learns what that part made of them (blockwise
distillation: Li et al. 2020, "Blockwisely supervised neural architecture search with knowledge
distillation"). The student has the teacher's width and number of layers, random weights, and
narrower feed-forward parts; none of the teacher's tensors is read but to compute what it answers.
Put together, the parts still have to learn to live with each other's errors: then each gets what
the parts before it made, of the sound with noise and masks over it, and answers for the states
that the teacher has at its place when it hears the clean sound. The training of the whole goes on
from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from simulst.train.listener.layers import EncoderLayer
from simulst.train.listener.model import Encoder
from simulst.train.listener.teacher import Teacher

__all__ = ["BlockTeacher", "begin_small"]

FAINTEST = 0.1
"""Spread of a dimension, relative to its part's mean: fainter ones count less."""


class BlockTeacher:
    """What a teacher's parts get and give.

    Args:
        teacher: that has measured its features.
        mels: (B, 80, frames) each, by which the spread of what is given is measured.
    """

    def __init__(self, teacher: Teacher, mels: list[Tensor]) -> None:
        self._teacher = teacher
        lessons = [self.lessons(mel) for mel in mels]
        self._given = _spreads([[out for _, out in row] for row in lessons])
        self._states = _spreads([_states_of(row) for row in lessons])

    @torch.no_grad()
    def lessons(self, mel: Tensor) -> list[tuple[Tensor, Tensor]]:
        """What each part gets and gives: the mel and (B, T, D), then (B, T, D) and the same.

        Args:
            mel: (B, 80, frames), frames even.
        """
        encoder = self._teacher.encoder
        mel = mel.to(encoder.conv1.weight.dtype)
        x = encoder.stem(mel)
        found = [(mel, x)]
        x = x + encoder.embed_positions.weight[: x.shape[1]]
        for layer in encoder.layers:
            assert isinstance(layer, EncoderLayer)
            for part in (layer.attended, layer.transformed):
                found.append((x, part(x)))
                x = x + found[-1][1]
        found.append((x, self._teacher.standardise(encoder.layer_norm(x))))
        return found

    def losses(self, student: Encoder, mel: Tensor, lengths: Tensor) -> Tensor:
        """Share of the variance of what each part gives that is not explained: (parts,).

        Args:
            student: of the teacher's width and number of layers.
            mel: (B, 80, frames).
            lengths: (B,) frames of states before a row's padding.
        """
        lessons = self.lessons(mel)
        guesses = [part(x) for part, (x, _) in zip(_parts(student), lessons, strict=True)]
        return _unexplained(guesses, [out for _, out in lessons], self._given, lengths)

    def joint_losses(self, student: Encoder, mel: Tensor, clean: Tensor, lengths: Tensor) -> Tensor:
        """Share of the variance of the teacher's states that is not explained: (parts,).

        Args:
            student: as `losses`.
            mel: (B, 80, frames) that the student hears.
            clean: (B, 80, frames) that the teacher hears.
            lengths: as `losses`.
        """
        stem, *parts, norm = _parts(student)
        x = stem(mel)
        x = x + student.embed_positions.weight[: x.shape[1]]
        states = [x]
        for part in parts:
            x = x + part(x)
            states.append(x)
        states.append(norm(x))
        return _unexplained(states, _states_of(self.lessons(clean)), self._states, lengths)


def _states_of(lessons: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """The states behind each part, and the last one's features: (B, T, D) each."""
    return [*(x for x, _ in lessons[1:]), lessons[-1][1]]


def _parts(student: Encoder) -> list[Callable[[Tensor], Tensor]]:
    layers = [layer for layer in student.layers if isinstance(layer, EncoderLayer)]
    inner = [part for layer in layers for part in (layer.attended, layer.transformed)]
    return [student.stem, *inner, student.layer_norm]


def _spreads(rows: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Spread of each dimension of each part, over all that was given."""
    found = []
    for part in zip(*rows, strict=True):
        spread = torch.cat([given.float().flatten(0, 1) for given in part]).std(0)
        found.append(torch.maximum(spread, FAINTEST * spread.mean()))
    return found


def _unexplained(
    guesses: Sequence[Tensor], truths: Sequence[Tensor], spreads: Sequence[Tensor], lengths: Tensor
) -> Tensor:
    inside = torch.arange(truths[0].shape[1], device=lengths.device) < lengths[:, None]  # (B, T)
    losses = []
    for guess, truth, spread in zip(guesses, truths, spreads, strict=True):
        error = ((guess - truth).float() / spread).square().mean(-1)  # (B, T)
        losses.append((error * inside).sum() / inside.sum().clamp_min(1))
    return torch.stack(losses)


@torch.no_grad()
def begin_small(encoder: Encoder) -> None:
    """Let every part give nearly nothing at first: it starts from silence, not from noise."""
    for layer in encoder.layers:
        assert isinstance(layer, EncoderLayer)
        for writer in (layer.self_attn.out_proj, layer.fc2):
            writer.weight *= 0.05
            writer.bias.zero_()
