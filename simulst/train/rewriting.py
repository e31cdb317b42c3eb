"""Parallel text with one side written anew, in a file that a killed run goes on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from simulst.corpus import Pair
from simulst.errors import OutputError

__all__ = ["rewrite"]


def rewrite(
    pairs: Sequence[Pair],
    side: Literal["source", "target"],
    change: Callable[[Sequence[Pair]], list[str]],
    out: Path,
    report: Callable[[int], None],
    *,
    kind: str,
    chunk: int = 4096,
) -> None:
    """Write pairs with a new side in four columns; the corpus becomes "<corpus>-<kind>".

    Args:
        pairs: the text, and the corpora it is from.
        side: the one that is written anew.
        change: gives that side of some pairs; an empty one keeps its line, so that lines can
            be counted, and is left out by who reads the file.
        out: file to go on with; a line that was cut off by a kill is written again.
        report: told the number of pairs done after every chunk.
        kind: what became of the text.
        chunk: pairs between two writes.

    Raises:
        OutputError: `out` cannot be written, or what is in it does not come from these pairs.
    """
    try:
        done = _done(pairs, "target" if side == "source" else "source", out)
        with out.open("a", encoding="utf-8", newline="\n") as file:
            while done < len(pairs):
                some = pairs[done : done + chunk]
                for pair, text in zip(some, change(some), strict=True):
                    source, target = pair.source, pair.target
                    columns = (text, target) if side == "source" else (source, text)
                    name = f"{pair.corpus or 'pairs'}-{kind}"
                    file.write("\t".join((name, f"as {pair.corpus}", *columns)) + "\n")
                file.flush()
                done += len(some)
                report(done)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error


def _done(pairs: Sequence[Pair], kept: Literal["source", "target"], out: Path) -> int:
    """Pairs already written; a line cut short is removed."""
    if not out.exists():
        return 0
    with out.open("rb+") as file:
        done = whole = 0
        for line, pair in zip(file, pairs, strict=False):
            if not line.endswith(b"\n"):
                break
            columns = line.decode("utf-8", "replace").rstrip("\n").split("\t")
            if columns[2 if kept == "source" else 3 :][:1] != [getattr(pair, kept)]:
                raise OutputError(
                    f"{out}, line {done + 1} is not of these pairs: name another --out, or give "
                    "the data that it was begun with"
                )
            done, whole = done + 1, whole + len(line)
        file.truncate(whole)
    return done
