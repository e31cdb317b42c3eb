"""Grouping emissions into cues."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from rich.cells import cell_len

from simulst.emit.cues import LINE_CELLS, LONGEST, Cue, Pending, finish, group, join
from simulst.types import SAMPLE_RATE, Emission, Update
from tests.emit.units import one_by_one, streams, unit, units


def cues_of(updates: list[Update]) -> list[Cue]:
    """All cues of a session, also the one that was growing when it broke off."""
    pending, cues = Pending(), []
    for update in updates:
        pending, finished = group(pending, update)
        cues += finished
    return cues + finish(pending)


@given(streams())
def test_every_unit_stands_in_one_cue_in_order(updates: list[Update]) -> None:
    """No unit is lost, doubled, moved or changed."""
    shown = [each for cue in cues_of(updates) for line in cue.lines for each in line]
    assert shown == [each for update in updates for each in update.emissions]


@given(streams())
def test_cues_never_overlap_nor_come_early(updates: list[Update]) -> None:
    """A cue begins after its first unit was written and the one before has gone."""
    free = 0
    for cue in cues_of(updates):
        assert cue.start == max(free, cue.lines[0][0].delay)
        assert cue.start < cue.end <= cue.start + LONGEST
        free = cue.end


@given(streams())
def test_a_cue_has_two_lines_of_42_cells(updates: list[Update]) -> None:
    """Lines are wide only where a single unit is."""
    for cue in cues_of(updates):
        assert 1 <= len(cue.lines) <= 2
        assert all(len(line) == 1 or cell_len(join(line)) <= LINE_CELLS for line in cue.lines)


@given(streams())
def test_a_cue_holds_one_sentence(updates: list[Update]) -> None:
    """A sentence's end ends the cue."""
    for cue in cues_of(updates):
        assert len({each.sentence for line in cue.lines for each in line}) == 1


def test_a_finished_cue_comes_with_the_unit_that_ends_it() -> None:
    """The first unit of the next sentence finishes the cue, without waiting for more."""
    first, second = unit(0, "Ja.", 1.0), unit(1, "Nein.", 2.5, sentence=1)
    pending, cues = group(Pending(), Update(heard=first.delay, emissions=(first,)))
    assert cues == []
    _, cues = group(pending, Update(heard=second.delay, emissions=(second,)))
    assert [(cue.text, cue.start, cue.end) for cue in cues] == [("Ja.", 16000, 40000)]


def test_a_pause_finishes_a_cue() -> None:
    """Two seconds without a unit finish the cue, though the sentence goes on."""
    one = unit(0, "Nun", 1.0)
    pending, _ = group(Pending(), Update(heard=16000, emissions=(one,)))
    pending, cues = group(pending, Update(heard=3 * SAMPLE_RATE - 1))
    assert cues == []
    pending, cues = group(pending, Update(heard=3 * SAMPLE_RATE))
    assert [(cue.start, cue.end) for cue in cues] == [(16000, 48000)]
    assert finish(pending) == []


def test_a_long_sentence_is_cut_after_six_seconds() -> None:
    """A unit six seconds after the cue began opens another one."""
    cues = cues_of(one_by_one(units("a b c d e", every_s=1.6)))
    assert [cue.text for cue in cues] == ["a b c d", "e"]
    assert (cues[0].end, cues[1].start) == (7 * SAMPLE_RATE, round(7.4 * SAMPLE_RATE))


def test_characters_are_joined_without_spaces() -> None:
    """A script without spaces gets none."""
    emissions = [unit(i, each, 1.0, space="") for i, each in enumerate("早上好。")]
    assert [cue.text for cue in cues_of(one_by_one(emissions))] == ["早上好。"]


def test_a_burst_is_shown_cue_after_cue() -> None:
    """Units written all at once fill cues that follow each other, each long enough to read."""
    words = units(" ".join(["Donaudampfer"] * 12), every_s=0)
    cues = cues_of([Update(heard=16000, emissions=tuple(words))])
    assert len(cues) == 2
    assert cues[0].start == 16000
    assert cues[1].start == cues[0].end
    assert cues[0].end - cues[0].start > 3 * SAMPLE_RATE


def test_packets_do_not_matter() -> None:
    """One update with all units gives the cues of many updates with one each."""
    words = units("Wir freuen uns sehr, dass so viele von Ihnen heute zu uns gekommen sind.")
    together = Update(heard=words[-1].delay, emissions=tuple(words))
    assert cues_of([together]) == cues_of(one_by_one(words))


def test_times_are_those_of_writing() -> None:
    """A cue appears when its first unit was written, not when the source was spoken."""
    late = replace(unit(0, "Ja.", 3.0), spoken=16000)
    assert cues_of(one_by_one([late]))[0].start == 3 * SAMPLE_RATE


def chinese(pieces: str, every_s: float = 0.1) -> list[Emission]:
    """Pieces of a script without spaces, given between bars."""
    return [
        unit(i, piece, 1.0 + i * every_s, space="") for i, piece in enumerate(pieces.split("|"))
    ]


def lines_of(emissions: list[Emission]) -> list[str]:
    """The lines of all cues."""
    return [join(line) for cue in cues_of(one_by_one(emissions)) for line in cue.lines]


def test_a_line_has_sixteen_full_width_characters() -> None:
    """Chinese and Japanese lines are shorter than Latin ones, which take half the width."""
    assert lines_of(chinese("|".join("一" * 40))) == ["一" * 16, "一" * 16, "一" * 8]


def test_closing_marks_begin_no_line() -> None:
    """A full stop or bracket behind a full line stands behind it, whatever piece it comes in."""
    full = "|".join("一" * 16)
    assert lines_of(chinese(f"{full}|。|」|二")) == ["一" * 16 + "。」", "二"]
    assert lines_of(chinese(f"{full}|，但|二")) == ["一" * 16 + "，但", "二"]
    assert lines_of(chinese(f"{full}|ょ|二")) == ["一" * 16 + "ょ", "二"]
    # nor a cue
    assert lines_of(chinese(f"{full}|{full}|！|二")) == ["一" * 16, "一" * 16 + "！", "二"]


def test_opening_marks_end_no_line() -> None:
    """What an opening bracket opens stands on its line."""
    almost = "|".join("一" * 15)
    assert lines_of(chinese(f"{almost}|「|二|三")) == ["一" * 15 + "「二", "三"]


def test_latin_words_in_chinese_stay_whole() -> None:
    """Pieces of a word or a number are not parted."""
    almost = "|".join("一" * 14)
    assert lines_of(chinese(f"{almost}|Py|tho|n3|二")) == ["一" * 14 + "Python3", "二"]


def test_a_late_full_stop_opens_no_cue() -> None:
    """A closing mark after six seconds stays with its sentence; other text does not."""
    late = [*chinese("好|的", 1.5), unit(2, "吧", 4.4, space=""), unit(3, "嗯", 6.2, space="")]
    for mark, expected in (("。", ["好的吧嗯。"]), ("啊", ["好的吧嗯", "啊"])):
        cues = cues_of(one_by_one([*late, unit(4, mark, 7.5, space="")]))
        assert [cue.text for cue in cues] == expected
        assert cues[0].end - cues[0].start <= LONGEST
