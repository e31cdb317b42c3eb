"""`simulst serve`: interpretation over the network, on this machine."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import signal
import ssl
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from simulst.emit.recording import session_folder
from simulst.errors import ConfigError, OutputError
from simulst.options import add_engine_arguments, settings, targets
from simulst.server.limits import Limits

if TYPE_CHECKING:
    from simulst.conference import Conference
    from simulst.server.app import App
    from simulst.server.gate import Door
    from simulst.server.protocols import Recorder

__all__ = ["add_arguments", "run"]

LIMITS = {
    "sessions": "sessions at once; 0 for as many as this machine is measured to carry",
    "per_token": "sessions at once of one token; 0 for any number",
    "tracks": "speakers of one connection interpreted at once, where its protocol carries several",
    "silent_s": "that one of several speakers may be silent and keep a place",
    "session_s": "length of a session; 0 for any",
    "idle_s": "without a message of the client; 0 for any",
    "resume_s": "that a session waits for a client whose connection was cut",
    "drain_s": "that sessions may go on after SIGTERM or Ctrl-C",
    "speed": "sound that a client may send, times life; 0 for as fast as the machine allows",
    "frame_bytes": "of one message",
}

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--to",
        required=True,
        metavar="LANG[,LANG]",
        help="languages to translate into; the first serves clients that name none, and a session "
        "in several, or with readers of several, is recognised once",
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="keep sound and journal of every session in DIR, for simulst finetune",
    )
    parser.add_argument(
        "--speak",
        action="store_true",
        help="let clients of the realtime translation protocol hear the translation, too",
    )
    add_engine_arguments(parser)
    door = parser.add_argument_group("who may connect")
    door.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    door.add_argument("--port", type=int, default=8765, metavar="N", help="(default: %(default)s)")
    door.add_argument(
        "--tokens", type=Path, metavar="FILE", help="tokens that are good, one a line"
    )
    door.add_argument("--certificate", type=Path, metavar="FILE", help="for TLS, PEM")
    door.add_argument("--key", type=Path, metavar="FILE", help="its key, if it is not in there")
    door.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="URL",
        help="a web page's origin that may connect beside the server's own; repeatable",
    )
    door.add_argument(
        "--insecure", action="store_true", help="let other machines in without tokens"
    )
    limits = parser.add_argument_group("limits")
    usual = Limits()
    for name, purpose in LIMITS.items():
        value = getattr(usual, name)
        limits.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(value),
            default=value,
            metavar="N",
            help=f"{purpose} (default: {value:.10g})",
        )


def _door(args: argparse.Namespace) -> Door:
    """Where to listen, and whom to let in.

    Raises:
        ConfigError: it would stand open, or its parts do not go together.
    """
    from simulst.server.gate import Door
    from simulst.server.tokens import Tokens

    if not 0 <= args.port <= 65_535:
        raise ConfigError(f"--port {args.port}: ports go from 0 (any that is free) to 65535")
    for origin in args.origin:
        if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
            raise ConfigError(
                f"--origin {origin}: write it as a browser does, like https://talks.example"
            )
    tokens = Tokens() if args.tokens is None else Tokens.load(args.tokens)
    if not (tokens or args.insecure or _is_loopback(args.host)):
        raise ConfigError(
            f"--host {args.host} lets other machines in, and anybody on them: give --tokens FILE, "
            "or --insecure if the network itself is closed"
        )
    if tokens and args.insecure:
        raise ConfigError("--insecure and --tokens exclude each other: leave one out")
    tls: ssl.SSLContext | None = None
    if args.certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            tls.load_cert_chain(args.certificate, args.key, password=_no_password)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"--certificate {args.certificate} cannot be used: {error}"
            ) from error
    elif args.key is not None:
        raise ConfigError("--key is of no use without --certificate")
    return Door(args.host, args.port, tokens, frozenset(args.origin), tls)


def _no_password() -> str:
    raise ValueError("the key asks for a password: give one without, readable by the server alone")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _recorder(root: Path | None, engine: Conference) -> Callable[[Sequence[str]], Recorder | None]:
    """What begins the recording of a session."""
    from simulst.server.recordings import TalkRecording

    def record(wanted: Sequence[str]) -> Recorder | None:
        if root is None:
            return None
        try:
            folder = session_folder(root, datetime.now())
            signatures = {target: engine.booths[target].signature() for target in wanted}
            return TalkRecording(folder, signatures)
        except OutputError as error:  # who speaks is not to suffer from it
            log.error("a session is not recorded: %s", error)
            return None

    return record


def run(args: argparse.Namespace) -> int:
    """Serve until a signal comes; return 0.

    Raises:
        ConfigError: options out of range, or that do not go together.
        ModelError: a pack is unknown or damaged, or none serves the languages.
        OutputError: there is no place for recordings.
    """
    logging.basicConfig(format="simulst: %(message)s", level=logging.INFO)
    config, door = settings(args), _door(args)
    limits = Limits(**{name: getattr(args, name) for name in LIMITS})
    languages = targets(args.to)
    if args.record is not None:
        try:
            args.record.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{args.record} cannot be made: {error.strerror}") from error

    from simulst.audio.resampling import Resampler
    from simulst.conference import build
    from simulst.server.app import App
    from simulst.server.capacity import weigh
    from simulst.server.speech import Voices

    engine = build(config, languages)
    Resampler(48_000)  # the first one takes a second, which no session should wait for
    cost, share = weigh(engine)
    voices = Voices.open(config.speak, languages) if args.speak else None
    app = App(engine, cost, door, limits, _recorder(args.record, engine), voices, share)
    try:
        asyncio.run(_serve(app))
    except OSError as error:
        raise ConfigError(
            f"--host {door.host} --port {door.port} cannot be listened at: {error.strerror}"
        ) from error
    return 0


async def _serve(app: App) -> None:
    """Listen until a signal comes, then let the sessions end; a second signal kills."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)
    async with app.listening() as server:
        for line in _greeting(app, next(iter(server.sockets)).getsockname()[1]):
            print(line, file=sys.stderr, flush=True)
        await stop.wait()
        running = len(app.sessions.running())
        print(f"simulst: stopping; {running} sessions may go on", file=sys.stderr, flush=True)
        await app.drain()


def _greeting(app: App, port: int) -> list[str]:
    door, cost = app.door, app.admission.cost
    scheme = "https" if door.tls else "http"
    host = f"[{door.host}]" if ":" in door.host else door.host
    engine = app.sessions.engine
    pairs = [f"{engine.source_language} to {target}" for target in engine.targets]
    who = "with a token" if door.tokens else "anybody who can reach it"
    further = ""
    if len(pairs) > 1:
        further = f", and a further language of a session {app.admission.share:.0%} of that"
    return [
        f"simulst: listening at {scheme}://{host}:{port}/ for {who}; {', '.join(pairs)}",
        f"simulst: {app.admission.capacity} sessions at once; a second of sound takes {cost:.3f} s "
        f"of one worker{further}",
    ]
