"""`simulst models pull`: a model of the hub into the user's cache, as a pack.

What the hub says of the files is asked first; every file is fetched beside its place, goes on
where an earlier attempt broke off, and is moved only when its size and checksum are the hub's.
The manifest comes last, so that there is a whole pack or none. This is the one module of simulst
that fetches anything.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path

from simulst import catalogue, packs
from simulst.errors import ConfigError, ModelError
from simulst.hub.contents import CONFIG, classify, is_large, wanted
from simulst.hub.remote import Listing, RemoteFile, ask, endpoint, failure, failures
from simulst.locks import held

__all__ = ["add_arguments", "partial_folder", "pull", "repository_of", "run"]

_PARTIAL = ".partial"
"""Folder, beside the files, of what has not come whole yet; a file is called by its checksum."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "name", metavar="NAME", help="small, large-v3-turbo, opus-mt-en-fr, ..., or OWNER/NAME"
    )
    parser.add_argument("--revision", help="branch, tag or commit (default: the hub's main branch)")


def run(args: argparse.Namespace) -> int:
    """Pull one model, say where it lies and how it is used.

    Raises:
        ConfigError: no model of the hub can have this name.
        ModelError: as `pull`.
    """
    repository = repository_of(args.name)
    folder = pull(repository, args.revision)
    pack = packs.open_pack(folder)
    option = "--asr" if pack.kind == "asr" else "--translator"
    print(f"{repository} at {str(pack.fields['revision'])[:12]} is in {folder}")
    print(f"use it with: simulst interpret SOURCE --to LANG {option} {args.name}")
    return 0


def repository_of(name: str) -> str:
    """Where the hub has the model of a name.

    Raises:
        ConfigError: no model of the hub can have this name.
    """
    known = catalogue.repository(name)
    if known is None and not packs.on_hub(name):
        raise ConfigError(
            f"{name!r} is neither a known name nor OWNER/NAME as on the hub: see "
            "`simulst models list`"
        )
    return known or name


def partial_folder(folder: Path) -> Path:
    """Where a pull keeps what has not come whole yet."""
    return folder / _PARTIAL


def _fetch(listing: Listing, file: RemoteFile, folder: Path) -> Path:
    """Bring a file, or what of it is missing, and check it."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    path = folder / file.checksum
    have = path.stat().st_size if path.is_file() else 0
    if have > file.size:  # not what it is called by
        path.unlink()
        have = 0
    url = hf_hub_url(listing.repository, file.name, revision=listing.revision, endpoint=endpoint())
    try:
        with path.open("r+b" if have else "wb") as out:
            out.seek(have)
            if have < file.size:
                http_get(
                    url,
                    out,
                    resume_size=have,
                    headers=build_hf_headers(),
                    expected_size=file.size,
                    displayed_filename=file.name,
                )
        if not file.is_whole(path):
            path.unlink()
            raise ModelError(
                f"{file.name} of {listing.repository} came with another checksum than the hub "
                "states, and was thrown away: pull again"
            )
    except failures() as error:
        raise failure(error, listing.repository, f"sending {file.name}") from error
    return path


def _check_room(files: Iterable[RemoteFile], partial: Path) -> None:
    """Refuse what the disk cannot hold, before it is full."""
    paths = [(file, partial / file.checksum) for file in files]
    missing = sum(f.size - (p.stat().st_size if p.is_file() else 0) for f, p in paths)
    free = shutil.disk_usage(partial).free
    if missing > free:
        raise ModelError(
            f"{missing / 1e6:,.0f} MB are missing and {partial} has room for {free / 1e6:,.0f} MB: "
            "make room, or set XDG_CACHE_HOME to a larger disk"
        )


def pull(repository: str, revision: str | None = None) -> Path:
    """Bring a model that simulst can use; return its folder.

    Args:
        repository: OWNER/NAME.
        revision: branch, tag or commit; None for the hub's main one.

    Raises:
        ConfigError: it is being pulled by another process.
        ModelError: what `ask` raises; it is no model that simulst can use; it came damaged; or
            there is no room for it.
    """
    listing = ask(repository, revision)
    files = [file for file in listing.files if file.name in wanted(f.name for f in listing.files)]
    unknown = next((file.name for file in files if not file.checksum), None)
    if unknown or CONFIG not in {file.name for file in files}:
        what = f"no checksum of {unknown}" if unknown else f"no {CONFIG}"
        raise ModelError(f"{repository} has {what} at {endpoint()}: pull another model")
    folder = packs.cache_folder() / repository
    partial = partial_folder(folder)
    try:
        partial.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"{partial} cannot be made ({error.strerror}): set XDG_CACHE_HOME"
        ) from error
    with held(partial):
        if not _is_here(folder, listing):
            _bring(listing, files, folder)
        shutil.rmtree(partial)
    return folder


def _bring(listing: Listing, files: list[RemoteFile], folder: Path) -> None:
    """Fetch files and make a pack of them."""
    partial = partial_folder(folder)
    _check_room(files, partial)
    small = [file for file in files if not is_large(file.name)]
    here = {file.name: _fetch(listing, file, partial) for file in small}
    kind, fields = classify(listing.repository, here, [file.name for file in files])
    large = [file for file in files if is_large(file.name)]
    here |= {file.name: _fetch(listing, file, partial) for file in large}
    _settle(folder, here)
    facts = {
        "repository": listing.repository,
        "revision": listing.revision,
        "endpoint": endpoint(),
        "license": listing.licence,
        "languages": list(listing.languages),
    }
    packs.write_manifest(folder, kind, {**facts, **fields})


def _is_here(folder: Path, listing: Listing) -> bool:
    """Whether the revision was pulled before and is whole."""
    try:
        pack = packs.open_pack(folder, thorough=True)
    except ModelError:
        return False
    return pack.fields.get("revision") == listing.revision


def _settle(folder: Path, files: dict[str, Path]) -> None:
    """Move whole files to their places; without a manifest until all are there."""
    (folder / packs.MANIFEST).unlink(missing_ok=True)
    for path in [path for path in folder.iterdir() if path.is_file()]:
        path.unlink()
    seen: dict[Path, Path] = {}
    for name, path in files.items():
        if path in seen:  # two names for one content
            shutil.copyfile(seen[path], folder / name)
        else:
            seen[path] = path.replace(folder / name)
