"""Random numbers that depend on what they are for, not on when they are drawn.

A keyed digest gives the same number for the same key on any machine, in any order, alone or
beside other sessions. Holding a word and trying it again therefore meets the same draw: a
fresh one at every retry would accept anything sooner or later.
"""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["uniform"]


def uniform(*key: int | str) -> float:
    """A number in [0, 1) with 53 random bits, fixed by the key."""
    digest = blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / float(1 << 53)
