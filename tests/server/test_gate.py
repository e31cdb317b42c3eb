"""Who is let in, and what is answered beside websockets."""

from __future__ import annotations

import asyncio
import logging
import ssl
import subprocess
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from simulst.server.gate import Door
from simulst.server.tokens import Tokens
from tests.server.client import Client, Echo, alone, server, sound, texts

OPENSSL = (
    *("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
    *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
)
ANNA, BEN, READER = "anna-has-a-token", "ben-has-another-one", "who-reads-has-this"


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    """Two who may speak, one who may read."""
    path = tmp_path / "tokens"
    path.write_text(f"# ours\n\n{ANNA} anna\n{BEN} ben\nread {READER}\n")
    return Tokens.load(path)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/interpret", {}, 401),
        ("/v1/interpret", {"Authorization": f"Bearer {ANNA}x"}, 401),
        ("/v1/interpret", {"Authorization": f"Basic {ANNA}"}, 401),
        ("/v1/interpret", {"Authorization": f"Bearer {READER}"}, 401),
        ("/v1/interpret?token=nothing", {}, 401),
        (f"/v1/realtime/translations?token={ANNA}", {}, 401),
        ("/v1/interpret", {"Authorization": f"Bearer {ANNA}"}, 101),
        (f"/v1/interpret?token={ANNA}", {}, 101),
        (f"/vosk?token={ANNA}", {}, 101),
        (f"/?token={ANNA}", {}, 101),
        (f"/streaming-whisper/ws/room?auth_token={ANNA}", {}, 101),
        ("/v1/realtime/translations", {"Authorization": f"bearer  {ANNA}"}, 101),
        (f"/vosk?token={ANNA}&target=%00", {}, 400),
        (f"//[?token={ANNA}", {}, 400),
        ("/nothing", {"Authorization": f"Bearer {ANNA}"}, 404),
        ("/streaming-whisper/ws/", {"Authorization": f"Bearer {ANNA}"}, 404),
    ],
)
def test_tokens(tokens: Tokens, path: str, headers: dict[str, str], status: int) -> None:
    """A good token opens where the protocol puts it; without one there is no handshake."""

    async def run() -> None:
        async with server(door=Door(port=0, tokens=tokens)) as running:
            try:
                async with running.client(path, additional_headers=headers):
                    found = 101
            except InvalidStatus as refused:
                found = refused.response.status_code
                if found == 401:
                    assert "Bearer" in refused.response.headers["WWW-Authenticate"]
            assert found == status
            async with asyncio.timeout(5):
                while running.app.admission.taken:
                    await asyncio.sleep(0.05)

    asyncio.run(run())


def test_a_token_has_its_share(tokens: Tokens) -> None:
    """Beyond its sessions a token is refused while others have room."""

    async def run() -> None:
        door = Door(port=0, tokens=tokens)
        anna, ben = (f"/v1/interpret?token={token}" for token in (ANNA, BEN))
        async with server(door=door, per_token=1) as running, running.client(anna):
            assert (await running.get(anna))[0] == 503
            assert (await running.get(ben))[0] == 426

    asyncio.run(run())


def test_a_session_is_its_owners(tokens: Tokens) -> None:
    """Another's token does not resume a session, even with its id."""

    async def run() -> None:
        async with server(door=Door(port=0, tokens=tokens)) as running:
            async with running.client(f"/v1/interpret?token={ANNA}") as anna:
                await anna.tell("start", rate=16_000, resumable=True)
                session = (await anna.until("opened"))["session"]
                anna.socket.transport.abort()
            async with running.client(f"/v1/interpret?token={BEN}") as ben:
                await ben.tell("resume", session=session, after=0)
                assert (await ben.until("error"))["code"] == "unknown_session"
            async with running.client(f"/v1/interpret?token={ANNA}") as anna:
                await anna.tell("resume", session=session, after=0)
                assert (await anna.until("opened"))["resumed"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        (None, None, 101),
        ("http://127.0.0.1:{port}", None, 101),
        ("https://talks.example", None, 101),
        ("https://evil.example", None, 403),
        ("null", None, 403),
        ("http://127.0.0.1:1", None, 403),
        ("http://evil.example:{port}", "evil.example:{port}", 403),  # DNS rebinding
        ("http://localhost:{port}", "localhost:{port}", 101),
    ],
)
def test_origins(origin: str | None, host: str | None, status: int) -> None:
    """Pages of other origins are refused unless allowed; programs, which send none, are not."""

    async def run() -> None:
        door = Door(port=0, origins=frozenset({"https://talks.example"}))
        async with server(door=door) as running:
            lines = [
                f"Host: {(host or '127.0.0.1:{port}').format(port=running.port)}",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            ]
            if origin is not None:
                lines.append(f"Origin: {origin.format(port=running.port)}")
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write("\r\n".join(("GET /v1/interpret HTTP/1.1", *lines, "", "")).encode())
            first = await asyncio.wait_for(reader.readline(), 10)
            writer.transport.abort()
            assert int(first.split()[1]) == status

    asyncio.run(run())


