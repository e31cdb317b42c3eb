"""Losses: a teacher's features, and where guided heads look."""

from __future__ import annotations

import numpy as np
import torch
from tokenizers import Tokenizer

from simulst.train.listener.batches import Batch, make_batch
from simulst.train.listener.losses import imitation_loss, look_loss
from simulst.train.listener.model import LETTERS, letter_ids
from simulst.train.listener.windows import Window


def test_imitation_counts_unexplained_variance() -> None:
    """Knowing nothing costs 1, knowing all costs 0, whatever stands in the padding."""
    features = torch.randn(2, 400, 8, generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([400, 300])
    assert abs(float(imitation_loss(torch.zeros_like(features), features, lengths)) - 1) < 0.1
    guess = features.clone()
    guess[1, 300:] = 99.0
    assert float(imitation_loss(guess, features, lengths)) == 0.0
    guess[1, 299] += 1.0
    assert float(imitation_loss(guess, features, lengths)) > 0.0


def spoken(tokenizer: Tokenizer) -> Batch:
    """One window of 40 encoder frames that says a word."""
    mel = np.zeros((80, 80), np.float32)
    window = Window(mel, mel, np.full(80, -1, np.int8), "dark")
    return make_batch([window], tokenizer, 80, zeros=True)


def test_looking_at_the_right_frames_costs_nothing(tokenizer: Tokenizer) -> None:
    """Attention on the frames of a token's letters is right; anywhere else it is not."""
    batch = spoken(tokenizer)
    letters = torch.full((1, 40, len(LETTERS) + 1), -6.0)
    letters[..., 0] = -0.1
    for number, letter in enumerate(letter_ids("dark")):
        letters[0, 20 + 2 * number, 0] = -6.0
        letters[0, 20 + 2 * number, letter] = -0.1
    right = torch.zeros(1, 2, batch.targets.shape[1], 40)
    for token, (first, last) in enumerate(batch.spans[0].tolist()):
        if first >= 0:
            right[0, :, token, 20 + first + last] = 1.0
    wrong = right.roll(-15, dims=3)
    assert abs(float(look_loss(right, letters, batch))) < 0.01
    assert float(look_loss(wrong, letters, batch)) > 5.0


def test_a_window_without_letters_teaches_no_looking(tokenizer: Tokenizer) -> None:
    """Silence has nothing to look at, and costs nothing."""
    mel = np.zeros((80, 80), np.float32)
    window = Window(mel, mel, np.full(80, -1, np.int8), "")
    batch = make_batch([window], tokenizer, 80, zeros=True)
    looks = torch.full((1, 2, batch.targets.shape[1], 40), 1 / 40)
    letters = torch.zeros(1, 40, len(LETTERS) + 1).log_softmax(-1)
    assert float(look_loss(looks, letters, batch)) == 0.0
