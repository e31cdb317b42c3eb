"""Models by the names that people know them by, and where the hub has them.

The sizes of Whisper are those of faster-whisper's own table. Of translators a few are listed; any
other of the hub goes by its full name, OWNER/NAME. Sizes are about; a licence that is left out
stands on the model's card.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Entry", "TRANSLATORS", "listeners", "repository", "short_name"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that can be pulled.

    Attributes:
        name: as it may be called.
        kind: "asr" or "translator".
        repository: of the hub, OWNER/NAME.
        languages: in words.
        megabytes: to download, about; 0 if unknown.
        licence: as the hub writes it; "" where the card has to be read.
    """

    name: str
    kind: str
    repository: str
    languages: str
    megabytes: int = 0
    licence: str = ""


_OPUS = re.compile(r"opus-mt-[\w-]+")
"""Names of the University of Helsinki's models, one for each pair or group of languages."""

_MEGABYTES = {
    "tiny": 75,
    "base": 145,
    "small": 485,
    "medium": 1530,
    "large": 3090,
    "large-v1": 3090,
    "large-v2": 3090,
    "large-v3": 3090,
    "large-v3-turbo": 1620,
    "turbo": 1620,
}

TRANSLATORS = (
    *(
        Entry(f"opus-mt-{pair}", "translator", f"Helsinki-NLP/opus-mt-{pair}", words, 300)
        for pair, words in (
            ("en-de", "English to German"),
            ("de-en", "German to English"),
            ("en-fr", "English to French"),
            ("fr-en", "French to English"),
            ("en-es", "English to Spanish"),
            ("es-en", "Spanish to English"),
            ("en-it", "English to Italian"),
            ("it-en", "Italian to English"),
            ("en-ru", "English to Russian"),
            ("ru-en", "Russian to English"),
            ("en-zh", "English to Chinese"),
            ("zh-en", "Chinese to English"),
        )
    ),
    Entry(
        "m2m100_418M", "translator", "facebook/m2m100_418M", "100 languages, any pair", 1940, "mit"
    ),
    Entry(
        "nllb-200-distilled-600M",
        "translator",
        "facebook/nllb-200-distilled-600M",
        "200 languages, any pair",
        2480,
        "cc-by-nc-4.0",
    ),
)


def listeners() -> tuple[Entry, ...]:
    """The sizes of Whisper that faster-whisper knows."""
    from faster_whisper.utils import _MODELS  # slow to import, and its only table

    return tuple(
        Entry(
            name,
            "asr",
            repository,
            "English" if ".en" in name or name.startswith("distil-") else "99 languages",
            _MEGABYTES.get(name.removesuffix(".en"), 0),
            "mit",
        )
        for name, repository in _MODELS.items()
    )


def repository(name: str, kind: str | None = None) -> str | None:
    """Where the hub has the model of a known name; None for other names.

    Args:
        name: "small", "opus-mt-en-de", ...
        kind: "asr" or "translator", if one of them is wanted.
    """
    if kind != "asr":
        for entry in TRANSLATORS:
            if entry.name == name:
                return entry.repository
        if _OPUS.fullmatch(name):
            return f"Helsinki-NLP/{name}"
    if kind != "translator":
        return next((entry.repository for entry in listeners() if entry.name == name), None)
    return None


def short_name(repository: str) -> str:
    """What to call a repository where a shorter name is known."""
    entries = (*TRANSLATORS, *listeners())
    return next((entry.name for entry in entries if entry.repository == repository), repository)
