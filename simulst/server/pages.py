"""What is served beside the websockets: the pages and their files, from memory."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from websockets.datastructures import Headers
from websockets.http11 import Response

__all__ = ["Pages", "answer"]

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""No script, style or connection but the server's own, and no inline ones."""


def answer(
    status: HTTPStatus, body: str | bytes = "", kind: str = "text/plain; charset=utf-8", **more: str
) -> Response:
    """A whole HTTP answer; underscores in the names of more headers stand for hyphens."""
    data = body.encode() if isinstance(body, str) else body
    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Connection": "close",
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
    )
    return Response(status.value, status.phrase, headers, data)


@dataclass(frozen=True, slots=True)
class _Page:
    body: bytes
    kind: str


class Pages:
    """The files of a folder, read once.

    Args:
        folder: with index.html and overlay.html.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        files = {path.name: path for path in folder.iterdir() if path.suffix in TYPES}
        self._pages = {
            f"/static/{name}": _Page(path.read_bytes(), TYPES[path.suffix])
            for name, path in files.items()
        }
        for path, name in (("/", "index.html"), ("/overlay", "overlay.html")):
            if page := self._pages.get(f"/static/{name}"):
                self._pages[path] = page

    def find(self, path: str) -> Response | None:
        """The page at a path, if there is one."""
        page = self._pages.get(path)
        if page is None:
            return None
        security = {"Content_Security_Policy": POLICY, "Referrer_Policy": "no-referrer"}
        return answer(HTTPStatus.OK, page.body, page.kind, **security)
