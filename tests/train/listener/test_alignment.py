"""CTC alignment: labels of words, the best path, word ends."""

from __future__ import annotations

import torch

from simulst.train.listener.alignment import best_path, word_labels
from simulst.train.listener.model import LETTERS, letter_ids


def test_words_know_their_letters() -> None:
    """Spans lead from words as written to the letters that are spoken; a dash has none."""
    labels, spans = word_labels("Hi, - you're!")
    assert "".join(LETTERS[label - 1] for label in labels) == "hi you're"
    assert [max(0, last + 1 - first) for first, last in spans] == [2, 0, 6]


def test_the_best_path_finds_the_peaks() -> None:
    """Each letter is found at the frame where it was made likely, doubled letters too."""
    letters = letter_ids("all")
    scores = torch.full((2, 12, len(LETTERS) + 1), -6.0)
    scores[:, :, 0] = -0.1
    for frame, letter in zip((2, 5, 9), letters, strict=True):
        scores[:, frame, 0] = -6.0
        scores[:, frame, letter] = -0.1
    long = letter_ids("all of it and more")
    labels = torch.tensor([letters + [0] * (len(long) - 3), long])
    one, none = best_path(scores, labels, torch.tensor([3, len(long)]))
    assert one[:3].tolist() == [2, 5, 9] and set(one[3:].tolist()) == {-1}
    assert set(none.tolist()) == {-1}
