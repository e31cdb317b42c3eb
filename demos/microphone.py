"""A microphone interpreted live, as `simulst interpret mic` does it, from the library's parts.

python demos/microphone.py [DEVICE] [--to de] [--out talk.vtt] [--record talks]

On a terminal what is heard stands on the left and its translation on the right; p or space
pauses, q ends. Through a pipe each finished sentence is a line, and Ctrl-C ends it.
`simulst devices` lists the devices.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from simulst.audio.microphone import Microphone
from simulst.config import load
from simulst.emit import files
from simulst.emit.recording import Recording, session_folder
from simulst.errors import SimulstError
from simulst.evaluate.session import SessionScores
from simulst.live import attended, view
from simulst.pipeline import build
from simulst.session import Session, Stop, WallClock


def main(device: str | int | None, target: str, outs: list[Path], record: Path | None) -> None:
    """Interpret until a key or a signal ends it; what was said by then is translated.

    Raises:
        SimulstError: the microphone cannot be opened, or an output cannot be written.
    """
    files.check(outs)
    source = Microphone(device)
    config = load()
    interpreter = build(config, target)
    session = Session(interpreter, WallClock(paced=False), SessionScores())
    with Stop() as stop, attended(source, stop) as keys, session.closing(), source:
        for path in outs:  # each sink gets every update
            session.sinks.append(files.open_file(path, interpreter.signature()))
        if record is not None:
            folder = session_folder(record, datetime.now())
            session.sinks.append(Recording(folder, interpreter.signature()))
        session.sinks.append(view(source, config.asr.language, target, keys))
        session.interpret(source, stop)
    if session.failure is not None:
        raise session.failure
    print(f"{source.name}: {session.fed / 16_000:.1f} s, {source.overflows} overflows")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("device", nargs="?", help="number, or part of the name")
    parser.add_argument("--to", default="de", metavar="LANG")
    parser.add_argument("--out", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--record", type=Path, metavar="DIR", help="keep sound and journal")
    args = parser.parse_args()
    chosen = args.device
    try:
        main(
            int(chosen) if chosen and chosen.isdecimal() else chosen,
            args.to,
            args.out,
            args.record,
        )
    except SimulstError as error:
        parser.exit(2, f"{error}\n")
