"""Test-time wait-k (Ma et al. 2019): what target tokens may see of sources, for offline models.

Position t sees the first k + n source words, n being the target words that are complete before t.
A word is known to be complete when a token that begins another one stands, so that no token ever
sees more than the schedule permits a live writer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["View", "seen", "views"]


@dataclass(frozen=True, slots=True)
class View:
    """A stretch of a target whose tokens see the same of their source.

    Attributes:
        source: words that are seen.
        target: tokens up to the end of the stretch.
        begin: of the stretch, in the target.
        closed: the whole source is seen.
    """

    source: tuple[str, ...]
    target: tuple[int, ...]
    begin: int
    closed: bool


def seen(words: int, target: Sequence[int], lag: int, begins: Mapping[int, bool]) -> list[int]:
    """Source words that each token of a target, and the one after it, may see.

    Args:
        words: of the source.
        target: tokens.
        lag: k; 0 for the whole source.
        begins: of each token, whether it begins a word.
    """
    if lag == 0:
        return [words] * (len(target) + 1)
    complete, found = 0, [min(lag, words)]
    for place, token in enumerate(target):
        complete += place > 0 and begins.get(token, False)
        found.append(min(lag + complete, words))
    return found


def views(
    source: tuple[str, ...],
    target: tuple[int, ...],
    lag: int,
    begins: Mapping[int, bool],
    eos: int | None = None,
) -> Iterator[View]:
    """A target cut where its tokens begin to see more of the source.

    Args:
        source: words.
        target: tokens.
        lag: k; 0 for the whole source.
        begins: of each token, whether it begins a word.
        eos: the end of sentence, if it is to see the whole source where it stands last: it is
            never written before.
    """
    words = seen(len(source), target, lag, begins)
    if target and target[-1] == eos:
        words[len(target) - 1] = len(source)
    begin = 0
    for end in range(1, len(target) + 1):
        if end == len(target) or words[end] != words[begin]:
            count = words[begin]
            yield View(source[:count], target[:end], begin, count == len(source))
            begin = end
