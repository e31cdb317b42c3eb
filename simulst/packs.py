"""Model packs: folders with weights, tokenizer, configuration and a card.

A pack is found by path, or by name among those that ship, then among the user's own. Its
manifest `pack.json` says what it is and holds the size and SHA-256 of every file, so that a
missing or damaged file is named before anything is loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulst.errors import ModelError

__all__ = ["MANIFEST", "Pack", "available", "find", "find_pair", "open_pack", "write_manifest"]

MANIFEST = "pack.json"
FORMAT = 1
KINDS = {"asr": "listener", "translator": "translator"}


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack whose files were found whole.

    Attributes:
        path: its folder.
        name: of the folder.
        kind: "asr" or "translator".
        fields: what the manifest says beyond that.
    """

    path: Path
    name: str
    kind: str
    fields: Mapping[str, Any]


def folders() -> list[Path]:
    """Where packs are looked for by name: what ships, then the user's cache."""
    here = Path(__file__).resolve().parent
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "simulst" / "models"
    shipped = [here / "models", here.parent / "models"]  # installed; working tree
    return [folder for folder in (*shipped, cache) if folder.is_dir()]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, kind: str, fields: Mapping[str, Any]) -> Path:
    """Write `pack.json` over all files in the folder but the card and itself."""
    assert kind in KINDS, kind
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": _digest(path)}
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in (MANIFEST, "CARD.md")
    }
    manifest = {"format": FORMAT, "kind": kind, **fields, "files": files}
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ModelError(
                f"{path} has format {manifest['format']}, this simulst reads {FORMAT}: "
                "update simulst"
            )
        if manifest["kind"] not in KINDS or not isinstance(manifest["files"], dict):
            raise KeyError("kind")
    except OSError as error:
        raise ModelError(
            f"{folder} is no pack: {MANIFEST} cannot be read ({error.strerror})"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged ({error}): fetch or rebuild the pack") from error
    return dict(manifest)


def open_pack(folder: Path, kind: str | None = None) -> Pack:
    """Read a pack's manifest and check its files.

    Raises:
        ModelError: no manifest, a file missing or damaged, or a pack of another kind.
    """
    manifest = _read_manifest(folder)
    if kind is not None and manifest["kind"] != kind:
        raise ModelError(
            f"pack {folder.name} is a {KINDS[manifest['kind']]}, not a {KINDS[kind]}: "
            "name another pack"
        )
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"pack {folder.name}: {name} is missing: fetch or rebuild the pack")
        if path.stat().st_size != facts["bytes"] or _digest(path) != facts["sha256"]:
            raise ModelError(f"pack {folder.name}: {name} is damaged: fetch or rebuild the pack")
    rest = {k: v for k, v in manifest.items() if k not in ("format", "kind", "files")}
    return Pack(folder, folder.name, manifest["kind"], rest)


def available(kind: str | None = None) -> dict[str, dict[str, Any]]:
    """Manifests of the packs that can be found by name; files are not checked."""
    found: dict[str, dict[str, Any]] = {}
    for folder in folders():
        for path in sorted(folder.glob(f"*/{MANIFEST}")):
            try:
                manifest = _read_manifest(path.parent)
            except ModelError:
                continue  # a damaged stranger must not hide the others; `find` names it
            if kind is None or manifest["kind"] == kind:
                found.setdefault(path.parent.name, {**manifest, "path": path.parent})
    return found


def find(name: str, kind: str) -> Pack:
    """Open a pack by path or by name.

    Raises:
        ModelError: there is no such pack, or `open_pack` refuses it.
    """
    if os.sep in name or name in (".", ".."):
        if not Path(name).is_dir():
            raise ModelError(f"{name} is no folder: give the folder of a {KINDS[kind]} pack")
        return open_pack(Path(name), kind)
    for folder in folders():
        if (folder / name / MANIFEST).is_file():
            return open_pack(folder / name, kind)
    names = ", ".join(available(kind)) or "none"
    raise ModelError(f"there is no {KINDS[kind]} pack {name!r}; available: {names}")


def find_pair(source: str, target: str) -> Pack:
    """Open the first translator pack that serves a language pair.

    Raises:
        ModelError: none does; the message lists the pairs that are served.
    """
    packs = available("translator")
    for manifest in packs.values():
        if manifest.get("source") == source and manifest.get("target") == target:
            return open_pack(manifest["path"], "translator")
    pairs = ", ".join(sorted(f"{m.get('source')}-{m.get('target')}" for m in packs.values()))
    raise ModelError(f"no pack translates {source} to {target}; available: {pairs or 'none'}")