def test_a_broken_handshake_leaves_no_place_taken() -> None:
    """A websocket request that lacks its key is refused, and its place is free again."""

    async def run() -> None:
        async with server() as running:
            status, _, _ = await running.get(
                "/v1/interpret", "Connection: Upgrade", "Upgrade: websocket"
            )
            assert status == 400
            await asyncio.sleep(0.05)
            assert running.app.admission.taken == 0

    asyncio.run(run())


def test_pages_are_served_with_a_strict_policy() -> None:
    """The pages and their files come with their types; nothing outside of them is served."""

    async def run() -> None:
        async with server() as running:
            for path, kind in (
                ("/", "text/html"),
                ("/overlay", "text/html"),
                ("/static/style.css", "text/css"),
                ("/static/link.js", "text/javascript"),
            ):
                status, headers, body = await running.get(path)
                assert status == 200 and body
                assert headers["content-type"].startswith(kind)
                assert headers["x-content-type-options"] == "nosniff"
                policy = headers["content-security-policy"]
                assert "default-src 'none'" in policy and "unsafe" not in policy
                if kind == "text/html":
                    assert "<script>" not in body and " onclick=" not in body
            for path in ("/static/", "/static/../app.py", "/static/..%2fapp.py", "/etc/passwd"):
                assert (await running.get(path))[0] == 404

    asyncio.run(run())


def test_health_languages_and_figures(tokens: Tokens) -> None:
    """Health is for everybody, figures and languages are for who has a token."""

    async def run() -> None:
        engines = {"de": Echo("de"), "fr": Echo("fr")}
        async with server(engines, Door(port=0, tokens=tokens)) as running:
            assert (await running.get("/healthz"))[0] == 200
            assert (await running.get("/readyz"))[0] == 200
            for path in ("/metrics", "/v1/languages"):
                assert (await running.get(path))[0] == 401
            bearer = f"Authorization: Bearer {READER}"
            _, _, body = await running.get("/v1/languages", bearer)
            assert body == '{"source": ["en"], "target": ["de", "fr"]}'
            status, headers, body = await running.get("/metrics", bearer)
            assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
            assert 'simulst_refused_total{why="token"} 2\n' in body

    asyncio.run(run())


def test_readers(tokens: Tokens) -> None:
    """Who has the key, or a token and the id, reads a session along; nobody else does."""

    async def run() -> None:
        async with (
            server(door=Door(port=0, tokens=tokens)) as running,
            running.client(f"/v1/interpret?token={ANNA}") as anna,
        ):
            await anna.tell("start", rate=16_000, resumable=True)
            opened = await anna.until("opened")
            session, key = opened["session"], opened["follow"]
            ways = (
                f"session={key}",
                f"session={session}&token={key}",
                f"session={session}&token={READER}&tentative=1",
            )
            for wrong in (f"session={session}", f"session={key[:-1]}", "", "session="):
                assert (await running.get(f"/v1/follow?{wrong}"))[0] == 401
            assert (await running.get(f"/v1/follow?session=x&token={READER}"))[0] == 404
            readers: list[Client] = []
            async with asyncio.TaskGroup() as group:
                for way in ways:
                    group.create_task(_read(running.port, way, readers))
                while len(readers) < len(ways):
                    await asyncio.sleep(0.01)
                await anna.hear(sound())
                await anna.tell("finish")
                await anna.until("done")
            expected = texts(alone(Echo(), sound()))
            for reader in readers:
                assert reader.of("opened")[0]["session"] == ""
                assert reader.texts() == expected
                assert not reader.of("ack")
            assert sum(bool(reader.of("partial")) for reader in readers) == 1

    asyncio.run(run())


