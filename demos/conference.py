"""Several speakers at once, each with captions: a client of the server's own wire.

simulst serve --to de &
python demos/conference.py [--speakers 3] [--sound FILE] [--to de] [ws://127.0.0.1:8765]

Each speaks at the pace of life, a second after the one before. A cut connection is taken up again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import soundfile
from websockets import ClientConnection, ConnectionClosed, connect

TALK = Path(__file__).parent / "talk" / "audio.flac"
PACKET_S = 0.1


async def send(socket: ClientConnection, pcm: bytes, rate: int, begun_s: float, at: int) -> None:
    """The sound from sample `at` on, when it is spoken."""
    now, size = asyncio.get_running_loop().time, round(PACKET_S * rate)
    for start in range(at, len(pcm) // 2, size):
        await asyncio.sleep(begun_s + start / rate + PACKET_S - now())
        await socket.send(pcm[2 * start : 2 * (start + size)])
    await socket.send(json.dumps({"type": "finish"}))


async def speak(name: str, url: str, sound: Path, target: str, wait_s: float) -> None:
    """One speaker, through all cuts; a line for each sentence of the translation."""
    samples, rate = soundfile.read(sound, dtype="int16", always_2d=True)
    pcm = samples[:, 0].astype("<i2").tobytes()
    await asyncio.sleep(wait_s)
    begun_s = asyncio.get_running_loop().time()
    hello: dict[str, object] = {"type": "start", "rate": rate, "target": target, "resumable": True}
    sentence, line = 0, ""
    async for socket in connect(f"{url}/v1/interpret"):  # again and again, with growing pauses
        sending = None
        try:
            await socket.send(json.dumps(hello))
            async for frame in socket:
                event = json.loads(frame)
                if event["type"] == "opened":
                    after = hello.get("after", 0)
                    hello = {"type": "resume", "session": event["session"], "after": after}
                    sending = asyncio.create_task(send(socket, pcm, rate, begun_s, event["taken"]))
                elif event["type"] == "update":
                    hello["after"] = event["number"]
                    for unit in event.get("emissions", ()):
                        if unit["sentence"] != sentence:
                            print(f"{name}: {line.strip()}", flush=True)
                            sentence, line = unit["sentence"], ""
                        line += unit["space"] + unit["text"]
                elif event["type"] in ("done", "error"):
                    return print(f"{name}: {line.strip() or event.get('message')}", flush=True)
        except ConnectionClosed:
            continue
        finally:
            if sending is not None:
                sending.cancel()


async def main() -> None:
    """All speakers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:8765")
    parser.add_argument("--speakers", type=int, default=3)
    parser.add_argument("--sound", type=Path, default=TALK)
    parser.add_argument("--to", default="")
    args = parser.parse_args()
    speakers = ((f"speaker {n}", args.url, args.sound, args.to, n) for n in range(args.speakers))
    await asyncio.gather(*(speak(*each) for each in speakers))


if __name__ == "__main__":
    asyncio.run(main())
