"""The English pack that ships, on a talk: what it hears, both ways, streaming and whole."""

from __future__ import annotations

import re
from pathlib import Path

import jiwer
import pytest
from faster_whisper.audio import decode_audio

from simulst.asr.listener import Listener
from simulst.asr.opening import open_transcriber
from simulst.config import Asr
from simulst.packs import Pack
from simulst.types import SAMPLE_RATE, AudioChunk, SentenceEnd, Speech, Window, Word
from tests.asr.fakes import STEP, Stream, sound

TALK = Path(__file__).parents[2] / "demos" / "talk"
LIMITS = {"local-agreement": 0.25, "alignatt": 0.4}
"""Word error rate on the talk that no build of the pack may exceed; AlignAtt trades for speed."""


def spoken(text: str) -> str:
    """The text as it is scored: lower-case words without marks."""
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def hear_talk(config: Asr) -> Stream:
    """The talk through a listener, half a second a step."""
    audio = decode_audio(str(TALK / "audio.flac"), sampling_rate=SAMPLE_RATE)
    stream = Stream(Listener(open_transcriber(config), config))
    for start in range(0, len(audio), STEP):
        piece = AudioChunk(audio[start : start + STEP], start)
        stream.hear(Speech(piece, ended=piece.end == len(audio)))
    stream.finish()
    return stream


def error_rate(stream: Stream) -> float:
    """Word error rate of what was committed."""
    reference = (TALK / "transcript.en.txt").read_text(encoding="utf-8")
    return float(jiwer.wer(spoken(reference), spoken(" ".join(stream.words))))


@pytest.mark.parametrize("policy", LIMITS)
def test_a_talk_is_heard_while_it_is_spoken(listen_en: Pack, policy: str) -> None:
    """Half a second at a time, without voice activity, the talk comes out nearly right."""
    stream = hear_talk(Asr(policy=policy))
    assert error_rate(stream) <= LIMITS[policy], stream.text
    times = [(w.start, w.end) for w in stream.committed if isinstance(w, Word)]
    assert times == sorted(times) and all(start <= end for start, end in times)
    assert 4 <= sum(isinstance(event, SentenceEnd) for event in stream.committed) <= 14


def test_the_padded_way_hears_the_same_talk(listen_en: Pack) -> None:
    """Filled up to 30 s, as stock Whisper needs, the pack still recognises the first sentences."""
    config = Asr(run="padded")
    audio = decode_audio(str(TALK / "audio.flac"), sampling_rate=SAMPLE_RATE)[: 8 * SAMPLE_RATE]
    (words,) = open_transcriber(config).transcribe([Window(AudioChunk(audio, 0))])
    text = spoken(" ".join(word.text for word in words))
    reference = spoken((TALK / "transcript.en.txt").read_text(encoding="utf-8"))
    assert jiwer.wer(" ".join(reference.split()[: len(text.split())]), text) <= 0.5, text


def test_words_go_on_behind_the_prefix_at_their_own_time(listen_en: Pack) -> None:
    """With committed words forced, the rest is heard as before, at nearly the same times."""
    audio = decode_audio(str(TALK / "audio.flac"), sampling_rate=SAMPLE_RATE)[: 4 * SAMPLE_RATE]
    transcriber = open_transcriber(Asr())
    (whole,) = transcriber.transcribe([Window(AudioChunk(audio, 0))])
    assert len(whole) > 4
    (rest,) = transcriber.transcribe([Window(AudioChunk(audio, 0), whole[:3])])
    assert [word.text for word in rest] == [word.text for word in whole[3:]]
    for word, before in zip(rest, whole[3:], strict=True):
        assert abs(word.end - before.end) <= SAMPLE_RATE // 10


def test_noise_gives_no_words(listen_en: Pack) -> None:
    """Ten seconds of loud noise that pass the gate are not turned into text."""
    config = Asr()
    stream = Stream(Listener(open_transcriber(config), config))
    for start in range(0, 10 * SAMPLE_RATE, STEP):
        stream.hear(Speech(AudioChunk(sound(STEP, start), start)))
    stream.finish()
    assert len(stream.words) <= 1, stream.text
