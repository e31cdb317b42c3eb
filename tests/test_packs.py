"""Packs: found by name or path, checked before they are loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulst import packs
from simulst.errors import ModelError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache of packs with one translator in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "simulst" / "models" / "xx-yy"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "CARD.md").write_text("# A card\n")
    packs.write_manifest(folder, "translator", {"source": "xx", "target": "yy"})
    return folder


def test_by_name_path_and_pair(cache: Path) -> None:
    """The same pack is found by its name, its folder and its language pair."""
    for pack in (
        packs.find("xx-yy", "translator"),
        packs.find(str(cache), "translator"),
        packs.find_pair("xx", "yy"),
    ):
        assert (pack.path, pack.name, pack.fields["target"]) == (cache, "xx-yy", "yy")


def test_what_is_to_train_on_from_is_not_offered(cache: Path) -> None:
    """By name or pair only what ships and what was pulled; deeper folders are named by path."""
    pulled = cache.parent / "owner" / "name"
    pulled.mkdir(parents=True)
    packs.write_manifest(pulled, "translator", {"source": "aa", "target": "bb"})
    names = list(packs.available("translator"))
    assert {"xx-yy", "owner/name", "en-de"} <= set(names)
    assert not [name for name in names if name.startswith("training")]
    assert packs.find_pair("en", "de").name == "en-de"


def test_unknown_names_list_what_there_is(cache: Path) -> None:
    """An unknown pack or pair is refused with those that exist."""
    with pytest.raises(ModelError, match="no translator pack 'zz'; available: .*xx-yy"):
        packs.find("zz", "translator")
    with pytest.raises(ModelError, match="no pack translates xx to zz; available: .*xx-yy"):
        packs.find_pair("xx", "zz")
    with pytest.raises(ModelError, match="is no folder"):
        packs.find("./nowhere", "asr")


def test_missing_file(cache: Path) -> None:
    """A pack that lost a file is refused with the file's name."""
    (cache / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors is missing"):
        packs.find("xx-yy", "translator")


def test_damaged_file(cache: Path) -> None:
    """A pack with one byte changed is refused with the file's name."""
    (cache / "model.safetensors").write_bytes(b"weighTs")
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged"):
        packs.find("xx-yy", "translator")


def test_damaged_manifest(cache: Path) -> None:
    """A manifest that is no JSON, or of a later format, is refused."""
    manifest = json.loads((cache / packs.MANIFEST).read_text())
    (cache / packs.MANIFEST).write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(ModelError, match="format 99"):
        packs.find("xx-yy", "translator")
    (cache / packs.MANIFEST).write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        packs.find("xx-yy", "translator")


def test_wrong_kind(cache: Path) -> None:
    """A translator named where a listener belongs is refused."""
    with pytest.raises(ModelError, match="is a translator, not a listener"):
        packs.find("xx-yy", "asr")


def test_a_name_for_others_has_no_folders_of_this_machine() -> None:
    """Only the last part of an absolute path is told."""
    assert packs.told("en-de") == "en-de"
    assert packs.told("models/training/en-de-base") == "models/training/en-de-base"
    assert packs.told("/home/me/first,hf:/home/me/second,ct2:en-de:third") == (
        "first,hf:second,ct2:en-de:third"
    )
