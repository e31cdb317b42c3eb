"""Which words of a hypothesis may be committed while the speaker goes on.

A policy is a pure function: the words heard but not committed so far, the new hypothesis for
the same stretch and the end of the audio go in; the words still open and the words committed
come out. What is committed is the new hypothesis's own text, and it never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from simulst.asr.text import FINAL_MARKS, closing_marks, is_mark, key
from simulst.config import Asr
from simulst.types import SAMPLE_RATE, Word

__all__ = ["Pending", "Policy", "align_att", "flush", "local_agreement", "policy_of"]

Pending = tuple[Word, ...]
"""Words of the last hypothesis that are not committed."""

Policy = Callable[[Pending, Sequence[Word], int], tuple[Pending, tuple[Word, ...]]]

_EDGE_SAMPLES = 3 * SAMPLE_RATE // 10
"""So close to the end of the audio the mark after a word cannot have been heard."""


def local_agreement(
    pending: Pending, words: Sequence[Word], end: int
) -> tuple[Pending, tuple[Word, ...]]:
    """LocalAgreement-2: commit the longest common prefix of two hypotheses in a row.

    Liu et al. 2020, "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by
    Partial Hypothesis Selection"; Machacek et al. 2023, "Turning Whisper into Real-Time
    Transcription System". Words agree without case and punctuation. The mark after the last
    agreed word is committed with it for good, so that word waits until its mark is certain:
    a full stop counts only if both hypotheses wrote it or an agreed word follows, since a
    recogniser ends the sentence wherever the audio happens to end.

    Args:
        pending: words of the hypothesis before, beyond what is committed.
        words: the new hypothesis, beyond what is committed.
        end: sample at which the audio of the new hypothesis ends.
    """
    before = after = 0
    last = (-1, -1)  # the last pair that agrees
    while before < len(pending) and after < len(words):
        old, new = pending[before], words[after]
        if key(old.text) == key(new.text):
            last = (before, after)
            before, after = before + 1, after + 1
        elif is_mark(old):
            before += 1
        elif is_mark(new):
            after += 1
        else:
            break
    agreed = last[1] + 1
    if agreed and not _mark_is_certain(pending[last[0]], words, last[1], end):
        agreed -= 1
    return tuple(words[agreed:]), tuple(words[:agreed])


def _mark_is_certain(old: Word, words: Sequence[Word], index: int, end: int) -> bool:
    """Whether the last agreed word may be committed with the mark it has now."""
    word = words[index]
    mark = closing_marks(word.text)
    follows = index + 1 < len(words)
    if mark == closing_marks(old.text):
        # nothing after it in either: if it was only just spoken, its mark is still to come
        return follows or bool(mark) or end - word.end >= _EDGE_SAMPLES
    return follows and not FINAL_MARKS & set(mark)


def align_att(
    pending: Pending, words: Sequence[Word], end: int, *, margin: int
) -> tuple[Pending, tuple[Word, ...]]:
    """AlignAtt: commit words that the decoder did not align to the last `margin` of audio.

    Papi et al. 2023, "AlignAtt: Using Attention-based Audio-Translation Alignments as a Guide
    for Simultaneous Speech Translation". One hypothesis is enough, so `pending` is not read.

    Args:
        pending: ignored; there so that policies are called alike.
        words: the new hypothesis, beyond what is committed.
        end: sample at which the audio of the new hypothesis ends.
        margin: samples, >= 0.
    """
    count = 0
    while count < len(words) and words[count].end < end - margin:
        count += 1
    return tuple(words[count:]), tuple(words[:count])


def flush(pending: Pending) -> tuple[Pending, tuple[Word, ...]]:
    """Commit everything heard, because no more audio will come to change it."""
    return (), pending


def policy_of(config: Asr) -> Policy:
    """The policy that the configuration names."""
    if config.policy == "alignatt":
        return partial(align_att, margin=config.margin_ms * SAMPLE_RATE // 1000)
    return local_agreement
