"""Scores of a running session."""

from __future__ import annotations

import pytest

from simulst.evaluate.session import SessionScores, in_characters, unspaced
from simulst.types import Emission, Reason, SentenceEnd, Update, Verdict, Word

S = 16_000


def word(text: str, start: float, end: float) -> Word:
    """A word with times in seconds."""
    return Word(text, int(start * S), int(end * S))


def emission(
    index: int,
    sentence: int,
    read: int,
    delay: float,
    elapsed: float | None = None,
    reason: Reason = Reason.RATIO,
) -> Emission:
    """An emission with times in seconds."""
    stamped = None if elapsed is None else int(elapsed * S)
    return Emission(index, sentence, "w", " ", read, int(delay * S), 0, reason, stamped)


def verdict(accepted: bool, reason: Reason) -> Verdict:
    """A verdict without its numbers."""
    return Verdict(0, 0, 0, 1, None, None, None, None, accepted, reason)


def test_latency_counts_from_the_start_of_the_sentences_first_word() -> None:
    """LAAL of a sentence is relative to its first word and to the span of its words."""
    scores = SessionScores()
    scores.add(Update(0, committed=(word("a", 10, 11), word("b", 11, 12), SentenceEnd(12 * S))))
    scores.add(Update(0, emissions=(emission(0, 0, 1, 11), emission(1, 0, 2, 12, None))))
    # span 2 s, Y = H = 2: (1000 + (2000 - 1000)) / 2
    assert scores.summary(12 * S, 3.0).laal_ms == 1000


def test_latency_is_the_mean_of_sentences() -> None:
    """Each sentence counts the same, however many words it has."""
    scores = SessionScores()
    scores.add(
        Update(
            0,
            committed=(word("a", 0, 1), SentenceEnd(S), word("b", 5, 7), SentenceEnd(7 * S)),
            emissions=(emission(0, 0, 1, 1, 1.5), emission(1, 1, 1, 8, 9)),
        )
    )
    summary = scores.summary(8 * S, 1.0)
    assert (summary.laal_ms, summary.laal_ca_ms) == (2000, 2750)
    assert (summary.words, summary.sentences) == (2, 2)


def test_computing_time_is_not_made_up() -> None:
    """Without elapsed times there is no computation-aware latency."""
    scores = SessionScores()
    scores.add(Update(0, committed=(word("a", 0, 1),), emissions=(emission(0, 0, 1, 1),)))
    assert scores.summary(S, 1.0).laal_ca_ms is None


def test_written_before_the_end_means_before_the_last_word_was_read() -> None:
    """A unit counts as early if its sentence still had words to come, whatever the clock says."""
    scores = SessionScores()
    scores.add(
        Update(0, committed=(word("a", 0, 1), word("b", 1, 2)), emissions=(emission(0, 0, 1, 2),))
    )
    scores.add(
        Update(
            0,
            committed=(word("c", 2, 3), SentenceEnd(3 * S)),
            emissions=(emission(1, 0, 2, 3), emission(2, 0, 3, 3), emission(3, 0, 3, 3)),
        )
    )
    assert scores.summary(3 * S, 1.0).written_before_end == 0.5


def test_acceptance_counts_only_what_a_rule_judged() -> None:
    """Forced, scheduled and finishing writes are no verdicts of the rule."""
    scores = SessionScores()
    scores.add(
        Update(
            0,
            verdicts=(
                verdict(True, Reason.RATIO),
                verdict(True, Reason.RATIO),
                verdict(False, Reason.RATIO),
                verdict(True, Reason.FORCED),
                verdict(True, Reason.FINISH),
                verdict(True, Reason.SCHEDULE),
            ),
        )
    )
    assert scores.summary(S, 1.0).acceptance == pytest.approx(2 / 3)


def test_forced_units_are_counted() -> None:
    """Units written because the lag had reached k_max are counted."""
    scores = SessionScores()
    scores.add(
        Update(
            0,
            committed=(word("a", 0, 1),),
            emissions=(emission(0, 0, 1, 1, reason=Reason.FORCED), emission(1, 0, 1, 1)),
        )
    )
    assert scores.summary(S, 1.0).forced == 1


