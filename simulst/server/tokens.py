"""Who may connect: bearer tokens from a file.

A token a line: `TOKEN [NAME]`, or `read TOKEN [NAME]` for one that may only read along. Empty
lines and those that begin with `#` are left out. Only digests are kept, and what a client shows is
compared with all of them in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simulst.errors import ConfigError

__all__ = ["NOBODY", "Identity", "Tokens", "shown"]

SHORTEST = 16  # characters; what is shorter can be guessed
_BEARER = re.compile(r"[Bb]earer +([\x21-\x7e]+) *")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token a client has shown.

    Attributes:
        name: as in the file, or the number of the line; "" where no tokens are in use.
        reads: it may only read along.
    """

    name: str
    reads: bool = False


NOBODY = Identity("")


class Tokens:
    """The tokens that are good.

    Args:
        known: digests, and whose they are; empty if anyone may connect.
    """

    def __init__(self, known: Mapping[bytes, Identity] | None = None) -> None:
        self._known = dict(known or {})

    def __bool__(self) -> bool:
        return bool(self._known)

    @classmethod
    def load(cls, path: Path) -> Tokens:
        """Read a file.

        Raises:
            ConfigError: it cannot be read, holds none, or one that is too short or there twice.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        known: dict[bytes, Identity] = {}
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words or line.lstrip().startswith("#"):
                continue
            reads = words[0] == "read"
            if not 1 <= len(words) - reads <= 2:
                raise ConfigError(f"{path}, line {number}: write TOKEN [NAME] or read TOKEN [NAME]")
            token, *name = words[reads:]
            if len(token) < SHORTEST or not token.isascii():
                raise ConfigError(
                    f"{path}, line {number}: a token has at least {SHORTEST} ASCII characters; "
                    "`openssl rand -hex 16` makes one"
                )
            if _digest(token) in known:
                raise ConfigError(f"{path}, line {number}: this token is there already")
            known[_digest(token)] = Identity(name[0] if name else f"line {number}", reads)
        if not known:
            raise ConfigError(f"{path} holds no token: write one a line")
        return cls(known)

    def find(self, token: str) -> Identity | None:
        """Whose token it is; None if it is no good one."""
        shown, found = _digest(token), None
        for digest, identity in self._known.items():
            if hmac.compare_digest(shown, digest):
                found = identity
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def shown(authorization: str, query: str) -> str:
    """The token that a client shows; "" for none.

    Args:
        authorization: the header.
        query: what the address has where the protocol's clients put a token.
    """
    found = _BEARER.fullmatch(authorization)
    return found[1] if found else query
