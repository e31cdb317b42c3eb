"""The sink that reads aloud: order, rate, and what goes wrong."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings

from simulst.config import Speak
from simulst.errors import OutputError, SpeechError
from simulst.speak import speaking
from simulst.speak.rates import words_a_minute
from simulst.speak.sound import RATE
from simulst.speak.speaking import Speaking
from simulst.speak.spoken import Spoken
from simulst.speak.synthesiser import Synthesiser
from simulst.speak.track import Track
from simulst.types import SAMPLE_RATE, Samples, Update
from tests.speak.talks import STEP, ended, packets, spoken, stamped, unit

RULES = Speak(words_min=2, words_max=4, rate=120, rate_max=240, behind_s=1.0)


class Voice:
    """Speaks a word in as long as the rate asks for; each sound is louder than the one before.

    Args:
        slow_s: of the clock, for each group.
        trouble: what is raised for groups by their number.
    """

    def __init__(self, slow_s: float = 0.0, trouble: dict[int, Exception] | None = None) -> None:
        self.s = 0.0
        self.slow_s = slow_s
        self.trouble = trouble or {}
        self.said: list[tuple[str, int]] = []

    def now(self) -> float:
        return self.s

    def speak(self, text: str, rate: int) -> Samples:
        number = len(self.said)
        self.said.append((text.strip(), rate))
        self.s += self.slow_s
        if number in self.trouble:
            raise self.trouble[number]
        length = round(60 / rate * len(text.split()) * RATE)
        return np.full(length, (number + 1) / 1_024, np.float32)


class Stage:
    """A stage without sound, on the stream's clock.

    Attributes:
        placed: when each sound began and ended.
    """

    def __init__(self) -> None:
        self.placed: list[tuple[float, float]] = []
        self.closed = 0

    @property
    def free_s(self) -> float:
        return self.placed[-1][1] if self.placed else 0.0

    def clock(self, ready: int) -> float:
        return ready / SAMPLE_RATE

    def place(self, samples: Samples, earliest_s: float) -> float:
        start = max(earliest_s, self.free_s)
        self.placed.append((start, start + len(samples) / RATE))
        return start

    def close(self) -> None:
        self.closed += 1


def speak(
    updates: list[Update], voice: Voice, stage: Stage | Track, rules: Speak = RULES
) -> Spoken:
    """A whole session."""
    sink = Speaking(rules, voice, stage, patient=True, now=voice.now)
    for update in updates:
        sink.write(update)
    sink.close()
    return sink.spoken


@given(packets())
@settings(max_examples=15, deadline=None)
def test_speech_never_overlaps_and_skips_nothing(both: tuple[list[Update], list[Update]]) -> None:
    """All that can be said is said, in order; no sound begins before the one before it ends."""
    voice, stage = Voice(slow_s=0.05), Stage()
    told = speak(both[1], voice, stage)
    units = [u for update in both[0] for u in update.emissions if any(map(str.isalnum, u.text))]
    said = "".join(text for text, _ in voice.said)
    letters = [letter for letter in said if letter.isalnum()]
    assert letters == [c for u in units for c in u.text if c.isalnum()]
    for (_, end), (start, _) in zip(stage.placed, stage.placed[1:], strict=False):
        assert start >= end
    assert (told.groups, told.lost, stage.closed) == (len(voice.said), 0, 1)


def test_a_file_holds_each_group_at_its_time(tmp_path: Path) -> None:
    """To the sample: when it could be read, plus what the synthesiser took, or behind the last."""
    stage = Track(tmp_path / "speech.wav")
    voice = Voice(slow_s=0.25)
    talk = stamped(spoken("eins zwei, drei vier, | fünf sechs, "), late=SAMPLE_RATE // 8)
    told = speak(ended(talk), voice, stage)
    samples, _ = soundfile.read(tmp_path / "speech.wav")
    # the groups are ready at 1.125, 2.125 and 3.625 s; two words at 120 a minute take a second
    expected = np.zeros(round(4.875 * RATE))
    for number, start_s in enumerate((1.375, 2.375, 3.875), 1):
        start = round(start_s * RATE)
        expected[start : start + RATE] = number / 1_024
    np.testing.assert_array_equal(samples, expected)
    assert told == Spoken(3, 0, 3.0, 2.25, 0.75, 120)  # each 0.25 s after its second word


def test_what_is_behind_becomes_faster() -> None:
    """With more words than can be said the rate rises to its bound and falls again."""
    words = " ".join(f"w{n}" for n in range(80))
    talk = spoken(words, every=STEP // 4)  # eight words a second, of which two can be said
    late = [Update(talk[-1].heard + 60 * SAMPLE_RATE)]
    index, at = 80, late[0].heard
    late += [Update(at, emissions=tuple(unit(index + n, "danach", at) for n in range(4)))]
    voice, stage = Voice(), Stage()
    told = speak(ended([*talk, *late]), voice, stage)
    rates = [rate for _, rate in voice.said]
    assert rates[0] == 120 and max(rates) == 240 == told.fastest
    assert rates[:20] == sorted(rates[:20])
    assert rates[-1] == 120  # after the pause there is no hurry
    assert [len(text.split()) for text, _ in voice.said] == [4] * 21
    unhurried = Stage()
    speak(ended(talk), Voice(), unhurried, Speak(words_min=2, words_max=4, rate=120, rate_max=120))
    assert stage.placed[19][1] < unhurried.placed[-1][1] - 8
    assert told.most_lag_s == pytest.approx(
        max(
            start - (4 * number + 1) * STEP / 4 / SAMPLE_RATE
            for number, (start, _) in enumerate(stage.placed[:20])
        )
    )


def test_the_rate_goes_by_the_lag_that_a_group_will_have() -> None:
    """A group that must wait for the one before it is behind, even if it has just been written."""
    voice = Voice()
    both = tuple(unit(n, "wort", STEP) for n in range(8))
    speak([Update(STEP, emissions=both, ended=True)], voice, Stage())
    assert [rate for _, rate in voice.said] == [120, words_a_minute(RULES, 2.0)]


def test_a_session_that_breaks_off_is_spoken_to_its_end() -> None:
    """Words that waited for others are spoken when the sink is closed without an end."""
    voice = Voice()
    speak(spoken("drei"), voice, Stage())
    assert voice.said == [("drei", 120)]


# -- what goes wrong -------------------------------------------------------------------------


TALK = ended(spoken("a b | c d | e f | g h | i j | k l"))


def test_a_group_that_fails_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """The others are spoken, and one line tells of it."""
    voice = Voice(trouble={1: SpeechError("voice failed"), 3: SpeechError("voice failed")})
    with caplog.at_level(logging.WARNING):
        told = speak(TALK, voice, Stage())
    assert (told.groups, told.lost) == (4, 2)
    assert caplog.messages == ["voice failed; a word group was not spoken"] * 2


def test_a_synthesiser_that_dies_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """After three failures nothing more is tried; the session is not ended by it."""
    voice = Voice(trouble={n: SpeechError("voice failed") for n in range(1, 9)})
    with caplog.at_level(logging.WARNING):
        told = speak(TALK, voice, Stage())
    assert [text for text, _ in voice.said] == ["a b", "c d", "e f", "g h"]
    assert (told.groups, told.lost) == (1, 5)
    assert caplog.messages == [
        "voice failed; a word group was not spoken",
        "voice failed, 3 times one after another; speech ends, the text goes on",
    ]


def test_a_lasting_failure_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """What will not become better is not tried again."""
    voice = Voice(trouble={0: SpeechError("voice is missing", lasting=True)})
    with caplog.at_level(logging.WARNING):
        told = speak(TALK, voice, Stage())
    assert len(voice.said) == 1
    assert (told.groups, told.lost) == (0, 6)
    assert caplog.messages == ["voice is missing; speech ends, the text goes on"]
    assert told.line() == "spoken: 0 word groups; 6 not spoken"


def test_a_real_synthesiser_that_dies(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Its exit code is in the lines, and the file is left without a sample."""
    rules = Speak(command="false", words_min=2)
    sink = Speaking(rules, Synthesiser(rules, "de"), Track(tmp_path / "x.wav"), patient=True)
    with caplog.at_level(logging.WARNING):
        for update in TALK:
            sink.write(update)
        sink.close()
    assert len(caplog.messages) == 2
    assert all("false failed with exit code 1" in message for message in caplog.messages)
    assert soundfile.info(tmp_path / "x.wav").frames == 0


