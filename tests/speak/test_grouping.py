"""Emissions put together into word groups."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings

from simulst.config import Speak
from simulst.speak.grouping import Group, Grouping
from simulst.types import SAMPLE_RATE, SentenceEnd, Update
from tests.speak.talks import STEP, ended, merged, packets, spoken, stamped, unit

USUAL = Speak(words_min=3, words_max=6, wait_ms=1500)


def groups(updates: Iterable[Update], rules: Speak = USUAL) -> list[Group]:
    """All groups of a session."""
    grouping = Grouping(rules)
    state = grouping.open()
    found: list[Group] = []
    for update in updates:
        state, complete = grouping.step(state, update)
        found += complete
    return found


def texts(updates: Iterable[Update], rules: Speak = USUAL) -> list[str]:
    """What is spoken, without the spaces at the ends."""
    return [group.text.strip() for group in groups(updates, rules)]


@given(packets())
@settings(max_examples=50, deadline=None)
def test_packets_do_not_change_the_groups(both: tuple[list[Update], list[Update]]) -> None:
    """However the sound is cut, the groups are the same, and together they are the translation."""
    fine, coarse = both
    found = groups(fine)
    assert [g.text for g in groups(coarse)] == [g.text for g in found]
    assert [g.heard for g in groups(coarse)] == [g.heard for g in found]
    units = [each for update in fine for each in update.emissions]
    assert "".join(g.text for g in found) == "".join(u.space + u.text for u in units)
    assert all(g.text for g in found)
    assert [g.sentence for g in found] == sorted(g.sentence for g in found)


@given(packets())
@settings(max_examples=15, deadline=None)
def test_no_group_is_ready_before_its_words(both: tuple[list[Update], list[Update]]) -> None:
    """A group is complete at its last word or later, and the next one not before it."""
    found = groups(stamped(both[1], late=1_000))
    assert all(g.written <= g.ready and g.heard + 1_000 <= g.ready for g in found)
    assert [g.ready for g in found] == sorted(g.ready for g in found)


def test_a_clause_is_a_group() -> None:
    """A mark ends a group that has a few words; before that the words wait."""
    talk = ended(spoken("Ja, wir sind hier, und das ist schön: sehr schön ."))
    assert texts(talk) == ["Ja, wir sind hier,", "und das ist schön:", "sehr schön ."]


def test_marks_inside_of_quotes_count() -> None:
    """A mark behind which a quotation closes is one all the same."""
    assert texts(spoken("Sie sagte „komm doch!“ und »das ist gut,« dann"))[:2] == [
        "Sie sagte „komm doch!“",
        "und »das ist gut,«",
    ]


def test_a_group_has_a_greatest_length() -> None:
    """Words without any mark are spoken six at a time."""
    assert texts(ended(spoken("a b c d e f g h i j k l m"))) == ["a b c d e f", "g h i j k l", "m"]


def test_a_sentence_end_lets_all_go() -> None:
    """What is left of a sentence is spoken as soon as it ends, however short, before the next."""
    updates = spoken("Danke . | Wir")
    assert texts(updates[:2]) == []
    assert texts(updates[:3]) == ["Danke ."]
    assert texts(ended(updates)) == ["Danke .", "Wir"]
    assert texts([merged(updates)]) == ["Danke ."]


def test_words_wait_for_others_only_so_long() -> None:
    """After a pause without new words those there are do not wait any longer."""
    updates = [Update(STEP, emissions=(unit(0, "Also", STEP),))]
    updates += [Update(STEP + SAMPLE_RATE * n // 10) for n in (5, 14)]
    assert texts(updates) == []
    assert texts([*updates, Update(STEP + SAMPLE_RATE * 3 // 2)]) == ["Also"]


def test_the_end_of_the_session_lets_all_go() -> None:
    """The last words are spoken though nothing marks their end."""
    assert texts(ended(spoken("und so"))) == ["und so"]
    assert texts(ended([])) == []


def test_scripts_without_spaces() -> None:
    """Letters count for half a word, a mark stays with what is before it, a vowel sign too."""
    talk = ended(spoken("今天天气很好，我们去公园。", space=""))
    assert texts(talk) == ["今天天气很好，", "我们去公园。"]
    long = ended(spoken("一二三四五六七八九十一二三。", space=""))
    assert [len(text) for text in texts(long)] == [11, 3]
    leaning = [*"กกกกกกกกกกก", "ิ", *"กกก"]
    updates = [Update(STEP, emissions=(unit(i, c, STEP, space=""),)) for i, c in enumerate(leaning)]
    first, *_ = texts(ended(updates))
    assert first == "กกกกกกกกกกกิ"


def test_times_of_a_group() -> None:
    """It is written with its first word and ready with what completes it."""
    updates = stamped(spoken("eins zwei drei, vier |"), late=800)
    first, second = groups(updates)
    assert (first.written, first.ready, first.heard) == (STEP + 800, 3 * STEP + 800, 3 * STEP)
    assert (second.written, second.ready) == (4 * STEP + 800, 5 * STEP)


def test_a_late_end_speaks_what_waits() -> None:
    """A sentence end that comes alone ends the group of its sentence and not the next one's."""
    late = [
        Update(STEP, emissions=(unit(0, "Gut.", STEP),)),
        Update(2 * STEP, (SentenceEnd(STEP),), (unit(1, "Nun", 2 * STEP, 1),)),
    ]
    assert texts(late) == ["Gut."]


def test_marks_alone_are_not_spoken() -> None:
    """A group without a letter or a digit has nothing to say."""
    assert [g.speakable for g in groups(ended(spoken("… | 3 | ja")))] == [False, True, True]
