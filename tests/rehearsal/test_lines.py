"""The lines: what a recogniser without mistakes returns, and what translators see."""

from __future__ import annotations

from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from simulst.config import Config
from simulst.corpus import Pair
from simulst.emit import jsonl
from simulst.rehearsal.lines import GoldTranscriber
from simulst.types import SAMPLE_RATE, AudioChunk, Samples, Window, Word
from tests.rehearsal.conftest import SAID, SECONDS, script, shouting_lines

NOISE: Samples = np.random.default_rng(0).normal(0, 0.1, SECONDS * SAMPLE_RATE).astype(np.float32)
WORDS = tuple(chain.from_iterable(script()))


def said(window: Window) -> tuple[Word, ...]:
    """What the gold recogniser returns for a window."""
    return GoldTranscriber(WORDS, "en").transcribe([window])[0]


def window(start: int, end: int, *prefix: Word) -> Window:
    """A window of noise."""
    return Window(AudioChunk(NOISE[start:end], start), prefix)


def test_words_are_returned_once_they_have_been_spoken() -> None:
    """A word that is still being spoken waits; what is committed is not repeated."""
    third = WORDS[2]
    middle = (third.start + third.end) // 2
    assert said(window(0, middle + 10)) == WORDS[:2]
    assert said(window(0, third.end)) == WORDS[:3]
    assert said(window(0, third.end, *WORDS[:2])) == (third,)


def test_neighbouring_windows_share_no_word_and_lose_none() -> None:
    """Wherever a stream is cut, each word is in one of the two parts, and inside it."""
    for cut in range(0, len(NOISE), 400):
        parts = [window(0, cut), window(cut, len(NOISE))]
        found = [said(part) for part in parts]
        assert [w.text for words in found for w in words] == [w.text for w in WORDS]
        for part, words in zip(parts, found, strict=True):
            assert all(part.audio.start <= w.start <= w.end <= part.audio.end for w in words)
            assert all(a.end <= b.start for a, b in pairwise(words))


def test_the_gold_line_commits_the_transcript(tmp_path: Path, misheard: list[Word]) -> None:
    """Where the live line mishears, the gold line has each word, case and marks kept."""
    lines = shouting_lines(Config(), misheard)
    texts = []
    for name in ("heard", "gold"):
        path = tmp_path / f"{name}.jsonl"
        if name == "heard":
            lines.hear(NOISE, path)
        else:
            lines.hear_gold(NOISE, WORDS, path)
        items = [item for update in jsonl.read(path) for item in update.committed]
        texts.append(" ".join(item.text for item in items if isinstance(item, Word)))
    assert texts[1] == " ".join(SAID)
    assert texts[0] == texts[1].replace("house", "mouse").replace(" tomorrow.", "")
    names = [jsonl.read_signature(tmp_path / f"{name}.jsonl")["asr"] for name in ("heard", "gold")]
    assert names == ["script", "transcript"]


def test_whole_sentences_are_read_to_their_end(misheard: list[Word]) -> None:
    """Nothing is written before, however small the lag of the live line."""
    lines = shouting_lines(Config(), misheard)
    seen: list[int] = []
    translator = lines._parts[0]
    draft = translator.draft

    def noting(requests, *more, **named):  # type: ignore[no-untyped-def]
        seen.extend(len(request.source) for request in requests)
        assert all(request.closed for request in requests)
        return draft(requests, *more, **named)

    translator.draft = noting  # type: ignore[method-assign]
    pairs = [Pair(text, "") for text in SAID]
    assert lines.write_whole(pairs) == [text.upper() for text in SAID]
    assert set(seen) == {4, 5}
