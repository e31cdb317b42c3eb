"""English sentences to speak: read, cleaned, split into training and held-out text.

Only sources that a pack which ships may learn from are read. Sentences with digits or symbols
are left out: a small model spells numbers in words, as the real transcripts do. No audio here.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from simulst.errors import DataError

__all__ = [
    "SOURCES",
    "TrueCaser",
    "clean",
    "is_held_out",
    "mean_words",
    "read_sentences",
    "spoken_form",
    "tidy",
]

SOURCES: dict[str, float] = {
    "tatoeba": 0.36,
    "newstest": 0.36,
    "newstest-de-en": 0.08,
    "bcontrast": 0.10,
    "multi30k": 0.05,
    "mlqe-pe": 0.05,
}
"""The sources read and the share of speech made from each."""

_TYPOGRAPHY = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "…": "..."}
)
_ALLOWED = re.compile(r"[A-Za-z][A-Za-z ',.?!;:-]*[A-Za-z.?!,;:]")
_HELD_OUT_IN = 100


def clean(sentence: str, min_words: int = 2, max_words: int = 36) -> str | None:
    """The sentence as it is written on the transcript, or None where it cannot be learned from.

    Args:
        sentence: one line of a parallel text.
        min_words: fewest words.
        max_words: most words.
    """
    text = tidy(sentence)
    words = text.split()
    if not min_words <= len(words) <= max_words or any(len(word) > 20 for word in words):
        return None
    return text if text[-1] in ".?!" else text.rstrip(",;:") + "."


def tidy(transcript: str) -> str:
    """The transcript in plain letters and marks, or nothing where it has digits or symbols."""
    text = re.sub(r'["()\[\]]', "", transcript.translate(_TYPOGRAPHY))
    text = re.sub(r"\.{2,}", ".", text)
    text = re.sub(r"\s+-+\s+|--+", ", ", text)
    text = re.sub(r"\s+([,.?!;:'])", r"\1", text)
    text = re.sub(r"([,.?!;:])\1+", r"\1", " ".join(text.split()))
    return text if _ALLOWED.fullmatch(text) else ""


def is_held_out(sentence: str) -> bool:
    """Whether a sentence belongs to the held-out hundredth, decided by its letters alone."""
    return zlib.crc32(spoken_form(sentence).encode()) % _HELD_OUT_IN == 0


def spoken_form(text: str) -> str:
    """Lower-case words without punctuation: what CTC learns and what is scored."""
    letters = re.sub(r"[^a-z' ]+", " ", text.translate(_TYPOGRAPHY).lower())
    return " ".join(word.strip("'") for word in letters.split() if word.strip("'"))


def read_sentences(path: Path) -> dict[str, list[str]]:
    """Clean English sentences by source, in file order, so that neighbours stay neighbours.

    A sentence that has several translations is there once.

    Args:
        path: gzipped text, tab-separated: source, licence, English, German.

    Raises:
        DataError: the file is absent or holds none of the sources.
    """
    if not path.is_file():
        raise DataError(f"no parallel text at {path}; --data names the folder that holds en-de/")
    sentences: dict[str, dict[str, None]] = {source: {} for source in SOURCES}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            columns = line.rstrip("\n").split("\t")
            if len(columns) < 4 or columns[0] not in sentences:
                continue
            text = clean(columns[2])
            if text is not None:
                sentences[columns[0]][text] = None
    if not any(sentences.values()):
        raise DataError(f"{path} holds no sentence of {', '.join(SOURCES)}")
    return {source: list(texts) for source, texts in sentences.items()}


def mean_words(texts: Sequence[str]) -> float:
    """Words a text; `texts` are not empty."""
    return sum(len(text.split()) for text in texts) / len(texts)


class TrueCaser:
    """Gives upper-case transcripts the case that words mostly have inside sentences."""

    def __init__(self, sentences: list[str]) -> None:
        forms: dict[str, Counter[str]] = {}
        for sentence in sentences:
            for word in sentence.rstrip(".?!").split()[1:]:
                bare = word.strip(",;:'")
                forms.setdefault(bare.lower(), Counter())[bare] += 1
        self._best = {lower: seen.most_common(1)[0][0] for lower, seen in forms.items()}

    def __call__(self, transcript: str) -> str:
        """`transcript` (any case, no punctuation) as one sentence with a full stop."""
        words = [self._best.get(word.lower(), word.lower()) for word in transcript.split()]
        if not words:
            return ""
        words[0] = words[0][:1].upper() + words[0][1:]
        return " ".join(words) + "."
