"""`simulst serve`: its options, its start and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
import soundfile
from websockets.asyncio.client import connect

from simulst import cli, conference
from simulst.config import Config
from simulst.emit import jsonl
from simulst.rsft.talks import read_talks
from tests.server.client import Client, Echo, Together, alone, server, sound, texts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "0.0.0.0"], "--tokens FILE, or --insecure"),
        (["--host", "talks.example"], "--tokens FILE, or --insecure"),
        (["--tokens", "{dir}/none"], "cannot be read"),
        (["--tokens", "{dir}/short"], "line 1: a token has at least 16"),
        (["--tokens", "{dir}/empty"], "holds no token"),
        (["--tokens", "{dir}/twice"], "line 2: this token is there already"),
        (["--tokens", "{dir}/long"], "write TOKEN [NAME]"),
        (["--tokens", "{dir}/good", "--insecure"], "exclude each other"),
        (["--key", "{dir}/good"], "--key is of no use without --certificate"),
        (["--certificate", "{dir}/good"], "cannot be used"),
        (["--port", "70000"], "ports go from 0"),
        (["--origin", "talks.example"], "like https://talks.example"),
        (["--sessions", "-1"], "must not be negative"),
        (["--speed", "0.5"], "below 1 no speaker"),
        (["--frame-bytes", "10"], "at least 1024"),
        (["--to", "de,de"], "name each language once"),
        (["--rule", "best"], "use one of"),
    ],
)
def test_what_would_not_work_is_refused_at_once(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that is wrong is named in one line, before any model is loaded; no token is."""
    good = "a-token-long-enough"
    for name, text in {
        "short": "secret\n",
        "empty": "# none\n",
        "twice": f"{good}\n{good} anna\n",
        "long": f"{good} anna smith\n",
        "good": f"{good}\n",
    }.items():
        (tmp_path / name).write_text(text)
    given = [option.format(dir=tmp_path) for option in options]
    assert cli.main(["serve", "--to", "de", *given]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert good not in error and "secret" not in error


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def serving(
    options: list[str], port: int, visit: Callable[[], Coroutine[Any, Any, None]]
) -> tuple[int, list[BaseException]]:
    """Run `simulst serve` in this thread, and a visitor in another; code, and what went wrong."""
    errors: list[BaseException] = []

    def go() -> None:
        try:
            asyncio.run(asyncio.wait_for(visit(), 30))
        except BaseException as error:
            errors.append(error)
            os.kill(os.getpid(), signal.SIGTERM)

    visitor = threading.Thread(target=go)
    visitor.start()
    code = cli.main(["serve", "--to", "de,fr", "--port", str(port), *options])
    visitor.join(30)
    return code, errors


async def reach(port: int, path: str = "/v1/interpret") -> Any:
    """Connect as soon as somebody listens."""
    while True:
        try:
            return await connect(f"ws://127.0.0.1:{port}{path}", proxy=None)
        except OSError:
            await asyncio.sleep(0.05)


@pytest.fixture(autouse=True)
def echoes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that take no time to load."""

    def build(config: Config, targets: Sequence[str]) -> Together:
        return Together({target: Echo(target) for target in targets})

    monkeypatch.setattr(conference, "build", build)


def test_a_signal_lets_sessions_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After SIGTERM nobody is let in, who runs gets their last words, and the exit code is 0."""
    port = free_port()

    async def visit() -> None:
        client = Client(await reach(port))
        await client.tell("start", rate=16_000, target="fr")
        await client.hear(sound())
        while len(client.texts()) < 40:
            await client.until("update")
        os.kill(os.getpid(), signal.SIGTERM)
        done = await client.until("done")
        assert done["reason"] == "the server stops"
        assert done["code"] == "stopping"
        assert client.texts() == texts(alone(Echo(), sound()))
        assert (await client.closed())[0] == 1000

    code, errors = serving(["--drain-s", "0.3", "--record", str(tmp_path)], port, visit)
    assert (code, errors) == (0, [])
    said = capsys.readouterr().err
    assert f"listening at http://127.0.0.1:{port}/ for anybody who can reach it" in said
    assert "en to de, en to fr" in said
    assert "1 sessions may go on" in said
    # what was recorded can be learnt from
    (folder,) = tmp_path.iterdir()
    heard, rate = soundfile.read(folder / "audio.flac", dtype="float32")
    assert rate == 16_000 and (heard == sound()).all()
    updates = list(jsonl.read(folder / "session.jsonl"))
    assert texts(updates) == texts(alone(Echo(), sound()))
    sentences = list(read_talks(tmp_path, "en", "fr"))
    assert " ".join(s.source for s in sentences).split() == texts(updates)


def test_while_it_drains_nobody_is_let_in() -> None:
    """A server that is about to stop gives no place, but lets those who are there go on."""

    async def run() -> None:
        async with server(drain_s=5) as running, running.client() as client:
            await client.tell("start", rate=16_000)
            await client.hear(sound()[:16_000])
            drain = asyncio.create_task(running.app.sessions.drain())
            await asyncio.sleep(0.1)
            assert (await running.get("/readyz"))[0] == 503
            status, _, body = await running.get("/v1/interpret")
            assert status == 503 and "about to stop" in body
            await client.hear(sound()[16_000:])
            await client.tell("finish")
            await client.until("done")
            assert client.texts() == texts(alone(Echo(), sound()))
            async with asyncio.timeout(5):
                await drain

    asyncio.run(run())


def test_a_port_in_use_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Where another program listens, the error says so."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        port = one.getsockname()[1]
        assert cli.main(["serve", "--to", "de", "--port", str(port)]) == 2
    assert f"--port {port} cannot be listened at" in capsys.readouterr().err


def test_a_recording_that_fails_ends_no_session(tmp_path: Path) -> None:
    """Where no recording can be made a session goes on without it."""
    port = free_port()
    root = tmp_path / "talks"

    async def visit() -> None:
        one = await reach(port)
        root.rmdir()
        root.write_text("not a folder")
        client = Client(one)
        await client.tell("start", rate=16_000)
        await client.hear(sound())
        await client.tell("finish")
        await client.until("done")
        assert client.texts() == texts(alone(Echo(), sound()))
        await client.closed()
        os.kill(os.getpid(), signal.SIGINT)

    assert serving(["--record", str(root)], port, visit) == (0, [])
