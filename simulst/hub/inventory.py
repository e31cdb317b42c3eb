"""`simulst models list`: what is on this machine, and what can be pulled by a known name."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simulst import catalogue, packs
from simulst.hub.pull import partial_folder

__all__ = ["add_arguments", "languages_of", "run", "size_of"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options: none."""


def run(args: argparse.Namespace) -> int:
    """Print both lists."""
    here = packs.available()
    rows = [
        (name, packs.KINDS[m["kind"]], languages_of(m), size_of(m), str(m.get("license") or ""))
        for name, m in here.items()
    ]
    print("on this machine:")
    _print(rows)
    for name in _begun(packs.cache_folder()):
        print(f"  {name}  has not come whole: simulst models pull {name}")
    pulled = {manifest.get("repository") for manifest in here.values()}
    print("\ncan be pulled with `simulst models pull NAME`; sizes are about:")
    _print(
        (e.name, packs.KINDS[e.kind], e.languages, _size(e.megabytes * 1_000_000), e.licence)
        for e in (*catalogue.listeners(), *catalogue.TRANSLATORS)
        if e.repository not in pulled
    )
    print(
        "\nalso: any opus-mt-SOURCE-TARGET, and other encoder-decoders or models of faster-whisper "
        "by their name on the hub, OWNER/NAME"
    )
    return 0


def _print(rows: Iterable[tuple[str, ...]]) -> None:
    """Columns, aligned."""
    table = list(rows) or [("none",)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"  {'  '.join(cells)}".rstrip())


def _begun(cache: Path) -> list[str]:
    """Names of models that were pulled in part and have no older revision whole."""
    folders = sorted(path.parent for path in cache.glob(f"*/*/{partial_folder(Path()).name}"))
    return [
        folder.relative_to(cache).as_posix()
        for folder in folders
        if not (folder / packs.MANIFEST).is_file()
    ]


def languages_of(manifest: Mapping[str, Any]) -> str:
    """In words."""
    if manifest.get("source"):
        return f"{manifest['source']} to {manifest['target']}"
    named = [str(language) for language in manifest.get("languages") or ()]
    named = named or [str(manifest.get("language") or "")]
    return f"{len(named)} languages" if len(named) > 4 else " ".join(named)


def size_of(manifest: Mapping[str, Any]) -> str:
    """Of all files of a pack."""
    return _size(sum(facts["bytes"] for facts in manifest["files"].values()))


def _size(size: int) -> str:
    if not size:
        return ""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
