"""From what a decoder says and where it listened to words of the stream.

Both ways of running Whisper end here: pieces of text with times inside a window are joined into
words with times in the stream. No model is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from simulst.asr.guards import find_gap
from simulst.asr.text import key
from simulst.types import Window, Word

__all__ = ["Piece", "behind", "join", "time_pieces"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a word, or more, as a decoder wrote it.

    Attributes:
        text: with the space that may stand before it.
        start, end: samples from the start of the window.
        probability: of its tokens, in [0, 1].
    """

    text: str
    start: int
    end: int
    probability: float


def time_pieces(
    texts: Sequence[str],
    sizes: Sequence[int],
    path: Sequence[tuple[int, int]],
    scores: Sequence[float],
    *,
    skipped: int,
    frame_samples: int,
) -> list[Piece]:
    """Give times to pieces of whole characters.

    Args:
        texts: of the pieces.
        sizes: tokens in each piece.
        path: alignment as pairs of (token, frame), both rising; it counts the tokens that are
            skipped and the end of text.
        scores: probability of each token, those that are skipped included.
        skipped: tokens of the prefix, before the pieces.
        frame_samples: samples in a frame.
    """
    starts: list[int] = []
    for token, frame in path:
        if token == len(starts):
            starts.append(frame * frame_samples)
    pieces: list[Piece] = []
    for text, size in zip(texts, sizes, strict=False):  # the last character may be cut off
        last = min(skipped + size, len(starts) - 1)
        mean = sum(scores[skipped : skipped + size]) / size
        pieces.append(Piece(text, starts[min(skipped, last)], starts[last], mean))
        skipped += size
    return pieces


def behind(pieces: Sequence[Piece], prefix: str) -> list[Piece]:
    """The pieces behind the prefix that they start with; one that reaches over it is cut."""
    rest: list[Piece] = []
    over = len(prefix)
    for piece in pieces:
        if over < len(piece.text):
            start = piece.start if over <= 0 else piece.end
            text = piece.text[max(0, over) :]
            rest.append(Piece(text, start, piece.end, piece.probability))
        over -= len(piece.text)
    return rest


def join(pieces: Sequence[Piece], window: Window, *, spaced: bool) -> tuple[Word, ...]:
    """Words of the stream, in order, inside the window and behind its prefix.

    A word ends with its letters: the mark behind it is aligned to the pause. A decoder looks
    for the next word while there is silence still, so a word starts where the last silence
    ends that it was aligned to; sound before it was the word before. Letters that go on
    with the last word of the prefix are dropped, as that word is committed; a mark that belongs
    to it becomes a word of its own.

    Args:
        pieces: behind the window's prefix.
        window: that they were heard in.
        spaced: words begin at a space; otherwise at every piece that has letters.
    """
    heads = [
        index
        for index, piece in enumerate(pieces)
        if index == 0 or (piece.text.startswith(" ") if spaced else key(piece.text.strip()))
    ]
    first, last = window.audio.start, window.audio.end
    earliest = window.prefix[-1].end if window.prefix else first
    words: list[Word] = []
    for head, following in pairwise([*heads, len(pieces)]):
        group = pieces[head:following]
        text = "".join(piece.text for piece in group)
        lettered = [piece for piece in group if key(piece.text.strip())]
        continues = head == 0 and spaced and window.prefix and not text.startswith(" ")
        if not text.strip() or (continues and lettered):
            continue
        spoken = lettered[-1].end if lettered else group[0].start
        start = min(max(first + group[0].start, earliest), last)
        end = min(max(first + spoken, start), last)
        gap = find_gap(window.audio.samples[start - first : end - first])
        if gap is not None:
            if words and gap[0]:
                words[-1] = replace(words[-1], end=start + gap[0])
            start += gap[1]
        probability = sum(piece.probability for piece in group) / len(group)
        words.append(Word(text.strip(), start, end, min(1.0, max(0.0, probability))))
        earliest = end
    return tuple(words)
