"""A pack on the live path: voice gate, rolling window, committed words. As a session hears.

Nothing is translated here. What is scored is what was committed, which is never taken back.
"""

from __future__ import annotations

import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np

from simulst.asr.listener import Listener
from simulst.asr.opening import open_transcriber
from simulst.audio.vad import VoiceGate
from simulst.config import Asr, Audio
from simulst.train.listener.features import SAMPLE_RATE
from simulst.train.listener.sounds import babble
from simulst.train.listener.speech import speak
from simulst.train.listener.voices import draw_voice
from simulst.train.listener.waveforms import Audio as Waveform
from simulst.types import AudioChunk, Speech, Window, Word

__all__ = ["LiveEar", "speechless"]


class LiveEar:
    """A listener behind the voice gate, with the settings that a session has by default."""

    def __init__(self, asr: Asr) -> None:
        audio = Audio()
        self._transcriber = open_transcriber(asr)
        self._listener = Listener(self._transcriber, asr)
        self._gate = VoiceGate(audio)
        self._step = audio.step_ms * SAMPLE_RATE // 1000

    @classmethod
    def of_pack(cls, folder: Path) -> LiveEar:
        """The pack in a folder, run windowed."""
        return cls(Asr(model=str(folder.resolve()), run="windowed"))

    def committed(self, audio: Waveform) -> str:
        """What comes out of audio (samples,), fed a step at a time to its end."""
        return " ".join(word.text for word in self.words(audio))

    def words(self, audio: Waveform) -> list[Word]:
        """The same, with the times of the words."""
        gate, state = self._gate.open(), self._listener.open()
        words: list[Word] = []
        starts = range(0, len(audio), self._step)
        for start in [*starts, None]:
            speech: tuple[Speech, ...]
            if start is None:
                speech = self._gate.finish(gate)
            else:
                chunk = AudioChunk(audio[start : start + self._step], start)
                gate, speech = self._gate.step(gate, chunk)
            clock = len(audio) if start is None else min(start + self._step, len(audio))
            [(state, heard)] = self._listener.step([state], [speech], [clock])
            words += [event for event in heard.committed if isinstance(event, Word)]
        [(state, heard)] = self._listener.finish([state], [len(audio)])
        words += [event for event in heard.committed if isinstance(event, Word)]
        return words

    def step_ms(self, audio: Waveform, rounds: int = 20) -> float:
        """Median time that one look at audio (samples,) takes, without committed words."""
        window = Window(AudioChunk(audio, 0))
        times: list[float] = []
        for _ in range(rounds):
            begun = time.perf_counter()
            self._transcriber.transcribe([window])
            times.append(1000 * (time.perf_counter() - begun))
        return float(np.median(times))


def speechless(
    texts: list[str], voices: list[str], seed: int, minutes: float
) -> dict[str, Waveform]:
    """Sounds that nothing should be written for: silence, white noise, babble; (samples,) each.

    Args:
        texts: what the babblers say.
        voices: theirs.
        seed: of the noise and the babble.
        minutes: of each.
    """
    samples = round(minutes * 60 * SAMPLE_RATE)
    rng = np.random.default_rng(seed)
    draw = Random(seed)
    with TemporaryDirectory() as folder:
        spoken = [
            speak(draw_voice(voices[number % len(voices)], draw), text, Path(folder)).audio
            for number, text in enumerate(draw.sample(texts, min(40, len(texts))))
        ]
    long_enough = [audio for audio in spoken if len(audio) > 2 * SAMPLE_RATE] or spoken
    pieces = [babble(long_enough, 20.0, rng) for _ in range(round(minutes * 3))]
    return {
        "silence": np.zeros(samples, np.float32),
        "white noise": rng.normal(0.0, 0.05, samples).astype(np.float32),
        "babble": np.concatenate(pieces),
    }
