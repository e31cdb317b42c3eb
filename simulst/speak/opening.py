"""What `--speak` and `--speak-to` ask for: checked before the models load, opened after them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from simulst.config import Speak
from simulst.errors import ConfigError, OutputError, SpeechError
from simulst.speak import track
from simulst.speak.loudspeaker import Loudspeaker
from simulst.speak.speaking import Speaking
from simulst.speak.synthesiser import Synthesiser

__all__ = ["Plan", "add_arguments", "plan"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--speak",
        action="store_true",
        help="read the translation aloud; a file is then fed as it would be spoken",
    )
    parser.add_argument(
        "--speak-to",
        type=Path,
        metavar="FILE",
        help="read it into a sound file (.wav, .flac) instead, on the time line of the source",
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """Speech that was asked for and can be had, as far as that is known.

    Attributes:
        settings: of it.
        loudspeaker: that it is heard from, or None.
        path: of the file that it goes into, or None.
    """

    settings: Speak
    loudspeaker: Loudspeaker | None = None
    path: Path | None = None

    def open(self, language: str, patient: bool) -> Speaking:
        """The sink. A synthesiser that is missing is told of, and nothing is spoken.

        Args:
            language: of the translation.
            patient: nobody waits for the session, so it may wait for speech.

        Raises:
            OutputError: the file cannot be made.
        """
        if self.path is None:
            assert self.loudspeaker is not None, "it is heard somewhere"
            stage: track.Track | Loudspeaker = self.loudspeaker
        else:
            stage = track.Track(self.path)
        voice = Synthesiser(self.settings, language)
        speaking = Speaking(self.settings, voice, stage, patient)
        try:
            voice.check()
        except SpeechError as error:
            speaking.give_up(str(error))
        return speaking


def plan(args: argparse.Namespace, settings: Speak) -> Plan | None:
    """What the options ask for, or None; nothing is written yet.

    Raises:
        AudioError: there is no loudspeaker.
        ConfigError: options exclude each other.
        OutputError: the file could not be written.
    """
    if args.speak_to is not None:
        track.check(args.speak_to)
        if args.speak_to.resolve() == Path(args.source).resolve():
            raise OutputError(f"--speak-to {args.speak_to} is the source: name another file")
        return Plan(settings, path=args.speak_to)
    if not args.speak:
        return None
    if args.pace == "fast":
        raise ConfigError(
            "--speak and --pace fast exclude each other: nobody can speak as fast as that; use "
            "--pace live, or --speak-to FILE"
        )
    return Plan(settings, Loudspeaker(settings.device))
