"""A synthesiser as a program of its own: text in, sound out, one process for each word group.

Whatever it does, it ends: it is killed, with what it started, when it takes too long, writes too
much or is not wanted any more. No shell is used, so text is never read as a command.
"""

from __future__ import annotations

import io
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress

import numpy as np
import soundfile

from simulst.config import Speak
from simulst.errors import AudioError, SpeechError
from simulst.speak.sound import RATE, at_rate
from simulst.types import Samples

__all__ = ["Synthesiser", "espeak_voice"]

ESPEAK = "espeak-ng --stdout --stdin -z -b 1 -v {voice} -s {rate}"
"""Reads UTF-8, writes WAV, and leaves no pause behind a group."""
VOICES = {"in": "id", "iw": "he", "nn": "nb"}
"""espeak-ng takes ISO 639-1 as it is, but for these, which have another code or a near one."""
MOST_BYTES = 2**24  # more than a minute of stereo at 48 kHz: nothing that belongs to a group
LOOK_S = 0.05  # between two looks whether it is still wanted
REASON = 200  # characters of what a program complains about

_NEVER = threading.Event()


def espeak_voice(language: str) -> str:
    """espeak-ng's own code of a language.

    Args:
        language: ISO 639-1, perhaps with a region.
    """
    code = language.lower().replace("_", "-")
    return VOICES.get(code, code)


class Synthesiser:
    """Speaks one language. May be used by several threads at once.

    Args:
        settings: command, voice, rates.
        language: of the text, ISO 639-1.

    Attributes:
        name: of the program.
    """

    def __init__(self, settings: Speak, language: str) -> None:
        self._settings = settings
        self._words = shlex.split(settings.command or ESPEAK)
        self._fixed = {
            "language": language,
            "voice": settings.voice or espeak_voice(language),
        }
        self.name = self._words[0]

    def check(self) -> None:
        """Look whether the program is there at all.

        Raises:
            SpeechError: it is not.
        """
        if shutil.which(self.name) is None:
            raise SpeechError(self._missing("there is no such program"), lasting=True)

    def speak(self, text: str, rate: int, unwanted: threading.Event = _NEVER) -> Samples:
        """The sound of a text.

        Args:
            text: with something to say in it.
            rate: words a minute.
            unwanted: once it is set the program is killed.

        Returns:
            (n,) float32 in [-1, 1] at `RATE`, n > 0.

        Raises:
            SpeechError: the program is missing, fails, takes too long, or writes no sound; or it
                was not wanted any more.
        """
        text = " ".join(text.replace("\0", " ").split()).encode(errors="replace").decode()
        spoken = f" {text}" if text.startswith("-") else text  # else it would be an option
        values = {
            **self._fixed,
            "text": spoken,
            "rate": str(rate),
            "speed": f"{rate / self._settings.rate:.3f}",
            "length": f"{self._settings.rate / rate:.3f}",
        }
        # one pass: braces in the text stay what they are
        words = [re.sub(r"{(\w+)}", lambda m: values[m[1]], word) for word in self._words]
        stands = any("{text}" in word for word in self._words)
        given = b"" if stands else f"{text}\n".encode()
        return self._decoded(self._run(words, given, unwanted))

    def _run(self, words: list[str], given: bytes, unwanted: threading.Event) -> bytes:
        """What the program writes when it is given that on its standard input."""
        if unwanted.is_set():
            raise self._not_wanted()
        try:
            with tempfile.TemporaryFile() as file:  # a pipe might have to be waited for
                file.write(given)
                file.seek(0)
                process = subprocess.Popen(
                    words,
                    stdin=file,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for us, and what it starts can be killed
                )
        except OSError as error:
            raise SpeechError(self._missing(error.strerror), lasting=True) from error
        try:
            written, complaint = self._watch(process, unwanted)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                pipe.close()
        if process.returncode:
            raise SpeechError(
                f"{self.name} {_ending(process.returncode)}{_shown(complaint)}; see to "
                f"{'speak.command' if self._settings.command else 'speak.voice'}"
            )
        return written

    def _watch(
        self, process: subprocess.Popen[bytes], unwanted: threading.Event
    ) -> tuple[bytes, bytes]:
        """Read until the program has ended; what it wrote, and what it complained about."""
        end_s = time.monotonic() + self._settings.timeout_s
        written, complaint = bytearray(), bytearray()
        with selectors.DefaultSelector() as selector:
            assert process.stdout is not None and process.stderr is not None
            selector.register(process.stdout, selectors.EVENT_READ, written)
            selector.register(process.stderr, selectors.EVENT_READ, complaint)
            while selector.get_map() or process.poll() is None:
                if unwanted.is_set():
                    raise self._not_wanted()
                if time.monotonic() > end_s:
                    raise SpeechError(
                        f"{self.name} took more than {self._settings.timeout_s:.6g} s and was "
                        "killed: use a faster voice, or raise speak.timeout_s"
                    )
                if not selector.get_map():  # it has closed its outputs, and is about to end
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(LOOK_S)
                    continue
                for key, _ in selector.select(LOOK_S):
                    block = os.read(key.fd, 2**16)
                    if not block:
                        selector.unregister(key.fileobj)
                    key.data.extend(block)
                del complaint[:-4096]
                if len(written) > MOST_BYTES:
                    raise SpeechError(
                        f"{self.name} wrote more than {MOST_BYTES} bytes for a word group and was "
                        "killed: is speak.command a synthesiser?"
                    )
        return bytes(written), bytes(complaint)

    def _decoded(self, written: bytes) -> Samples:
        if raw := self._settings.raw_rate:
            whole = written[: len(written) // 2 * 2]
            samples, rate = np.frombuffer(whole, "<i2").astype(np.float32) / 32_768, raw
        else:
            try:
                frames, rate = soundfile.read(io.BytesIO(written), dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, TypeError) as error:
                raise SpeechError(
                    f"{self.name} wrote no sound ({len(written)} bytes that are no WAV): if they "
                    "are raw samples, set speak.raw_rate to their Hz"
                ) from error
            samples = frames.mean(axis=1, dtype=np.float32)
        if not len(samples):
            raise SpeechError(f"{self.name} wrote no sound: does its voice speak this language?")
        try:
            return at_rate(np.nan_to_num(samples), rate, RATE)
        except AudioError as error:
            raise SpeechError(f"{self.name} wrote sound that cannot be used: {error}") from error

    def _not_wanted(self) -> SpeechError:
        return SpeechError(f"{self.name} was not wanted any more", lasting=True)

    def _missing(self, why: str | None) -> str:
        if self._settings.command:
            return f"{self.name} cannot be run: {why}; see to speak.command"
        return (
            f"{self.name} cannot be run: {why}; install it (Debian, Ubuntu: apt install "
            "espeak-ng), or name another synthesiser in speak.command"
        )


def _ending(code: int) -> str:
    if code < 0:
        return f"was killed by signal {-code}"
    return f"failed with exit code {code}"


def _shown(complaint: bytes) -> str:
    """The last line of what a program complained about, for a message."""
    lines = complaint.decode(errors="replace").split("\n")
    last = next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
    return f": {last[:REASON]}" if last else ""
