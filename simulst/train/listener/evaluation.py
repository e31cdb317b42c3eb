"""A pack's word error rates on held-out speech, heard live, windowed and padded.

Live is as a session hears, half a second at a time, and counts committed words; the others hear
a recording at once. Scores are on lower-case words without punctuation (`texts.spoken_form`). No
way of listening carries state from one recording to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from simulst.errors import ConfigError
from simulst.train.listener.features import SAMPLE_RATE, log_mel
from simulst.train.listener.live import LiveEar, speechless
from simulst.train.listener.recordings import RECORDINGS, read_transcripts
from simulst.train.listener.speech import speak
from simulst.train.listener.texts import spoken_form
from simulst.train.listener.voices import draw_voice
from simulst.train.listener.waveforms import Audio, read_audio

__all__ = [
    "Recogniser",
    "Score",
    "cut_at_pauses",
    "evaluate_pack",
    "timing_error",
    "with_margins",
    "word_error_rate",
]


BEFORE = SAMPLE_RATE // 5
"""Samples of quiet before speech, as any recording has."""


@dataclass(frozen=True, slots=True)
class Score:
    """A word error rate.

    Attributes:
        name: of the set.
        way: "live", "windowed" or "padded".
        words: in the references.
        rate: word errors / words.
        example: the worst of the set: what was said, what was heard.
    """

    name: str
    way: str
    words: int
    rate: float
    example: tuple[str, str] | None = None


class Recogniser:
    """A pack in faster-whisper, one thread: windowed as it is heard live, padded greedily."""

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel
        from faster_whisper.tokenizer import Tokenizer

        from simulst.asr.whisper import BEAM

        self.beam = BEAM
        self.whisper: Any = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=1
        )
        self.tokenizer = Tokenizer(self.whisper.hf_tokenizer, multilingual=False)
        self.prompt = [*self.tokenizer.sot_sequence, self.tokenizer.no_timestamps]

    def windowed(self, audio: Audio) -> str:
        """What is said in audio (samples,) of at most 30 s, encoded without padding."""
        encoded = self.whisper.encode(log_mel(audio))
        results = self.whisper.model.generate(
            encoded,
            [self.prompt],
            beam_size=self.beam,
            length_penalty=0.0,
            max_length=224,
            suppress_blank=False,
        )
        return str(self.tokenizer.decode(results[0].sequences_ids[0])).strip()

    def padded(self, audio: Audio) -> str:
        """What is said in audio (samples,), through `WhisperModel.transcribe`."""
        segments, _ = self.whisper.transcribe(
            audio,
            language="en",
            beam_size=1,
            temperature=0.0,
            without_timestamps=True,
            condition_on_previous_text=False,
            suppress_blank=False,
            no_speech_threshold=None,
        )
        return " ".join(segment.text.strip() for segment in segments)


def timing_error(ear: LiveEar, audios: list[Audio], pause_s: float = 0.3) -> float:
    """Mean error in seconds of the start of sentences that follow a pause, heard live.

    Args:
        ear: hears the sentences in pairs.
        audios: (samples,) of each sentence, without silence at its ends.
        pause_s: between the two of a pair, short enough not to end the window.
    """
    pause = np.zeros(round(pause_s * SAMPLE_RATE), np.float32)
    margin = SAMPLE_RATE // 20  # of quiet, that was left on
    errors: list[float] = []
    for one, two in zip(audios[::2], audios[1::2], strict=False):
        audio = with_margins(np.concatenate([one, pause, two]))
        begin = BEFORE + len(one) + len(pause)
        heard = ear.words(audio)
        behind = [word.start for word in heard if word.start + word.end > 2 * begin - len(pause)]
        if behind:
            errors.append(abs(behind[0] - begin - margin) / SAMPLE_RATE)
    return float(np.mean(errors)) if errors else float("nan")


def word_error_rate(references: list[str], heard: list[str]) -> float:
    """Word error rate over all pairs together.

    Raises:
        ConfigError: jiwer is not installed.
    """
    try:
        import jiwer
    except ImportError as error:
        raise ConfigError("scoring needs jiwer: pip install jiwer") from error
    return float(jiwer.wer([spoken_form(t) for t in references], [spoken_form(t) for t in heard]))


def cut_at_pauses(audio: Audio, longest_s: float = 15.0, shortest_s: float = 5.0) -> list[Audio]:
    """Pieces of at most `longest_s`, each cut in the middle of the quietest 200 ms."""
    hop = SAMPLE_RATE // 50
    pieces: list[Audio] = []
    while len(audio) > longest_s * SAMPLE_RATE:
        head = audio[: round(longest_s * SAMPLE_RATE) // hop * hop]
        energy = np.convolve((head.reshape(-1, hop) ** 2).mean(1), np.ones(10), mode="same")
        first = round(shortest_s * 50)
        cut = (first + int(energy[first:-5].argmin())) * hop
        pieces.append(audio[:cut])
        audio = audio[cut:]
    return [*pieces, audio]


def evaluate_pack(
    folder: Path,
    data: Path,
    held_out: list[str],
    voices: list[str],
    *,
    seed: int = 1,
    limit: int = 200,
    padded_limit: int = 20,
    speechless_minutes: float = 10.0,
    report: Callable[[str], None] = lambda line: None,
) -> tuple[list[Score], list[str]]:
    """Scores of a pack on held-out synthetic text, held-out readers and a talk.

    Args:
        folder: the pack.
        data: holds `speech/` and `talks/`.
        held_out: sentences that no training voice has spoken.
        voices: to speak them with.
        seed: of the choice of sentences and voices.
        limit: recordings of a kind, live and windowed.
        padded_limit: of these, also padded.
        speechless_minutes: of silence, of noise and of babble, live.
        report: takes a line for each score.

    Returns:
        The scores, and a line each on word times, on the time of a step and on what came out of
        sounds without speech.
    """
    recogniser, ear = Recogniser(folder), LiveEar.of_pack(folder)
    notes: list[str] = []
    sets: dict[str, tuple[list[Audio], list[str]]] = {}
    rng = Random(seed)
    with TemporaryDirectory() as scratch:
        for voice in voices:
            texts = rng.sample(held_out, min(40, limit, len(held_out)))
            spoken = [speak(draw_voice(voice, rng), text, Path(scratch)).audio for text in texts]
            line = f"word times, {voice}: starts of sentences are off by"
            notes.append(f"{line} {timing_error(ear, spoken):.2f} s on average")
            report(notes[-1])
            sets[f"held-out text, {voice}"] = ([with_margins(audio) for audio in spoken], texts)
    for collection in RECORDINGS:
        rows = read_transcripts(data / "speech" / collection / "dev")
        rows = rng.sample(rows, min(limit, len(rows)))
        sets[f"{collection} dev"] = (
            [read_audio(file) for file, _, _ in rows],
            [text for _, _, text in rows],
        )
    ways = {"live": ear.committed, "windowed": recogniser.windowed, "padded": recogniser.padded}
    scores: list[Score] = []
    for name, (audios, texts) in sets.items():
        for way, hear in ways.items():
            count = padded_limit if way == "padded" else limit
            heard = [hear(audio) for audio in audios[:count]]
            scores.append(_score(name, way, texts[:count], heard))
            report(_line(scores[-1]))
    for talk in sorted((data / "talks").glob("*/audio.ogg")):
        text = (talk.parent / "transcript.en.txt").read_text(encoding="utf-8")
        audio = read_audio(talk)
        for way, hear in ways.items():
            pieces = [audio] if way == "live" else cut_at_pauses(audio)
            said = " ".join(hear(piece) for piece in pieces)
            scores.append(_score(f"talk {talk.parent.name}", way, [text], [said]))
            report(_line(scores[-1]))
            report(f"    {said}")
    for name, audio in speechless(held_out, voices, seed, speechless_minutes).items():
        words = ear.committed(audio).split()
        notes.append(f"{speechless_minutes:g} min of {name}, live: {_some(words)}")
        report(notes[-1])
    longest = max((audio for audios, _ in sets.values() for audio in audios), key=len)
    time_ms = ear.step_ms(longest[: 5 * SAMPLE_RATE])
    notes.append(
        f"one look at {len(longest[: 5 * SAMPLE_RATE]) / SAMPLE_RATE:.0f} s of speech on "
        f"one thread: {time_ms:.0f} ms"
    )
    report(notes[-1])
    return scores, notes


def _some(words: list[str]) -> str:
    """How many words, and the first of them."""
    if not words:
        return "no words"
    return f"{len(words)} words, beginning with {' '.join(words[:8])!r}"


def with_margins(audio: Audio) -> Audio:
    """Trimmed speech with a little quiet around it, as any recording has."""
    return np.pad(audio, (BEFORE, SAMPLE_RATE // 3))


def _score(name: str, way: str, references: list[str], heard: list[str]) -> Score:
    words = sum(len(spoken_form(text).split()) for text in references)
    worst = None
    if len(references) > 1:
        worst = max(
            zip(references, heard, strict=True), key=lambda pair: word_error_rate(*_lists(pair))
        )
    return Score(name, way, words, word_error_rate(references, heard), worst)


def _lists(pair: tuple[str, str]) -> tuple[list[str], list[str]]:
    return [pair[0]], [pair[1]]


def _line(score: Score) -> str:
    return f"{score.name}, {score.way}: WER {score.rate:.3f} over {score.words} words"
