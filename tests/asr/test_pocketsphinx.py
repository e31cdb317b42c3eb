"""PocketSphinx as a listener: what it hears of a talk, and what it may not remember."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
from faster_whisper.audio import decode_audio

from simulst.accept import rules
from simulst.asr.listener import Listener
from simulst.asr.pocketsphinx import PocketSphinxTranscriber, open_pocketsphinx
from simulst.audio.vad import VoiceGate
from simulst.config import Asr, Config
from simulst.errors import ConfigError, ModelError
from simulst.pipeline import Interpreter
from simulst.protocols import Transcriber
from simulst.types import SAMPLE_RATE, AudioChunk, Samples, SentenceEnd, Speech, Window, Word
from tests.asr.fakes import STEP, Stream, sound
from tests.asr.test_pack import TALK, spoken
from tests.fakes import translator

pytest.importorskip("pocketsphinx", reason='needs pip install "simulst[pocketsphinx]"')

ASR = Asr(model="pocketsphinx")
START = 5 * SAMPLE_RATE
FRAME = SAMPLE_RATE // 100


@pytest.fixture(scope="module")
def sphinx() -> PocketSphinxTranscriber:
    """One decoder for all tests, which each leave it something to forget."""
    return open_pocketsphinx(ASR)


@pytest.fixture(scope="module")
def talk() -> Samples:
    """The sample talk."""
    samples: Samples = decode_audio(str(TALK / "audio.flac"), sampling_rate=SAMPLE_RATE)
    return samples


def window(samples: Samples, *prefix: Word) -> Window:
    """A window that starts at `START`."""
    return Window(AudioChunk(samples, START), prefix)


@dataclass
class Segment:
    """As PocketSphinx returns one."""

    word: str
    start_frame: int
    end_frame: int
    prob: float = 0.5


class Recited:
    """A decoder that hears the same segments in whatever it is given."""

    def __init__(self, *segments: Segment) -> None:
        self.segments = segments
        self.lengths: list[int] = []

    def reinit_feat(self) -> None: ...

    def start_utt(self) -> None: ...

    def end_utt(self) -> None: ...

    def process_raw(self, data: bytes, full_utt: bool) -> None:
        self.lengths.append(len(data) // 2)

    def seg(self) -> Any:
        return iter(self.segments) if self.segments else None


def test_a_talk_is_heard_while_it_is_spoken(sphinx: PocketSphinxTranscriber, talk: Samples) -> None:
    """Two seconds at a time through the voice gate, the talk comes out nearly right."""
    config = replace(ASR, pause_ms=450)
    gate, stream = VoiceGate(Config().audio), Stream(Listener(sphinx, config))
    passed, step = gate.open(), 2 * SAMPLE_RATE
    for start in range(0, len(talk), step):
        passed, speech = gate.step(passed, AudioChunk(talk[start : start + step], start))
        stream.hear(*speech, clock=min(start + step, len(talk)))
    stream.hear(*gate.finish(passed), clock=len(talk))
    stream.finish()
    reference = (TALK / "transcript.en.txt").read_text(encoding="utf-8")
    assert jiwer.wer(spoken(reference), spoken(" ".join(stream.words))) <= 0.15, stream.text
    assert "I" in stream.words and "i" not in stream.words
    times = [(w.start, w.end) for w in stream.committed if isinstance(w, Word)]
    assert times == sorted(times)
    assert all(start <= end for start, end in times)
    assert 6 <= sum(isinstance(event, SentenceEnd) for event in stream.committed) <= 9


def test_a_window_is_all_that_counts(sphinx: PocketSphinxTranscriber, talk: Samples) -> None:
    """The same window gives the same words alone, in company, and whatever came before it."""
    assert isinstance(sphinx, Transcriber)
    windows = [window(talk[: 3 * SAMPLE_RATE]), window(talk[5 * SAMPLE_RATE : 7 * SAMPLE_RATE])]
    first = open_pocketsphinx(ASR).transcribe(windows)
    assert all(len(words) > 3 for words in first)
    sphinx.transcribe([window(5 * sound(STEP)), window(np.zeros(STEP, np.float32))])
    assert sphinx.transcribe(windows) == first
    assert sphinx.transcribe(windows[::-1]) == first[::-1]
    assert [sphinx.transcribe([one])[0] for one in windows] == first


def test_words_go_on_behind_the_prefix(sphinx: PocketSphinxTranscriber, talk: Samples) -> None:
    """What is committed is not returned again, and the rest keeps its words and times."""
    samples = talk[: 4 * SAMPLE_RATE]
    (whole,) = sphinx.transcribe([window(samples)])
    for count in (1, 4, len(whole)):
        (rest,) = sphinx.transcribe([window(samples, *whole[:count])])
        assert [word.text for word in rest] == [word.text for word in whole[count:]]
        for word, before in zip(rest, whole[count:], strict=True):
            assert abs(word.end - before.end) <= SAMPLE_RATE // 10


@pytest.mark.parametrize("seed", range(4))
def test_words_are_in_order_and_inside_the_window(
    sphinx: PocketSphinxTranscriber, talk: Samples, seed: int
) -> None:
    """Wherever a window is cut and whatever is committed in it, times lie behind that."""
    dice = np.random.default_rng(seed)
    begin = int(dice.integers(len(talk) - 3 * SAMPLE_RATE))
    samples = talk[begin : begin + int(dice.integers(3 * SAMPLE_RATE))]
    good = Word("good", START, START + int(dice.integers(len(samples))))
    for one in (window(samples), window(samples, good)):
        at = good.end if one.prefix else START
        for word in sphinx.transcribe([one])[0]:
            assert word.text == word.text.strip() != ""
            assert at <= word.start <= word.end <= one.audio.end
            assert 0 <= word.probability <= 1
            at = word.end


def test_only_the_last_words_of_the_prefix_are_heard_again() -> None:
    """However much is committed, no more than three seconds of it are recognised once more."""
    decoder = Recited()
    prefix = [Word("so", START + i * SAMPLE_RATE, START + (i + 1) * SAMPLE_RATE) for i in range(9)]
    sound_of = sound(10 * SAMPLE_RATE)
    assert PocketSphinxTranscriber(decoder).transcribe([window(sound_of, *prefix)]) == [()]
    assert decoder.lengths == [4 * SAMPLE_RATE]


def test_fillers_and_committed_words_are_left_out() -> None:
    """Silence and noise are no words; a word with its middle in the prefix is committed."""
    decoder = Recited(
        Segment("<s>", 0, 9),
        Segment("old(2)", 10, 29),
        Segment("[NOISE]", 30, 49),
        Segment("new", 25, 59, 1.0009),
        Segment("<sil>", 60, 79),
        Segment("i'm", 80, 200),
        Segment("</s>", 101, 102),
    )
    samples = sound(SAMPLE_RATE)
    old = Word("old", START, START + 30 * FRAME)
    heard = PocketSphinxTranscriber(decoder).transcribe([window(samples, old)])
    assert heard == [
        (
            Word("new", old.end, START + 60 * FRAME, 1.0),
            Word("I'm", START + 80 * FRAME, START + SAMPLE_RATE, 0.5),
        )
    ]


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("i", "I"),
        ("i'll(2)", "I'll"),
        ("in", "in"),
        ("b.", "B"),
        ("inc.", "inc"),
        ("mr.", "mr."),
        ("a.m.", "a.m."),
    ],
)
def test_words_are_written_without_an_end_of_sentence(entry: str, text: str) -> None:
    """Entries of the dictionary lose what is not spelling, and whatever would end a sentence."""
    transcriber = PocketSphinxTranscriber(Recited(Segment(entry, 0, 9)))
    ((word,),) = transcriber.transcribe([window(sound(STEP))])
    assert word.text == text


def test_a_window_without_speech_gives_no_words(sphinx: PocketSphinxTranscriber) -> None:
    """Neither nothing, nor a few samples, nor noise is turned into text."""
    windows = [window(sound(n)) for n in (0, 100, SAMPLE_RATE // 10, 2 * SAMPLE_RATE)]
    assert sphinx.transcribe(windows) == [(), (), (), ()]
    assert sphinx.transcribe([]) == []


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_noise_gives_no_words(sphinx: PocketSphinxTranscriber, level: float) -> None:
    """Silence and noise that nothing holds back at the gate are not turned into text."""
    stream = Stream(Listener(sphinx, ASR))
    for start in range(0, 4 * SAMPLE_RATE, 2 * STEP):
        stream.hear(Speech(AudioChunk(level * sound(2 * STEP, start), start)))
    stream.finish()
    assert stream.words == []


def test_any_packets_give_the_same_words(sphinx: PocketSphinxTranscriber, talk: Samples) -> None:
    """A session that gets its audio whole commits what it commits of small packets."""
    acceptor = rules.build(Config().accept)
    interpreter = Interpreter(Config(asr=ASR), sphinx, translator(), acceptor)
    shown = []
    for packets in ([talk[: 4 * SAMPLE_RATE]], np.split(talk[: 4 * SAMPLE_RATE], 32)):
        state, updates = interpreter.open(), []
        for packet in [*packets, None]:
            ((state, update),) = interpreter.step([state], [packet])
            updates.append(update)
        shown.append([item for update in updates for item in update.committed])
    assert len(shown[0]) > 4 and shown[0] == shown[1]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the extra, or with damaged models, the error says what to do."""
    monkeypatch.setenv("POCKETSPHINX_PATH", str(tmp_path))
    with pytest.raises(ModelError, match=f"{tmp_path}.*POCKETSPHINX_PATH"):
        open_pocketsphinx(ASR)
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(ModelError, match=r'pip install "simulst\[pocketsphinx\]"'):
        open_pocketsphinx(ASR)


def test_another_language_is_refused() -> None:
    """The error lists the languages that are served."""
    with pytest.raises(ModelError, match="'de'; it serves en:"):
        open_pocketsphinx(replace(ASR, language="de"))


@pytest.mark.parametrize(
    "settings",
    [{"run": "padded"}, {"no_speech": 0.5}, {"threads": 2}, {"beam": 2}, {"compute_type": "int8"}],
)
def test_settings_of_whisper_are_refused(settings: dict[str, Any]) -> None:
    """What PocketSphinx cannot go by is not passed over in silence."""
    (name,) = settings
    with pytest.raises(ConfigError, match=f"asr.{name} is .*only Whisper"):
        open_pocketsphinx(replace(ASR, **settings))