def test_a_session_of_silence_has_no_figures() -> None:
    """Nothing said gives None where nothing can be measured, not zeros that look like scores."""
    scores = SessionScores()
    scores.add(Update(2 * S, ended=True))
    summary = scores.summary(2 * S, 0.5)
    assert (summary.words, summary.sentences, summary.real_time_factor) == (0, 0, 0.25)
    assert summary.laal_ms is None and summary.acceptance is None
    assert summary.written_before_end is None
    assert SessionScores().summary(0, 0.0).real_time_factor is None


def test_sentences_without_a_translation_are_counted_but_not_scored() -> None:
    """A closed sentence for which nothing was written is counted as empty."""
    scores = SessionScores()
    for i in range(4):
        scores.add(Update(0, committed=(word("a", i, i + 1), SentenceEnd((i + 1) * S))))
        if i == 2:
            scores.add(Update(0, emissions=(emission(0, 2, 1, 4),)))
    summary = scores.summary(4 * S, 1.0)
    assert (summary.sentences, summary.empty, summary.laal_ms) == (4, 3, 2000)


def test_asking_for_the_figures_does_not_change_them() -> None:
    """A summary in the middle of a session leaves the final one as it would have been."""

    def run(asking: bool) -> object:
        scores = SessionScores()
        for i in range(5):
            scores.add(
                Update(
                    0,
                    committed=(word("a", i, i + 1), SentenceEnd((i + 1) * S)),
                    emissions=(emission(i, i, 1, i + 2),),
                )
            )
            if asking:
                scores.summary(S, 1.0)
        return scores.summary(S, 1.0)

    assert run(True) == run(False)


def test_memory_does_not_grow_with_the_talk() -> None:
    """After any number of sentences only the last two are held, and no verdicts."""
    scores = SessionScores()
    for i in range(300):
        scores.add(
            Update(
                0,
                committed=(word("a", i, i + 1), SentenceEnd((i + 1) * S)),
                emissions=(emission(i, i, 1, i + 1),),
                verdicts=(verdict(True, Reason.RATIO),) * 5,
            )
        )
    held = sum(len(sentence.emissions) for sentence in scores._open.values())
    assert held <= 2 and len(scores._open) <= 2
    assert scores.summary(S, 1.0).sentences == 300


def test_characters_are_counted_and_not_pieces() -> None:
    """A piece of several characters counts for each of them, in number and in latency."""
    scores = SessionScores(character=True)
    units = tuple(
        Emission(i, 0, text, "", 1 + i, delay * S, 0, reason)
        for i, (text, delay, reason) in enumerate(
            (("今天天", 1, Reason.FORCED), ("好。", 2, Reason.RATIO))
        )
    )
    spoken = (word("a", 0, 1), word("b", 1, 2), SentenceEnd(2 * S))
    scores.add(Update(2 * S, committed=spoken, emissions=units))
    summary = scores.summary(2 * S, 1.0)
    assert (summary.words, summary.forced, summary.character) == (5, 3, True)
    assert summary.written_before_end == 3 / 5
    # |x| / H = 400 ms: (1000 + 600 + 200 + (2000 - 1200)) / 4, the fourth being the first at |x|
    assert summary.laal_ms == 650


@pytest.mark.parametrize(
    ("spaces", "language", "expected"),
    [(["", ""], "zh", True), (["", " "], "zh", False), ([""], "zh", True), ([""], "de", False)],
)
def test_a_single_unit_is_told_by_its_language(
    spaces: list[str], language: str, expected: bool
) -> None:
    """What stands between units tells words from characters; without any, the language does."""
    units = [Emission(i, 0, "w", space, 1, 0, 0, Reason.RATIO) for i, space in enumerate(spaces)]
    assert in_characters(units, language) is expected


def test_languages_without_spaces() -> None:
    """A language is known under its codes, with region or script."""
    assert [unspaced(name) for name in ("zh", "zh-TW", "zho_Hans", "ja")] == [True] * 4
    assert [unspaced(name) for name in ("ko", "de", "")] == [False] * 3
