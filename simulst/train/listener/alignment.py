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
from simulst.train.listener.corpus import WordEnds
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
def best_path(scores: Tensor, letters: Tensor, counts: Tensor) -> npt.NDArray[np.int64]:
    """The best CTC path of each label sequence.

    The scores are summed on their own device, the path is followed back on the CPU, all rows at
    once.

    Args:
        scores: log-probabilities (B, T, 1 + letters), blank 0.
        letters: (B, L) labels without blanks, 0 behind a row's end.
        counts: (B,) labels of each row.

    Returns:
        The frame where each label peaks (B, L); -1 behind a row's end, and in a row that does
        not fit into its frames.
    """
    b, frames, _ = scores.shape
    letters, counts = letters.to(scores.device), counts.to(scores.device)
    states = 2 * letters.shape[1] + 1
    spelled = letters.new_zeros(b, states)
    spelled[:, 1::2] = letters
    barred = torch.zeros(b, states, device=scores.device)
    barred[:, :2] = -1e30
    same = (spelled[:, 2:] == 0) | (spelled[:, 2:] == spelled[:, :-2])
    barred[:, 2:].masked_fill_(same, -1e30)
    seen = scores.gather(2, spelled[:, None, :].expand(b, frames, states))  # (B, T, S)
    padded = torch.full((b, states + 2), -1e30, device=scores.device)
    best = padded[:, 2:]
    best[:, :2] = seen[:, 0, :2]
    moves = torch.zeros(frames, b, states, dtype=torch.int8, device=scores.device)
    for frame in range(1, frames):
        skipped = padded[:, :-2] + barred
        stepped = torch.maximum(padded[:, 1:-1], skipped)
        behind = torch.maximum(best, padded[:, 1:-1])
        moves[frame] = (stepped > best).to(torch.int8) + (skipped > behind)
        best.copy_(torch.maximum(best, stepped) + seen[:, frame])
    last = 2 * counts[:, None]
    final = best.gather(1, torch.cat([last, (last - 1).clamp_min(0)], 1))  # (B, 2)
    fits = ((final.amax(1) > -1e29) & (counts > 0)).cpu().numpy()
    state = (last[:, 0] - final.argmax(1)).clamp_min(0).cpu().numpy()
    path = _follow_back(moves.cpu().numpy(), state)  # (B, T)
    likely = seen.gather(2, torch.from_numpy(path)[..., None].to(seen.device))[..., 0].cpu().numpy()
    peaks = np.full(tuple(letters.shape), -1, np.int64)
    rows, times = np.nonzero((path % 2 == 1) & fits[:, None])
    order = np.argsort(likely[rows, times], kind="stable")  # of a label's frames the last is kept
    rows, times = rows[order], times[order]
    peaks[rows, path[rows, times] // 2] = times
    return peaks


def _follow_back(
    moves: npt.NDArray[np.int8], state: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The state of each row at each frame (B, T), from moves (T, B, S) and the last states."""
    frames, b, _ = moves.shape
    rows = np.arange(b)
    path = np.zeros((b, frames), np.int64)
    for frame in range(frames - 1, -1, -1):
        path[:, frame] = state
        state = np.maximum(state - moves[frame, rows, state], 0)
    return path


@torch.no_grad()
def align_shard(model: Listener, shard: Shard, *, batch_frames: int = 12_000) -> list[WordEnds]:
    """The feature frame (100 a second) where each word of each sentence ends, or None.

    Args:
        model: with a CTC head that has learned to spell a little.
        shard: sentences.
        batch_frames: feature frames a batch, padding included.
    """
    weight = model.ctc.weight
    lengths = np.diff(shard.offsets)
    order = np.argsort(lengths, kind="stable")
    ends: list[WordEnds] = [None] * len(order)
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
        letters = torch.zeros(len(batch), max(1, max(len(ids) for ids, _ in spelled))).long()
        for row, (item, (ids, _)) in enumerate(zip(batch, spelled, strict=True)):
            raw = shard.features[shard.offsets[item] : shard.offsets[item + 1]]
            mel[row, : len(raw)] = torch.from_numpy(to_features(to_log_power(raw)))
            letters[row, : len(ids)] = torch.tensor(ids, dtype=torch.int64)
        memory, _ = model.encoder(mel.transpose(1, 2).to(weight.device, weight.dtype))
        scores = F.log_softmax(model.ctc(memory).float(), dim=-1)
        counts = torch.tensor([len(ids) for ids, _ in spelled])
        for item, (ids, spans), peaks in zip(
            batch, spelled, best_path(scores, letters, counts), strict=True
        ):
            if ids and peaks[0] >= 0:
                ends[item] = _word_ends(peaks[: len(ids)], spans, int(lengths[item]))
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
