"""Pieces of text become words with times."""

from __future__ import annotations

import numpy as np

from simulst.asr.alignment import Piece, behind, join, time_pieces
from simulst.types import AudioChunk, Window, Word
from tests.asr.fakes import chunk

START = 80_000
PREFIX = Word("I", START, START + 1600)


def pieces(*texts: str) -> list[Piece]:
    """Pieces that follow one another every 3200 samples."""
    return [Piece(text, 3200 * i, 3200 * (i + 1), 0.5) for i, text in enumerate(texts)]


def joined(*texts: str, spaced: bool = True, prefix: bool = False) -> list[str]:
    """Texts of the words that pieces are joined into."""
    window = Window(chunk(START, START + 64_000), (PREFIX,) if prefix else ())
    return [word.text for word in join(pieces(*texts), window, spaced=spaced)]


def test_a_word_runs_from_one_space_to_the_next() -> None:
    """Pieces without a space before them belong to the word before, marks and quotes too."""
    assert joined(" don", "'", "t", " go", ".", ' "', "He", "re", ".") == ["don't", "go.", '"Here.']
    assert joined() == []
    assert joined(" ", " a") == ["a"]


def test_without_spaces_every_piece_is_a_word() -> None:
    """In scripts without spaces only marks are joined to what stands before them."""
    assert joined("今", "日", "。", "は", spaced=False) == ["今", "日。", "は"]


def test_letters_behind_the_prefix_do_not_change_it() -> None:
    """More letters of a committed word are dropped, a late mark is kept as a word of its own."""
    assert joined("'", "m", " to", prefix=True) == ["to"]
    assert joined(".", " Then", prefix=True) == [".", "Then"]
    assert joined("To", " be") == ["To", "be"]


def test_a_word_ends_with_its_letters() -> None:
    """The pause that a full stop is aligned to is no part of the word."""
    window = Window(chunk(START, START + 64_000))
    words = join(pieces(" we", " we", "nt", ".", " to"), window, spaced=True)
    assert [(w.start - START, w.end - START) for w in words] == [
        (0, 3200),
        (3200, 9600),
        (12_800, 16_000),
    ]


def test_times_are_kept_inside_the_window_and_behind_the_prefix() -> None:
    """Words rise in time, after the last committed word and before the end of the audio."""
    window = Window(chunk(START, START + 5000), (Word("I", START, START + 4000),))
    words = join(pieces(" a", " b", " c"), window, spaced=True)
    assert [(w.start - START, w.end - START) for w in words] == [
        (4000, 4000),
        (4000, 5000),
        (5000, 5000),
    ]


def test_pieces_get_the_frames_of_their_tokens() -> None:
    """A piece lasts until the next token begins; its probability is the mean of its tokens."""
    path = [(0, 0), (1, 0), (1, 5), (2, 10), (3, 20), (3, 25), (4, 30)]
    found = time_pieces(
        [" we", "nt"], [1, 2], path, [1.0, 0.4, 0.6, 0.8], skipped=1, frame_samples=320
    )
    assert [(p.text, p.start, p.end) for p in found] == [(" we", 0, 3200), ("nt", 3200, 9600)]
    assert [round(p.probability, 3) for p in found] == [0.4, 0.7]


def test_an_alignment_that_breaks_off_gives_the_last_time() -> None:
    """Tokens that the path does not reach are put where it ends."""
    (piece,) = time_pieces([" we"], [3], [(0, 0), (1, 7)], [1, 1, 1], skipped=0, frame_samples=320)
    assert (piece.start, piece.end) == (0, 2240)


def test_the_prefix_is_taken_off() -> None:
    """Pieces of the prefix go; of a piece that reaches over it the rest stays."""
    found = behind(pieces(" I", " went.", " Then"), " I went")
    assert [(p.text, p.start, p.end) for p in found] == [(".", 6400, 6400), (" Then", 6400, 9600)]
    assert [p.text for p in behind(pieces(" I", " went"), "")] == [" I", " went"]
    assert behind(pieces(" I"), " I went") == []


def test_a_word_starts_behind_the_silence_it_was_aligned_to() -> None:
    """What sounds before a silence of 200 ms is the word before; a short one is a plosive's."""
    sound = np.ones(3200, np.float32)
    long, short = np.zeros(4000, np.float32), np.zeros(1600, np.float32)
    samples = np.concatenate([sound, sound, long, sound, short, sound])
    window = Window(AudioChunk(samples, START))
    said = [Piece(" yes", 0, 4800, 0.5), Piece(".", 4800, 4800, 0.5), Piece(" No", 4800, 18_000, 1)]
    assert [(w.start - START, w.end - START) for w in join(said, window, spaced=True)] == [
        (0, 6400),
        (10_240, 18_000),
    ]
    noisy = Window(AudioChunk(samples + np.float32(0.05), START))
    (first, second) = join(said, noisy, spaced=True)
    assert (first.end, second.start) == (START + 4800, START + 4800)


def test_a_silence_at_the_end_is_no_start() -> None:
    """Behind the last sound of a word there is nothing that it could start with."""
    samples = np.concatenate([np.ones(3200, np.float32), np.zeros(6400, np.float32)])
    said = [Piece(" yes", 0, 9600, 0.5)]
    (word,) = join(said, Window(AudioChunk(samples, START)), spaced=True)
    assert (word.start, word.end) == (START, START + 9600)
    quiet = Window(AudioChunk(np.zeros(9600, np.float32), START))
    assert join(said, quiet, spaced=True) == (Word("yes", START, START + 9600, 0.5),)
