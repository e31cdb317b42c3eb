"""What a repository of the hub holds: which of its files a model needs, and what it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulst.errors import ModelError

__all__ = ["CONFIG", "classify", "is_large", "wanted"]

CONFIG = "config.json"

_WEIGHTS = ("model.bin", "model*.safetensors", "pytorch_model*.bin")
"""CTranslate2's, then those of transformers; the first that are there are taken."""

_LARGE = (".bin", ".safetensors")

_BESIDE = (".json", ".txt", ".spm", ".model", ".md")
"""Endings of settings, subwords and card."""

_WHISPER = ("alignment_heads", "suppress_ids", "lang_ids")
"""Of CTranslate2's settings of a Whisper, one at least."""


def is_large(name: str) -> bool:
    """Whether a file holds weights; what a model is shows in the others."""
    return name.endswith(_LARGE)


def wanted(names: Iterable[str]) -> set[str]:
    """Of a repository's files at its top, those that simulst needs."""
    paths = [Path(name) for name in names if not name.startswith(".")]
    there = [kind for kind in _WEIGHTS if any(path.match(kind) for path in paths)]
    found = {path.name for path in paths if path.name.startswith("LICENSE")}
    for path in paths:
        if path.match("*.index.json"):  # of the parts that large weights come in
            taken = any(path.match(f"{kind}.index.json") for kind in there[:1])
        else:
            taken = path.suffix in _BESIDE or any(path.match(kind) for kind in there[:1])
        if taken:
            found.add(path.name)
    return found


def classify(
    repository: str, files: Mapping[str, Path], names: Sequence[str]
) -> tuple[str, dict[str, Any]]:
    """The kind of a pack and what its manifest says of it.

    Args:
        repository: OWNER/NAME.
        files: those without weights, by their names.
        names: of all files.

    Raises:
        ModelError: it is no model that simulst can use.
    """
    settings = _read(files.get(CONFIG))
    if "model.bin" in names:
        if any(key in settings for key in _WHISPER) and "tokenizer.json" in names:
            return "asr", {"architecture": "whisper"}
        if any(Path(name).stem in ("source_vocabulary", "shared_vocabulary") for name in names):
            return "translator", {"architecture": "ctranslate2", **_pair(files)}
    elif settings.get("model_type") == "whisper":
        raise ModelError(
            f"{repository} is a Whisper of transformers: pull one that was converted for "
            "faster-whisper, such as small or large-v3-turbo"
        )
    elif settings.get("is_encoder_decoder") and any(map(is_large, names)):
        return "translator", {"architecture": "transformers", **_pair(files)}
    raise ModelError(
        f"{repository} holds neither a Whisper for faster-whisper nor an encoder-decoder of "
        "transformers or CTranslate2: pull another model (`simulst models list`)"
    )


def _pair(files: Mapping[str, Path]) -> dict[str, str]:
    """Source and target of a model of one pair; empty for many, or if it does not say."""
    settings = _read(files.get("tokenizer_config.json"))
    pair = [str(settings.get(f"{side}_lang") or "") for side in ("source", "target")]
    if any(len(language) != 2 for language in pair):
        return {}
    return {"source": pair[0], "target": pair[1]}


def _read(path: Path | None) -> dict[str, Any]:
    """A JSON object; empty if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
