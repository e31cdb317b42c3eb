"""Word ends of a transcript, found with the CTC head while it learns.

They tell the training windows where a sentence may be cut off in the middle, as a live window
always is. Viterbi over CTC labels (Graves et al. 2006), batched; no beam, no scores.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from simulst.train.listener.augmentation import to_features, to_log_power
from simulst.train.listener.features import Shard
from simulst.train.listener.model import Listener, letter_ids
from simulst.train.listener.texts import spoken_form

__all__ = ["align_shard", "best_path", "word_labels"]


def word_labels(text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """CTC labels of a transcript and, for each of its words, its first and last label.

    A word that is not spoken (a lone dash) has the empty span (n, n - 1).
    """
    labels: list[int] = []
    spans: list[tuple[int, int]] = []
    for word in text.split():
        spoken = spoken_form(word)
        if spoken and labels:
            labels += letter_ids(" ")
        first = len(labels)
        labels += letter_ids(spoken)
        spans.append((first, len(labels) - 1))
    return labels, spans


@torch.no_grad()
def best_path(scores: Tensor, labels: list[list[int]]) -> list[npt.NDArray[np.int64] | None]:
    """The best CTC path of each label sequence.

    Args:
        scores: log-probabilities (B, T, 1 + letters), blank 0.
        labels: of each row, without blanks.

    Returns:
        For each row the frame where each label peaks (labels,), or None if it does not fit.
    """
    b, frames, _ = scores.shape
    states = 2 * max(len(row) for row in labels) + 1
    spelled = torch.zeros(b, states, dtype=torch.int64)
    for row, letters in enumerate(labels):
        spelled[row, 1 : 2 * len(letters) : 2] = torch.tensor(letters, dtype=torch.int64)
    skips = torch.zeros(b, states, dtype=torch.bool)
    skips[:, 2:] = (spelled[:, 2:] != 0) & (spelled[:, 2:] != spelled[:, :-2])
    seen = scores.gather(2, spelled[:, None, :].expand(b, frames, states))  # (B, T, S)
    never = torch.full((b, 1), -1e30)
    best = torch.full((b, states), -1e30)
    best[:, :2] = seen[:, 0, :2]
    steps = torch.zeros(frames, b, states, dtype=torch.int8)
    for frame in range(1, frames):
        one = torch.cat([never, best[:, :-1]], dim=1)
        two = torch.cat([never, never, best[:, :-2]], dim=1).masked_fill(~skips, -1e30)
        best, steps_here = torch.stack([best, one, two]).max(dim=0)
        best = best + seen[:, frame]
        steps[frame] = steps_here.to(torch.int8)
    likely = seen.numpy()
    paths: list[npt.NDArray[np.int64] | None] = []
    for row, letters in enumerate(labels):
        last = 2 * len(letters)
        state = last if best[row, last] >= best[row, last - 1] else last - 1
        if not letters or best[row, state] < -1e29:
            paths.append(None)
            continue
        moves = steps[:, row].numpy()
        peak_scores = np.full(len(letters), -np.inf)
        peaks = np.zeros(len(letters), dtype=np.int64)
        for frame in range(frames - 1, -1, -1):
            if state % 2 and likely[row, frame, state] > peak_scores[state // 2]:
                peak_scores[state // 2] = float(likely[row, frame, state])
                peaks[state // 2] = frame
            state -= int(moves[frame, state])
        paths.append(peaks)
    return paths


@torch.no_grad()
def align_shard(
    model: Listener, shard: Shard, *, batch_frames: int = 12_000
) -> list[npt.NDArray[np.int64] | None]:
    """The feature frame (100 a second) where each word of each sentence ends, or None.

    Args:
        model: with a CTC head that has learned to spell a little.
        shard: sentences.
        batch_frames: feature frames a batch, padding included.
    """
    weight = next(model.parameters())
    lengths = np.diff(shard.offsets)
    order = np.argsort(lengths, kind="stable")
    ends: list[npt.NDArray[np.int64] | None] = [None] * len(order)
    batch: list[int] = []
    for place, index in enumerate(order):
        batch.append(int(index))
        full = (len(batch) + 1) * int(lengths[order[min(place + 1, len(order) - 1)]])
        if full < batch_frames and place + 1 < len(order):
            continue
        longest = int(lengths[batch].max())
        longest += longest % 2
        mel = torch.zeros(len(batch), longest, shard.features.shape[1])
        spelled = [word_labels(shard.texts[item]) for item in batch]
        for row, item in enumerate(batch):
            raw = shard.features[shard.offsets[item] : shard.offsets[item + 1]]
            mel[row, : len(raw)] = torch.from_numpy(to_features(to_log_power(raw)))
        memory, _ = model.encoder(mel.transpose(1, 2).to(weight.device, weight.dtype))
        scores = F.log_softmax(model.ctc(memory).float(), dim=-1).cpu()
        for item, (_, spans), peaks in zip(
            batch, spelled, best_path(scores, [labels for labels, _ in spelled]), strict=True
        ):
            ends[item] = None if peaks is None else _word_ends(peaks, spans, int(lengths[item]))
        batch = []
    return ends


def _word_ends(
    peaks: npt.NDArray[np.int64], spans: list[tuple[int, int]], frames: int
) -> npt.NDArray[np.int64]:
    """Half way from a word's last letter to the next word's first, at most 150 ms after it."""
    ends = np.zeros(len(spans), dtype=np.int64)
    before = 0
    for number, (first, last) in enumerate(spans):
        if last >= first:
            peak = 2 * int(peaks[last])
            follows = 2 * int(peaks[last + 2]) if last + 2 < len(peaks) else frames
            before = min(peak + 15, (peak + follows) // 2)
        ends[number] = min(before, frames)
    return ends
