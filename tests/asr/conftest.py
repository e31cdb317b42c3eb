"""Models for the tests of listening: a tiny random one, and the pack that ships if it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst import packs
from simulst.packs import Pack
from tests.asr import tiny

PACK = "listen-en"


@pytest.fixture(scope="session")
def tiny_whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a CTranslate2 Whisper with random weights and no manifest."""
    return tiny.build(tmp_path_factory.mktemp("models") / "tiny-whisper")


@pytest.fixture(scope="session")
def listen_en() -> Pack:
    """The English pack that ships."""
    if PACK not in packs.available("asr"):
        pytest.skip(f"the pack {PACK} is not in models/")
    return packs.find(PACK, "asr")