class Full(Stage):
    """A stage whose disk is full at the second sound."""

    def place(self, samples: Samples, earliest_s: float) -> float:
        if self.placed:
            raise OutputError("speech.wav cannot be written")
        return super().place(samples, earliest_s)


def test_a_file_that_cannot_be_written_ends_the_session() -> None:
    """As with every other output: the error reaches whoever writes, once, or closes."""
    sink = Speaking(RULES, Voice(), stage := Full(), patient=True)
    with pytest.raises(OutputError, match=r"speech\.wav"):
        for update in TALK:
            sink.write(update)
        sink.close()
    sink.close()
    assert stage.closed


def test_a_bug_is_not_lost_in_the_thread() -> None:
    """What nobody foresaw comes out where the sink is used."""
    sink = Speaking(RULES, Voice(trouble={0: ZeroDivisionError()}), Stage(), patient=True)
    with pytest.raises(ZeroDivisionError):
        for update in TALK:
            sink.write(update)
        sink.close()
    sink.close()


class Held(Voice):
    """Speaks only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()
        self.began = threading.Event()

    def speak(self, text: str, rate: int) -> Samples:
        self.began.set()
        assert self.may.wait(20)
        return super().speak(text, rate)


def test_a_live_session_does_not_wait_for_speech(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What may wait is bounded; beyond it speech is given up, and the text goes on."""
    monkeypatch.setattr(speaking, "MOST_WAITING", 2)
    voice = Held()
    sink = Speaking(RULES, voice, Stage(), patient=False)
    with caplog.at_level(logging.WARNING):
        sink.write(TALK[0])
        sink.write(TALK[1])
        sink.write(TALK[2])
        assert voice.began.wait(20)
        for update in TALK[3:]:
            sink.write(update)  # two wait, and the others find no place
    voice.may.set()
    sink.close()
    assert caplog.messages == [
        "speech is 2 word groups behind the text; speech ends, the text goes on"
    ]
    assert len(voice.said) == 1 and sink.spoken.lost == 5


def test_a_patient_session_waits_for_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody waits for the session nothing is given up, however slow speech is."""
    monkeypatch.setattr(speaking, "MOST_WAITING", 1)
    voice = Held()
    sink = Speaking(RULES, voice, Stage(), patient=True)
    threading.Timer(0.2, voice.may.set).start()
    for update in TALK:
        sink.write(update)
    assert voice.may.is_set()
    sink.close()
    assert sink.spoken.groups == 6


def test_the_line_tells_the_lag() -> None:
    """Groups, length, mean and greatest lag, the greatest rate, and what was lost if anything."""
    assert Spoken(4, 0, 10.04, 6.0, 2.5, 210).line() == (
        "spoken: 4 word groups, 10.0 s; heard 1.50 s after they could be read, at most 2.50 s; "
        "up to 210 words a minute"
    )
    assert Spoken(1, 2, 1.0, 0.5, 0.5, 175).line().endswith("175 words a minute; 2 not spoken")
