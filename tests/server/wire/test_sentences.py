"""Sentences, as wires see a session."""

from __future__ import annotations

from hypothesis import given, settings

from simulst.server.wire.sentences import Sentence, follow, ms, timed
from simulst.types import SentenceEnd, Update
from tests.server.wire.talks import sessions, talk, unit, word


def whole(updates: list[Update]) -> tuple[list[Sentence], Sentence]:
    """All sentences that a session closed, and what is left open."""
    done: list[Sentence] = []
    now = Sentence()
    for update in updates:
        closed, now = follow(now, update)
        done += closed
    return done, now


def test_a_talk_in_sentences() -> None:
    """Words and units come together as sentences, with times that lie one after another."""
    done, now = whole(talk())
    assert [(each.source, each.target, ms(each.start), ms(each.end)) for each in done] == [
        ("Good morning.", "Guten Morgen, alle.", 100, 1000),
        ("Thank you.", "Danke.", 1500, 2000),
    ]
    assert done[0].probability == 0.625
    assert now == Sentence(3, 32_000)


def test_an_open_sentence_grows() -> None:
    """Before its end a sentence is there as far as it has come."""
    closed, now = follow(Sentence(), talk()[0])
    assert closed == ()
    assert (now.source, now.target) == ("Good", "Guten")


def test_two_sentences_in_one_step() -> None:
    """Units find their sentence by its number, also where an update holds several."""
    update = Update(
        heard=0,
        committed=(word("A.", 0, 1), SentenceEnd(16_000), word("B.", 1, 2), SentenceEnd(32_000)),
        emissions=(unit(0, "X.", 1), unit(1, "Y.", 2, sentence=1)),
    )
    closed, now = follow(Sentence(), update)
    assert [(each.source, each.target) for each in closed] == [("A.", "X."), ("B.", "Y.")]
    assert now == Sentence(2, 32_000)


def test_units_share_the_time_since_the_ones_before() -> None:
    """What was written at one word divides the span that ends with it."""
    done, _ = whole(talk())
    times = [(u.text, ms(start), ms(end)) for u, start, end in timed(done[0])]
    assert times == [("Guten", 100, 400), ("Morgen,", 400, 700), ("alle.", 700, 1000)]


@given(sessions())
@settings(max_examples=50, deadline=None)
def test_nothing_is_lost_and_times_do_not_fall(updates: list[Update]) -> None:
    """Every word and unit is in one sentence, in order, and no time lies before another's."""
    done, now = whole(updates)
    everything = [*done, now]
    assert [w for each in everything for w in each.words] == [
        item for u in updates for item in u.committed if not isinstance(item, SentenceEnd)
    ]
    assert [u for each in everything for u in each.units] == [
        unit for u in updates for unit in u.emissions
    ]
    spans = [(start, end) for each in everything for _, start, end in timed(each)]
    times = [time for each in done for time in (each.start, each.end)]
    assert times == sorted(times)
    flat = [time for span in spans for time in span]
    assert flat == sorted(flat)
    assert len(spans) == sum(len(each.units) for each in everything)
