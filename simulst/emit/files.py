"""Which kind of file a suffix stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from simulst.emit.captions import Captions, srt, vtt
from simulst.emit.jsonl import Journal
from simulst.emit.text import Text
from simulst.errors import OutputError
from simulst.protocols import Sink

__all__ = ["LANGUAGE", "SUFFIXES", "check", "in_language", "open_file"]

LANGUAGE = "{lang}"
"""Stands for the target language in a path."""

SUFFIXES = {
    ".srt": "SubRip captions",
    ".vtt": "WebVTT captions",
    ".jsonl": "the journal: words, translation, every verdict",
    ".txt": "plain text",
}


def check(paths: Sequence[Path]) -> None:
    """Refuse what could not be written in the end, and touch nothing.

    Raises:
        OutputError: an unknown suffix, a missing folder, or the same file twice.
    """
    for i, path in enumerate(paths):
        if path.suffix.lower() not in SUFFIXES:
            raise OutputError(
                f"{path}: the suffix {path.suffix!r} stands for no format; "
                f"use one of {', '.join(SUFFIXES)}"
            )
        if not path.parent.is_dir():
            raise OutputError(f"{path} cannot be written: there is no folder {path.parent}")
        if path.is_dir():
            raise OutputError(f"{path} cannot be written: it is a folder")
        if path.resolve() in [other.resolve() for other in paths[:i]]:
            raise OutputError(f"{path} is named twice as output")


def in_language(path: Path, language: str, several: bool) -> Path:
    """The file for one target language: talk.srt becomes talk.de.srt where there are several.

    Args:
        path: as it was given; `{lang}` in its name, wherever it stands, is the language.
        language: ISO 639-1.
        several: a path without `{lang}` gets the language before its suffix.
    """
    if LANGUAGE in str(path):
        return Path(str(path).replace(LANGUAGE, language))
    if several and path.name:
        return path.with_suffix(f".{language}{path.suffix}")
    return path


def open_file(path: Path, signature: Mapping[str, object]) -> Sink:
    """Make the file that the suffix asks for; `check` has let it through.

    Raises:
        OutputError: it cannot be made.
    """
    match path.suffix.lower():
        case ".srt":
            return Captions(path, srt)
        case ".vtt":
            return Captions(path, vtt, head="WEBVTT\n\n")
        case ".jsonl":
            return Journal(path, signature)
        case suffix:
            assert suffix == ".txt", suffix
            return Text(path)
