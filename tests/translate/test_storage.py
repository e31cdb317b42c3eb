"""Translator packs on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulst import packs
from simulst.errors import ModelError
from simulst.protocols import Prefix, Request, Translator
from simulst.translate.storage import load_translator, save_translator
from tests.fakes import SENTENCES, translator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pack of the random translator."""
    path = tmp_path / "en-de"
    save_translator(path, translator().model, translator().vocabulary, "en", "de")
    return path


def rewrite(folder: Path, **fields: object) -> packs.Pack:
    """Change the manifest and open the pack again."""
    path = folder / packs.MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return packs.open_pack(folder, "translator")


def test_round_trip(folder: Path) -> None:
    """A saved translator drafts what the original drafts, to float16's precision."""
    loaded = load_translator(packs.open_pack(folder, "translator"))
    assert isinstance(loaded, Translator)
    request = Request(tuple(SENTENCES[0].split()[:4]), False, Prefix())
    [(ours, _)] = translator().draft([request], [1], [None])
    [(theirs, _)] = loaded.score([request], [ours])
    assert theirs.log_p == pytest.approx(ours.log_q, abs=0.1)
    assert (loaded.source_language, loaded.target_language) == ("en", "de")


def test_weights_of_another_size(folder: Path) -> None:
    """A manifest whose dimensions disagree with the weights is refused."""
    dimensions = {**translator().model.dim.as_dict(), "width": 64}
    with pytest.raises(ModelError, match="does not hold together"):
        load_translator(rewrite(folder, dimensions=dimensions))


def test_unknown_architecture(folder: Path) -> None:
    """A pack of an architecture that is not known is refused by its name."""
    with pytest.raises(ModelError, match="'mamba'"):
        load_translator(rewrite(folder, architecture="mamba"))


def test_a_field_is_missing(folder: Path) -> None:
    """A manifest without dimensions is refused with the field's name."""
    path = folder / packs.MANIFEST
    manifest = json.loads(path.read_text())
    del manifest["dimensions"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="dimensions"):
        load_translator(packs.open_pack(folder, "translator"))
