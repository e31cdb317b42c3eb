"""A hub on loopback, an empty cache, and tiny models in the forms that the real hub has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asr import tiny as whisper
from tests.hub.stub import StubHub, serve
from tests.translate import tiny

WHISPER, MARIAN = "Systran/faster-whisper-small", "Helsinki-NLP/opus-mt-en-de"


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders as repositories hold them, with what nobody wants beside it."""
    folder = tmp_path_factory.mktemp("repositories")
    found = {
        WHISPER: whisper.build(folder / "whisper", multilingual=True),
        MARIAN: tiny.marian(folder / "marian"),
    }
    for path in found.values():
        (path / "README.md").write_text("---\nlicense: x\n---\n\n# A card\n\nMade for tests.\n")
        (path / "tf_model.h5").write_bytes(b"not wanted")
        (path / ".gitattributes").write_text("*.bin filter=lfs\n")
    (found[MARIAN] / "pytorch_model.bin").write_bytes(b"the same weights once more")
    return found


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "simulst" / "models"


@pytest.fixture
def hub(
    cache: Path, originals: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[StubHub]:
    """The hub that HF_ENDPOINT names; its client waits for nothing."""
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    for name in ("HF_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serve() as running:
        running.models = dict(originals)
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running
