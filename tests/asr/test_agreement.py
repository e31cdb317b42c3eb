"""The policies decide which words are final."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulst.asr.agreement import align_att, flush, local_agreement, policy_of
from simulst.config import Asr
from simulst.types import SAMPLE_RATE, Word
from tests.asr.fakes import say

END = 20 * SAMPLE_RATE


def agree(before: str, now: str, end: int = END) -> tuple[str, str]:
    """Texts committed and left open after two hypotheses."""
    pending, committed = local_agreement(tuple(say(before)), say(now), end)
    return " ".join(w.text for w in committed), " ".join(w.text for w in pending)


def test_nothing_is_committed_on_first_hearing() -> None:
    """One hypothesis alone agrees with nothing."""
    assert agree("", "I went home") == ("", "I went home")


def test_the_common_prefix_is_committed() -> None:
    """Words are final as far as two hypotheses in a row agree."""
    assert agree("we went to town", "we went to the town") == ("we went to", "the town")


def test_case_and_inner_punctuation_do_not_matter_and_the_newer_text_counts() -> None:
    """Hypotheses agree without case and punctuation; the later one has heard more."""
    assert agree("yes We went on", "Yes, we went on today") == ("Yes, we went on", "today")


@pytest.mark.parametrize(
    ("before", "now", "committed"),
    [
        pytest.param("I went.", "I went to", "I went", id="a stop written at the edge is gone"),
        pytest.param("I went", "I went.", "I", id="a new stop waits"),
        pytest.param("I went.", "I went.", "I went.", id="a stop seen twice counts"),
        pytest.param("I went", "I went. Then", "I", id="a stop before an unsure word waits"),
        pytest.param("I went Then", "I went. Then we", "I went. Then", id="an agreed word follows"),
        pytest.param("I went", "I went, then", "I went,", id="a comma may be new"),
        pytest.param("I went!", "I went", "I", id="a stop that has just gone waits"),
    ],
)
def test_a_mark_at_the_end_counts_only_when_it_is_certain(
    before: str, now: str, committed: str
) -> None:
    """The last agreed word keeps a full stop if both wrote it or an agreed word follows."""
    assert agree(before, now)[0] == committed


def test_a_word_just_spoken_waits_for_its_mark() -> None:
    """The last word is not final while the mark behind it cannot have been heard."""
    end = say("I went")[-1].end
    assert agree("I went", "I went", end=end + SAMPLE_RATE // 10)[0] == "I"
    assert agree("I went", "I went", end=end + SAMPLE_RATE // 2)[0] == "I went"


def test_a_lone_mark_does_not_break_agreement() -> None:
    """A full stop heard after the fact stands between the words without shifting them."""
    assert agree("Then we go", ". Then we go on") == (". Then we go", "on")
    assert agree(". Then we go", "Then we go on") == ("Then we go", "on")


def test_alignatt_commits_all_but_the_margin() -> None:
    """AlignAtt needs one hypothesis and leaves what is aligned near the end of the audio."""
    words = say("one two three")
    policy = policy_of(Asr(policy="alignatt", margin_ms=400))
    pending, committed = policy((), words, words[1].end + 6401)
    assert [w.text for w in committed] == ["one", "two"]
    assert policy((), words, words[1].end + 6400)[1] == (words[0],)
    assert pending == (words[2],)
    assert align_att((), words, words[2].end + 1, margin=0)[1] == tuple(words)


def test_flush_commits_everything() -> None:
    """At the end nothing stays open."""
    words = tuple(say("one two"))
    assert flush(words) == ((), words)


TEXTS = st.lists(st.sampled_from(["a", "A", "a.", "b", "b,", "c!", "."]), max_size=6)


@given(TEXTS, TEXTS, st.integers(0, 4 * SAMPLE_RATE))
def test_policies_split_the_hypothesis(before: list[str], now: list[str], end: int) -> None:
    """Committed and open words are always the new hypothesis, in order, cut in two."""
    old = tuple(Word(t, i * 4000, i * 4000 + 3000) for i, t in enumerate(before))
    new = [Word(t, i * 4000, i * 4000 + 3000) for i, t in enumerate(now)]
    for policy in (local_agreement, policy_of(Asr(policy="alignatt"))):
        pending, committed = policy(old, new, end)
        assert [*committed, *pending] == new
