"""A hub on loopback: what huggingface_hub asks of the real one, and ways to misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["COMMIT", "StubHub", "serve"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class StubHub:
    """What the hub has and does.

    Attributes:
        url: its address.
        models: folders by OWNER/NAME.
        license, languages: of every card.
        asked: path and Range header of every request.
        cut: files whose transfer is broken off once, after so many bytes.
        swapped: files that are sent with other content of the same size.
        status: answered to every request, with `code` as the hub's own name of the error.
        garbage: body of every answer.
    """

    url: str = ""
    models: dict[str, Path] = field(default_factory=dict)
    license: str = "cc-by-4.0"
    languages: tuple[str, ...] = ("en", "de")
    asked: list[tuple[str, str]] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    swapped: set[str] = field(default_factory=set)
    status: int = 200
    code: str = ""
    garbage: bytes | None = None

    def describe(self, repository: str) -> bytes:
        """The answer of /api/models/OWNER/NAME/revision/main?blobs=true."""
        files: list[dict[str, object]] = []
        for path in sorted(self.models[repository].iterdir()):
            content = path.read_bytes()
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            entry: dict[str, object] = {
                "rfilename": path.name,
                "size": len(content),
                "blobId": blob,
            }
            if path.suffix in (".bin", ".safetensors"):
                sha256 = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 130}
            files.append(entry)
        card = {"license": self.license, "language": list(self.languages)}
        facts = {"id": repository, "sha": COMMIT, "siblings": files, "cardData": card}
        return json.dumps(facts).encode()

    def sent(self, name: str) -> list[str]:
        """Range headers of the requests for a file."""
        return [by for path, by in self.asked if path.endswith(f"/{name}")]


def _handler(hub: StubHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            by = self.headers.get("Range", "")
            hub.asked.append((path, by))
            words = path.strip("/").split("/")
            if hub.status != 200:
                self._answer(hub.status, b"{}", X_Error_Code=hub.code)
            elif hub.garbage is not None:
                self._answer(200, hub.garbage)
            elif words[:2] == ["api", "models"] and "/".join(words[2:4]) in hub.models:
                self._answer(200, hub.describe("/".join(words[2:4])))
            elif words[2:3] == ["resolve"] and "/".join(words[:2]) in hub.models:
                assert words[3] == COMMIT, "files are asked for by commit"
                self._send(hub.models["/".join(words[:2])] / words[4], by)
            else:
                self._answer(404, b"{}", X_Error_Code="RepoNotFound")

        def _send(self, path: Path, by: str) -> None:
            content = path.read_bytes()
            if path.name in hub.swapped:
                content = bytes(255 - byte for byte in content)
            begin = int(by.removeprefix("bytes=").split("-")[0]) if by else 0
            body = content[begin:]
            self.send_response(206 if by else 200)
            if by:
                self.send_header(
                    "Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}"
                )
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            end = hub.cut.pop(path.name, None)
            self.wfile.write(body[:end])
            self.close_connection = end is not None

    return Handler


@contextmanager
def serve() -> Iterator[StubHub]:
    """A hub that runs until the end of the block."""
    hub = StubHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
