"""What the hub says of a model, and what to say of the hub's errors.

HF_ENDPOINT names another hub; the token of `hf auth login`, or HF_TOKEN, opens gated models.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulst import packs
from simulst.errors import ModelError

__all__ = ["Listing", "RemoteFile", "ask", "endpoint", "failure", "failures"]

_TIMEOUT_S = 20
"""Without an answer from the hub."""

_GARBAGE = (ValueError, KeyError, TypeError, AttributeError)
"""What the hub's client makes of an answer that is none of a hub."""

_CHECKSUM = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})?")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub describes it.

    Attributes:
        name: in the repository.
        size: bytes.
        sha256: of a large file; "" for one that git itself keeps.
        blob: SHA-1 of git for these.
    """

    name: str
    size: int
    sha256: str
    blob: str

    @property
    def checksum(self) -> str:
        """What its content is checked against."""
        return self.sha256 or self.blob

    def is_whole(self, path: Path) -> bool:
        """Whether a file has this content."""
        if self.sha256:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == self.blob


@dataclass(frozen=True, slots=True)
class Listing:
    """A model as the hub describes it.

    Attributes:
        repository: OWNER/NAME.
        revision: commit.
        files: at the top of the repository.
        licence: "" if the hub does not say.
        languages: that its card names.
    """

    repository: str
    revision: str
    files: tuple[RemoteFile, ...]
    licence: str
    languages: tuple[str, ...]


def endpoint() -> str:
    """The hub's address."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def failure(error: BaseException, repository: str, doing: str) -> ModelError:
    """What to say of an error of the hub or of the way there."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    hub = endpoint()
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return ModelError(
            f"the disk is full while {doing}: make room in {packs.cache_folder()} and pull again; "
            "it goes on where it stopped"
        )
    if type(error).__name__ in ("GatedRepoError", "DisabledRepoError") or status == 403:
        return ModelError(
            f"{hub} lets only some users have {repository}: accept its terms on its page there, "
            "then `hf auth login` or set HF_TOKEN, and pull again"
        )
    if type(error).__name__ == "RevisionNotFoundError":
        return ModelError(f"{repository} has no such revision at {hub}: leave --revision out")
    if status in (401, 404):
        return ModelError(
            f"{hub} has no model {repository} that it would show you ({status}): check the name; a "
            "private one needs `hf auth login` or HF_TOKEN"
        )
    if status is not None:
        return ModelError(f"{hub} answered with error {status} while {doing}: pull again later")
    if type(error).__name__ == "OfflineModeIsEnabled":
        return ModelError("HF_HUB_OFFLINE is set, so nothing can be pulled: unset it for that")
    if isinstance(error, _GARBAGE):
        return ModelError(
            f"{hub} did not answer as a hub does while {doing} ({type(error).__name__}): check "
            "HF_ENDPOINT and whether a proxy or a log-in page stands between"
        )
    reason = " ".join(str(error).split()) or type(error).__name__
    return ModelError(
        f"{hub} failed while {doing} ({reason}): check the network or HF_ENDPOINT and pull again; "
        "it goes on where it stopped"
    )


def failures() -> tuple[type[Exception], ...]:
    """Errors of the hub's client, which has had several libraries for HTTP below it."""
    from huggingface_hub.errors import HfHubHTTPError

    below = (base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception))
    return (*below, OSError)


def ask(repository: str, revision: str | None = None) -> Listing:
    """What the hub has under a name.

    Raises:
        ModelError: it cannot be reached, has no such model, keeps it from this user, or answers
            what no hub would.
    """
    from huggingface_hub import HfApi

    caught: tuple[type[Exception], ...] = (*failures(), *_GARBAGE)
    try:
        info = HfApi(endpoint=endpoint()).model_info(
            repository, revision=revision, files_metadata=True, timeout=_TIMEOUT_S
        )
        files = tuple(_described(file) for file in info.siblings or () if "/" not in file.rfilename)
        card: Any = info.card_data or {}
        languages = card.get("language") or ()
        named = (languages,) if isinstance(languages, str) else tuple(map(str, languages))
        commit = str(info.sha or "")
        licence = str(card.get("license") or "")
    except caught as error:
        raise failure(error, repository, f"asked for {repository}") from error
    if not commit or not files:
        raise ModelError(f"{endpoint()} lists no files of {repository}: check the name")
    return Listing(repository, commit, files, licence, named)


def _described(file: Any) -> RemoteFile:
    """A file of the hub's answer."""
    large = file.lfs
    sha256 = (
        "" if large is None else str(large["sha256"] if isinstance(large, dict) else large.sha256)
    )
    described = RemoteFile(str(file.rfilename), int(file.size), sha256, str(file.blob_id or ""))
    if not _CHECKSUM.fullmatch(described.checksum):  # it will be the name of a file
        raise ValueError(f"{described.checksum!r} is no checksum")
    return described
