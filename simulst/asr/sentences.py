"""Where source sentences end: at punctuation, at a pause, or when they grow too long.

Each sentence is one unit of translation. Words pass through at once and unchanged; only ends
are added between them. A sentence is never closed twice and never empty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from simulst.asr.text import FINAL_MARKS, closing_marks, is_mark
from simulst.config import Asr
from simulst.types import SAMPLE_RATE, SentenceEnd, Word

__all__ = ["Events", "Sentence", "close", "close_after_pause", "ends_sentence", "follow"]

Events = tuple[Word | SentenceEnd, ...]

_ABBREVIATION = re.compile(
    "mr|mrs|ms|mx|dr|prof|st|sr|messrs|rev|hon|gen|col|capt|lt|sgt|maj|sen|rep|gov|pres|"
    "vs|cf|fig|eq|vol|pp|ca|approx|dept|univ|hr|fr|nr|bzw|evtl|ggf|sog|vgl|mme|mlle"
)
"""Written with a full stop and hardly ever last in a sentence."""
_DOTTED = re.compile(r"(?:[^\W\d_]\.){2,}")  # e.g., i.e., U.S., z.B.
_ORDINAL_LANGUAGE = re.compile("cs|da|de|et|fi|hr|hu|is|lv|no|pl|sk|sl|sr|tr")
"""Here "3." inside a sentence is "third"."""

_PART_MARKS = frozenset(",;:–—、，；")


@dataclass(frozen=True, slots=True)
class Sentence:
    """The sentence that is open.

    Attributes:
        words: how many it has.
        end: sample where the last of them ended; meaningless while there is none.
    """

    words: int = 0
    end: int = 0


def ends_sentence(text: str, language: str = "en") -> bool:
    """Whether a word with this text ends its sentence by its own punctuation."""
    marks = closing_marks(text)
    if not FINAL_MARKS & set(marks):
        return False
    if marks != ".":
        return True
    stem = text.rstrip("\"'”’»)]}").lstrip("\"'“‘„«([{").rstrip(".")
    if _ABBREVIATION.fullmatch(stem.casefold()) or _DOTTED.fullmatch(stem + "."):
        return False
    if len(stem) == 1 and stem.isupper() and stem != "I":  # an initial; "So am I." is none
        return False
    return not (stem.isdecimal() and _ORDINAL_LANGUAGE.fullmatch(language))


def follow(sentence: Sentence, words: Sequence[Word], config: Asr) -> tuple[Sentence, Events]:
    """Pass committed words on and add the sentence ends between and after them.

    A lone mark is not passed on; if it is final, it ends the sentence before it. A sentence of
    `config.sentence_words` is cut there, or at a comma within the fifth before.

    Args:
        sentence: as it stands.
        words: committed, in order.
        config: `pause_ms`, `sentence_words` and `language` are read.
    """
    events: list[Word | SentenceEnd] = []
    pause = config.pause_ms * SAMPLE_RATE // 1000
    for word in words:
        if is_mark(word):
            if FINAL_MARKS & set(word.text):
                sentence, ends = close(sentence)
                events += ends
            continue
        if word.start - sentence.end >= pause:
            sentence, ends = close(sentence)
            events += ends
        events.append(word)
        sentence = Sentence(sentence.words + 1, word.end)
        if ends_sentence(word.text, config.language) or _too_long(sentence, word, config):
            sentence, ends = close(sentence)
            events += ends
    return sentence, tuple(events)


def _too_long(sentence: Sentence, word: Word, config: Asr) -> bool:
    if sentence.words >= config.sentence_words:
        return True
    at_comma = bool(_PART_MARKS & set(closing_marks(word.text)))
    return at_comma and sentence.words >= 0.8 * config.sentence_words


def close_after_pause(sentence: Sentence, clock: int, config: Asr) -> tuple[Sentence, Events]:
    """Close the sentence if nothing was said for `config.pause_ms` up to sample `clock`."""
    if clock - sentence.end < config.pause_ms * SAMPLE_RATE // 1000:
        return sentence, ()
    return close(sentence)


def close(sentence: Sentence) -> tuple[Sentence, Events]:
    """End the sentence, if it has any words."""
    if not sentence.words:
        return sentence, ()
    return Sentence(0, sentence.end), (SentenceEnd(sentence.end),)
