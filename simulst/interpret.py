"""`simulst interpret`: one source through the engine into captions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from simulst.emit import files
from simulst.emit.recording import Recording, session_folder
from simulst.errors import AudioError, ConfigError
from simulst.options import add_engine_arguments, settings, targets
from simulst.speak import opening as speech
from simulst.types import SAMPLE_RATE

if TYPE_CHECKING:
    from simulst.channels import Channel
    from simulst.config import Config
    from simulst.evaluate.session import Summary
    from simulst.session import Clock, Session

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="audio file, 'mic' or 'mic:DEVICE', or '-' for raw 16-bit samples on standard input",
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="LANG[,LANG]",
        help="language to translate into; several are interpreted from one recognition",
    )
    parser.add_argument(
        "--out",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help=f"write captions as they come; repeatable; by suffix: {', '.join(files.SUFFIXES)}; "
        f"{files.LANGUAGE} in it is the target language",
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="keep sound and journal in a folder of their own in DIR, for simulst finetune",
    )
    parser.add_argument(
        "--pace",
        choices=("live", "fast"),
        help="feed a file as it would be spoken, or as fast as it goes (default: fast)",
    )
    speech.add_arguments(parser)
    parser.add_argument("--quiet", action="store_true", help="show nothing but errors")
    add_engine_arguments(parser)
    raw = parser.add_argument_group("raw samples on standard input")
    raw.add_argument("--rate", type=int, metavar="HZ", help="samples a second (default: 16000)")
    raw.add_argument("--channels", type=int, metavar="N", help="interleaved (default: 1)")


def run(args: argparse.Namespace) -> int:
    """Interpret one source; return 0, or 128 and the signal's number if one ended it.

    Raises:
        AudioError: the source cannot be read, or nobody speaks in it.
        ConfigError: options out of range, or that do not go together.
        ModelError: a pack is unknown or damaged, or none serves the languages.
        OutputError: captions or speech cannot be written.
    """
    languages = targets(args.to)
    outs = {
        target: [files.in_language(path, target, len(languages) > 1) for path in args.out]
        for target in languages
    }
    files.check([path for paths in outs.values() for path in paths])
    config = settings(args)
    if args.source != "-":
        for name in ("rate", "channels"):
            if getattr(args, name) is not None:
                raise ConfigError(
                    f"--{name} describes raw samples on standard input (source '-'); "
                    f"{args.source} says its own"
                )

    from simulst.audio.sources import open_source
    from simulst.channels import ChannelSession
    from simulst.live import attended, view
    from simulst.session import Stop, VirtualClock, WallClock

    rate = SAMPLE_RATE if args.rate is None else args.rate
    channels = 1 if args.channels is None else args.channels
    opened = open_source(args.source, rate=rate, channels=channels)
    if args.pace == "fast" and opened.live and args.source != "-":
        raise ConfigError("--pace fast: a microphone is always live; leave --pace out")
    spoken = speech.plan(args, config.speak)
    if spoken is not None and len(languages) > 1:
        raise ConfigError(f"--to {args.to}: speech is of one language; leave it out, or name one")
    aloud = spoken is not None and spoken.loudspeaker is not None
    live = args.pace == "live" or (args.pace is None and (opened.live or aloud))
    clock = WallClock(paced=not opened.live) if live else VirtualClock()
    session, outlets = _session(config, languages, clock)
    # a microphone listens from here on: what is said while the models load would be late
    with Stop() as stop, attended(opened, stop) as keys, session.closing(), opened as source:
        for outlet in outlets:
            for path in outs[outlet.language]:
                outlet.sinks.append(files.open_file(path, outlet.signature))
        if args.record is not None:
            folder = session_folder(args.record, datetime.now())
            if isinstance(session, ChannelSession):
                session.record(folder)
            else:
                session.sinks.append(Recording(folder, outlets[0].signature))
        if not args.quiet:
            if isinstance(session, ChannelSession):
                session.show(source.duration)
            else:
                session.sinks.append(view(source, config.asr.language, languages[0], keys))
        if spoken is not None:
            speaking = spoken.open(languages[0], patient=not live)
            session.sinks.append(speaking)
        session.interpret(source, stop)
    if session.failure is None and not (session.recognised or opened.live or stop.signal):
        heard_s = session.fed / SAMPLE_RATE
        raise AudioError(f"{args.source}: no speech was recognised in {heard_s:.3g} s of audio")
    if not args.quiet and (session.failure is None or session.recognised):
        for outlet in outlets:
            label = f"{outlet.language}  " if len(outlets) > 1 else ""
            summary = outlet.scores.summary(session.fed, session.compute_s)
            print(label + closing_line(summary), file=sys.stderr)
        if spoken is not None:
            print(speaking.spoken.line(), file=sys.stderr)
        for outlet in outlets:
            print(_in_words(outlet.signature), file=sys.stderr)
    if session.failure is not None:
        raise session.failure
    return 128 + stop.signal if stop.signal else 0


def _session(
    config: Config, languages: Sequence[str], clock: Clock
) -> tuple[Session, list[Channel]]:
    """A session whose models are loaded, and where the sinks of each target language go."""
    from simulst import conference, pipeline
    from simulst.channels import ChannelSession, channel_of
    from simulst.session import Session

    if len(languages) > 1:
        together = ChannelSession(conference.build(config, languages), clock)
        return together, together.channels
    interpreter = pipeline.build(config, languages[0])
    channel = channel_of(interpreter.booth)
    return Session(interpreter, clock, channel.scores, channel.sinks), [channel]


def closing_line(summary: Summary) -> str:
    """The figures of a session in one line; what could not be measured is left out."""
    units = "characters" if summary.character else "words"
    parts = [f"{summary.words} {units} in {summary.sentences} sentences"]
    if summary.laal_ms is not None:
        lag = f"lag (LAAL) {summary.laal_ms / 1000:.2f} s"
        if summary.laal_ca_ms is not None:
            lag += f", with computing {summary.laal_ca_ms / 1000:.2f} s"
        parts.append(lag)
    if summary.written_before_end is not None:
        parts.append(f"{summary.written_before_end:.0%} written before their sentence ended")
    if summary.acceptance is not None:
        parts.append(f"{summary.acceptance:.0%} of judged tokens accepted")
    parts.append(f"{summary.forced} forced")
    if summary.empty:
        parts.append(f"{summary.empty} of the sentences without a translation")
    if summary.real_time_factor is not None:
        parts.append(f"real-time factor {summary.real_time_factor:.2f}")
    return "; ".join(parts)


def _in_words(signature: dict[str, object]) -> str:
    flat = [f"{k} {v}" for k, v in signature.items() if isinstance(v, str | int | float)]
    return ", ".join(flat)
