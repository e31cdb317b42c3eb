"""When the words of a transcript were spoken: forced alignment by PocketSphinx, for English.

The whole recording is aligned with the whole text at once, so nothing has to be cut beforehand;
the time that takes grows faster than the recording.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

import numpy as np

from simulst.asr.pronunciation import entries, phones_of
from simulst.asr.text import FINAL_MARKS, key
from simulst.errors import DataError, ModelError
from simulst.types import SAMPLE_RATE, Samples, Word

__all__ = ["LANGUAGES", "Aligner", "open_aligner", "spread"]

LANGUAGES = ("en",)
"""Whose words can be found."""

_FRAME_SAMPLES = SAMPLE_RATE // 100
_FILLERS = ("<", "[", "+")
"""How silence, noise and breath begin in the dictionary."""
_BEAMS: tuple[dict[str, float], ...] = ({}, {"beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-60})
"""As wide as usual first; wider where the right path was lost."""
_SHORTEST_FRAMES = 3  # of a phone: the states of its model
_SQUEEZED = 0.5
"""Where more of the words are as short as their phones allow, the text was not what was said."""


class Aligner:
    """Finds transcripts in recordings, one after another; nothing of one is kept for the next.

    Args:
        decoders: `pocketsphinx.Decoder`s without a language model, tried in this order.
    """

    def __init__(self, decoders: Iterator[Any]) -> None:
        self._more = decoders
        self._opened: list[Any] = []

    def align(self, sentences: Sequence[str], samples: Samples) -> list[tuple[Word, ...]]:
        """The words of each sentence as written, with their times in samples.

        A mark that stands alone goes to the word before it if it ends a sentence, and is left
        out else; words in other letters share the time of the word they stand at.

        Args:
            sentences: what is said, in order; each has a word.
            samples: (n,) at 16 kHz in [-1, 1].

        Raises:
            DataError: the text does not fit the sound.
        """
        texts = [_words(sentence) for sentence in sentences]
        flat = [word for words in texts for word in words]
        for number in range(len(_BEAMS)):
            decoder = self._decoder(number)
            spoken = _spellings(flat, decoder)
            segments = _segments(decoder, [e for each in spoken for e in each], samples)
            if segments:
                break
        else:
            raise DataError("the words cannot be found in the sound: is this what is said in it?")
        _check_length(decoder, segments)
        spans = _spans(spoken, segments, [len(word) for word in flat], len(samples))
        timed = iter([Word(text, *span) for text, span in zip(flat, spans, strict=True)])
        return [tuple(islice(timed, len(words))) for words in texts]

    def _decoder(self, number: int) -> Any:
        while len(self._opened) <= number:
            self._opened.append(next(self._more))
        return self._opened[number]


def open_aligner(language: str) -> Aligner:
    """Load the English models that come with PocketSphinx.

    Raises:
        ModelError: PocketSphinx is not installed, or its models do not serve the language.
    """
    if language not in LANGUAGES:
        raise ModelError(
            f"words are found in recordings by PocketSphinx, which serves {', '.join(LANGUAGES)}, "
            f"not {language}"
        )
    try:
        import pocketsphinx
    except ImportError as error:
        raise ModelError(
            'PocketSphinx is not installed: pip install "simulst[pocketsphinx]"'
        ) from error
    return Aligner(pocketsphinx.Decoder(loglevel="FATAL", lm=None, **beams) for beams in _BEAMS)


def spread(text: str, start: int, end: int) -> tuple[Word, ...]:
    """The words of a sentence laid over the time of its speech, by their letters.

    Args:
        text: of the sentence.
        start, end: of the speech, in samples.
    """
    words = _words(text)
    return tuple(
        Word(word, *span)
        for word, span in zip(words, _shared((start, end), [len(w) for w in words]), strict=True)
    )


def _words(sentence: str) -> list[str]:
    """As written, without marks that stand alone."""
    words: list[str] = []
    for word in sentence.split():
        if key(word):
            words.append(word)
        elif words and FINAL_MARKS & set(word):
            words[-1] += word
    return words


def _spellings(words: Sequence[str], decoder: Any) -> list[list[str]]:
    """The entries of each word."""
    return [entries(word, lambda entry: decoder.lookup_word(entry) is not None) for word in words]


def _segments(decoder: Any, spoken: Sequence[str], samples: Samples) -> list[Any]:
    """Where each entry lies; none if no path through the sound spells them."""
    for entry in set(spoken):
        if decoder.lookup_word(entry) is None:
            decoder.add_word(entry, phones_of(entry), False)
    if not spoken:
        return []
    decoder.set_align_text(" ".join(spoken))
    decoder.reinit_feat()  # its mean cepstrum would go on to the next recording
    pcm = (np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)
    decoder.start_utt()
    decoder.process_raw(pcm.tobytes(), full_utt=True)
    decoder.end_utt()
    found = [s for s in decoder.seg() or () if not s.word.startswith(_FILLERS)]
    return found if len(found) == len(spoken) else []


def _check_length(decoder: Any, segments: Sequence[Any]) -> None:
    """Refuse an alignment that only came about by force."""
    squeezed = 0
    for segment in segments:
        phones = len(str(decoder.lookup_word(segment.word)).split())
        frames = segment.end_frame - segment.start_frame + 1
        squeezed += frames <= _SHORTEST_FRAMES * phones
    if len(segments) > 3 and squeezed > _SQUEEZED * len(segments):
        raise DataError(
            f"{squeezed} of {len(segments)} words would have to be spoken faster than anybody can: "
            "is this what is said in it?"
        )


def _spans(
    spoken: Sequence[Sequence[str]], segments: Sequence[Any], sizes: Sequence[int], length: int
) -> list[tuple[int, int]]:
    """Start and end of each word: inside the recording, in order, none of them without length.

    Args:
        spoken: entries of each word; none for a word in other letters.
        segments: one an entry.
        sizes: letters of each word.
        length: of the recording.
    """
    found: list[tuple[int, int]] = []
    at, waiting = 0, list[int]()
    for size, own in zip(sizes, spoken, strict=True):
        waiting.append(size)
        if own:
            first, last = segments[at], segments[at + len(own) - 1]
            at += len(own)
            span = first.start_frame * _FRAME_SAMPLES, (last.end_frame + 1) * _FRAME_SAMPLES
            found += _shared((span[0], min(span[1], length)), waiting)
            waiting = []
    if waiting:  # the last words share the time of the one before them
        (start, end), before = found.pop(), sizes[len(found)]
        found += _shared((start, end), [before, *waiting])
    inside = all(0 <= start < end <= length for start, end in found)
    if not inside or any(a[1] > b[0] for a, b in pairwise(found)):
        raise DataError("the times found for its words are not in order, or outside the sound")
    return found


def _shared(span: tuple[int, int], sizes: Sequence[int]) -> list[tuple[int, int]]:
    """The span cut in proportion."""
    ends = np.cumsum([0, *sizes]) / sum(sizes)
    places = [span[0] + round(float(share) * (span[1] - span[0])) for share in ends]
    return list(pairwise(places))
