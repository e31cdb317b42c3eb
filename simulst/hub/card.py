"""`simulst models show NAME`: a model's files, languages, licence and card."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulst import catalogue, packs
from simulst.errors import ModelError
from simulst.hub.inventory import languages_of, size_of
from simulst.hub.pull import repository_of

__all__ = ["add_arguments", "excerpt", "run"]

_LINES = 12
"""Of the card that are shown."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="of a model, or its folder")


def run(args: argparse.Namespace) -> int:
    """Print what is known of one model; every file of it is read and checked.

    Raises:
        ConfigError: there is no such name.
        ModelError: it is damaged.
    """
    found = {name: manifest["path"] for name, manifest in packs.available().items()}
    folder = Path(args.name) if Path(args.name).is_dir() else found.get(args.name)
    if folder is None:
        repository = repository_of(args.name)
        folder = found.get(repository)
        if folder is None:
            return _absent(args.name, repository)
    _show(folder)
    return 0


def _absent(name: str, repository: str) -> int:
    """Say what is known of a model that is not here."""
    print(f"{name}: {repository} on the hub, not on this machine")
    for entry in (*catalogue.TRANSLATORS, *catalogue.listeners()):
        if entry.name == name:
            size = f", about {entry.megabytes} MB" if entry.megabytes else ""
            print(f"{packs.KINDS[entry.kind]}, {entry.languages}{size}")
            break
    print(f"fetch it with: simulst models pull {name}")
    return 0


def _show(folder: Path) -> None:
    """Print a pack's facts, files and card.

    Raises:
        ModelError: it is damaged.
    """
    manifest = packs.read_manifest(folder)
    state, damage = "every file has the checksum of its manifest", None
    try:
        packs.open_pack(folder, thorough=True)
    except ModelError as error:
        state, damage = "damaged", error
    facts = {
        "kind": packs.KINDS[manifest["kind"]],
        "made with": manifest.get("architecture"),
        "languages": languages_of(manifest),
        "licence": manifest.get("license"),
        "repository": manifest.get("repository"),
        "revision": manifest.get("revision"),
        "folder": folder,
        "size": size_of(manifest),
        "state": state,
    }
    for name, value in facts.items():
        if value:
            print(f"{name:<11}{value}")
    for name, of_file in manifest["files"].items():
        print(f"  {of_file['bytes']:>13,}  {of_file['sha256'][:16]}  {name}")
    for line in excerpt(folder):
        print(f"  | {line}")
    if damage is not None:
        raise damage


def excerpt(folder: Path) -> list[str]:
    """The beginning of a model's card, without the facts for machines at its head."""
    for name in ("CARD.md", "README.md"):
        try:
            lines = (folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        if lines[:1] == ["---"] and "---" in lines[1:]:
            lines = lines[lines.index("---", 1) + 1 :]
        # whatever a stranger may have put there, a terminal only gets text
        texts = ("".join(c for c in line if c.isprintable()).rstrip() for line in lines)
        return [text for text in texts if text][:_LINES]
    return []