async def _read(port: int, query: str, readers: list[Client]) -> None:
    url = f"ws://127.0.0.1:{port}/v1/follow?{query}"
    async with asyncio.timeout(20), connect(url, proxy=None) as socket:
        client = Client(socket)
        await client.until("opened")
        readers.append(client)
        await client.until("done")


def test_a_reader_has_no_say() -> None:
    """Whatever a reader sends is refused, closes its connection, and leaves the session alone."""

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=16_000)
            key = (await client.until("opened"))["follow"]
            async with running.client(f"/v1/follow?session={key}") as reader:
                await reader.tell("finish")
                assert (await reader.until("error"))["code"] == "read_only"
                assert (await reader.closed())[0] == 1008
            await client.hear(sound())
            await client.tell("finish")
            await client.until("done")
            assert client.texts() == texts(alone(Echo(), sound()))

    asyncio.run(run())


def test_a_reader_may_ask_for_what_was() -> None:
    """With a number a reader gets what a resumable session still has from then on."""

    async def run() -> None:
        async with server() as running, running.client() as client:
            await client.tell("start", rate=16_000, resumable=True)
            key = (await client.until("opened"))["follow"]
            await client.hear(sound()[:32_000])
            await client.tell("mark", name="half")
            await client.until("marked")
            with pytest.raises(InvalidStatus, match="400"):
                async with running.client(f"/v1/follow?session={key}&after=x"):
                    pass
            async with running.client(f"/v1/follow?session={key}&after=0") as reader:
                await reader.until("opened")
                await client.hear(sound()[32_000:])
                await client.tell("finish")
                await reader.until("done")
                assert reader.texts() == texts(alone(Echo(), sound()))
            await client.until("done")

    asyncio.run(run())


def test_no_token_reaches_a_log(tokens: Tokens, caplog: pytest.LogCaptureFixture) -> None:
    """Neither good nor bad tokens stand in any log, whatever the level."""
    caplog.set_level(logging.DEBUG)
    secret = "a-secret-that-nobody-may-read"

    async def run() -> None:
        async with server(door=Door(port=0, tokens=tokens)) as running:
            await running.get(f"/v1/interpret?token={secret}")
            await running.get("/v1/interpret", f"Authorization: Bearer {secret}")
            with pytest.raises(IndexError):  # no answer: it is no HTTP
                await running.get("/v1/interpret", f"Bad Header {secret}")
            async with running.client(f"/v1/interpret?token={ANNA}") as client:
                await client.tell(secret)
                await client.until("error")
            async with running.client(f"/v1/interpret?token={ANNA}") as client:
                client.socket.transport.abort()

    asyncio.run(run())
    ours = [record for record in caplog.records if record.name != "websockets.client"]
    told = "\n".join(record.getMessage() + str(record.exc_info) for record in ours)
    assert secret not in told and ANNA not in told
    assert "asyncio" in {record.name for record in ours}


def test_tls(tmp_path: Path) -> None:
    """With a certificate the socket speaks TLS, and nothing else."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    done = subprocess.run(
        ["openssl", "req", *OPENSSL, "-keyout", str(key), "-out", str(certificate)],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate, key)
    theirs = ssl.create_default_context(cafile=str(certificate))

    async def run() -> None:
        async with server(door=Door(port=0, tls=ours)) as running:
            url = f"wss://localhost:{running.port}/v1/interpret"
            secure = connect(url, ssl=theirs, proxy=None, host="127.0.0.1", port=running.port)
            async with asyncio.timeout(20), secure as one:
                client = Client(one)
                await client.tell("start", rate=16_000)
                await client.hear(sound())
                await client.tell("finish")
                await client.until("done")
                assert client.texts() == texts(alone(Echo(), sound()))
            with pytest.raises((InvalidMessage, OSError)):
                async with running.client():
                    pass

    asyncio.run(run())
