"""Model packs: folders with weights, tokenizer, configuration and a card.

A pack is found by path, or by name among those that ship, then among the user's own. Its
manifest `pack.json` says what it is and holds the size and SHA-256 of every file, so that a
missing or damaged file is named before anything is loaded. A model that was pulled from the hub
lies in the user's cache as a pack, under its name there, OWNER/NAME.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulst import catalogue
from simulst.errors import ModelError

__all__ = [
    "KINDS",
    "MANIFEST",
    "Pack",
    "available",
    "cache_folder",
    "find",
    "find_pair",
    "has",
    "on_hub",
    "open_pack",
    "read_manifest",
    "revision_of",
    "told",
    "write_manifest",
]

MANIFEST = "pack.json"
FORMAT = 1
KINDS = {"asr": "listener", "translator": "translator"}

_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")

_READ_BYTES = 64 << 20
"""Larger files are only measured when a pack is opened: reading gigabytes takes long."""


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
    shipped = [here / "models", here.parent / "models"]  # installed; working tree
    return [folder for folder in (*shipped, cache_folder()) if folder.is_dir()]


def cache_folder() -> Path:
    """The user's own packs: $XDG_CACHE_HOME/simulst/models, or ~/.cache/simulst/models."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "simulst" / "models"


def on_hub(name: str) -> bool:
    """Whether a name is one of the hub's, OWNER/NAME, and no folder."""
    return _HUB.fullmatch(name) is not None and not Path(name).is_dir()


def told(name: str) -> str:
    """A pack's name for others to read: without the folders of this machine.

    Args:
        name: of a pack, or of several by comma; "hf:" and the like may stand before a folder.
    """
    parts = []
    for part in name.split(","):
        before, colon, folder = part.rpartition(":")
        path = Path(folder)
        parts.append(before + colon + (path.name if path.is_absolute() else folder))
    return ",".join(parts)


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


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a pack says of itself; its files are not looked at.

    Raises:
        ModelError: there is no manifest, or it cannot be read.
    """
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


def open_pack(folder: Path, kind: str | None = None, *, thorough: bool = False) -> Pack:
    """Read a pack's manifest and check its files.

    Args:
        folder: of the pack.
        kind: that it must be of, if any.
        thorough: read also files of more than 64 MiB, whose size alone is checked else.

    Raises:
        ModelError: no manifest, a file missing or damaged, or a pack of another kind.
    """
    manifest = read_manifest(folder)
    if kind is not None and manifest["kind"] != kind:
        raise ModelError(
            f"pack {folder.name} is a {KINDS[manifest['kind']]}, not a {KINDS[kind]}: "
            "name another pack"
        )
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"pack {folder.name}: {name} is missing: fetch or rebuild the pack")
        reads = thorough or facts["bytes"] <= _READ_BYTES
        damaged = path.stat().st_size != facts["bytes"]
        if damaged or (reads and _digest(path) != facts["sha256"]):
            raise ModelError(f"pack {folder.name}: {name} is damaged: fetch or rebuild the pack")
    rest = {k: v for k, v in manifest.items() if k not in ("format", "kind", "files")}
    name = str(manifest.get("repository") or folder.name)
    return Pack(folder, name, manifest["kind"], rest)


def revision_of(folder: Path) -> str:
    """The revision of the hub that a folder holds; "" for what never was there."""
    if (folder / MANIFEST).is_file():
        return str(read_manifest(folder).get("revision") or "")
    # the cache of Hugging Face keeps a folder a revision
    return folder.name if _COMMIT.fullmatch(folder.name) else ""


def available(kind: str | None = None) -> dict[str, dict[str, Any]]:
    """Manifests of the packs that can be found by name; files are not checked."""
    found: dict[str, dict[str, Any]] = {}
    for folder in folders():
        # OWNER/NAME are pulled ones; what lies that deep beside shipped packs is to train on from
        pulled = folder.glob(f"*/*/{MANIFEST}") if folder == cache_folder() else ()
        for path in sorted((*folder.glob(f"*/{MANIFEST}"), *pulled)):
            try:
                manifest = read_manifest(path.parent)
            except ModelError:
                continue  # a damaged stranger must not hide the others; `find` names it
            if kind is None or manifest["kind"] == kind:
                name = path.parent.relative_to(folder).as_posix()
                found.setdefault(name, {**manifest, "path": path.parent})
    return found


def _folder_of(name: str, kind: str) -> Path | None:
    """Where the pack of a name lies, or one that the hub has under this name."""
    for folder in folders():
        if (folder / name / MANIFEST).is_file():
            return folder / name
    known = None if "/" in name else catalogue.repository(name, kind)
    return _folder_of(known, kind) if known else None


def has(name: str, kind: str) -> bool:
    """Whether there is a pack of this name."""
    return (os.sep not in name or on_hub(name)) and _folder_of(name, kind) is not None


def find(name: str, kind: str) -> Pack:
    """Open a pack by path or by name.

    Raises:
        ModelError: there is no such pack, or `open_pack` refuses it.
    """
    if (os.sep in name or name in (".", "..")) and not on_hub(name):
        if not Path(name).is_dir():
            raise ModelError(f"{name} is no folder: give the folder of a {KINDS[kind]} pack")
        return open_pack(Path(name), kind)
    if folder := _folder_of(name, kind):
        return open_pack(folder, kind)
    names = ", ".join(available(kind)) or "none"
    if on_hub(name) or catalogue.repository(name, kind):
        raise ModelError(
            f"{name} is not on this machine: fetch it with `simulst models pull {name}`; "
            f"available: {names}"
        )
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
    pairs = ", ".join(
        sorted(f"{m['source']}-{m['target']}" for m in packs.values() if m.get("source"))
    )
    raise ModelError(
        f"no pack translates {source} to {target}; available: {pairs or 'none'}; "
        "`simulst models list` shows what can be pulled"
    )
