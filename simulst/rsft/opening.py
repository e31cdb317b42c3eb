"""The models that play policy and teacher, by name.

    NAME or FOLDER                a pack of simulst, or what `simulst models pull` fetched
    hf:FOLDER, hf:NAME            an encoder-decoder of transformers; NAME was fetched before
    ct2:FOLDER                    a model of CTranslate2, which cannot learn

After the last two, @SOURCE-TARGET names the languages: hf:FOLDER@en-de, or as the model does:
hf:NAME@eng_Latn-deu_Latn. Models of many languages need them. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from simulst import packs
from simulst.errors import ConfigError
from simulst.protocols import Seq2Seq, TrainableSeq2Seq
from simulst.rsft.ensemble import together
from simulst.rsft.stages import digest
from simulst.translate.checkpoints import load_model, read_facts
from simulst.translate.ctranslate import load_converted
from simulst.translate.huggingface import HuggingFaceSeq2Seq
from simulst.translate.opening import locate
from simulst.translate.sentences import WaitkSeq2Seq
from simulst.translate.storage import load_translator

__all__ = ["facts_of", "open_model", "open_policy", "saved_name", "weights_of"]


def _folder(name: str) -> tuple[str, Path, tuple[str, str] | None]:
    """The kind of a model, its folder, and the languages named; the kind of packs is ""."""
    place = locate(name)
    return place.form, place.folder, place.languages


def open_model(name: str, device: str = "cpu") -> Seq2Seq:
    """The model of this name, for whole sentences.

    Args:
        name: as above; several by comma judge together and cannot draft.
        device: "cpu" or "cuda"; models of CTranslate2 stay on the CPU.

    Raises:
        ConfigError: a package that it needs is not installed, or the device is not there.
        ModelError: there is none, it is damaged, or it does not serve the languages.
    """
    if device not in ("cpu", "cuda"):
        raise ConfigError(f"device {device!r} is unknown: use cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device cuda is not available here: use --device cpu")
    return together([_open(part, device) for part in name.split(",")])


def _open(name: str, device: str) -> Seq2Seq:
    kind, folder, languages = _folder(name)
    if kind == "hf":
        return HuggingFaceSeq2Seq(*load_model(folder, languages), device=device)
    if kind == "ct2":
        return load_converted(folder, languages)
    return WaitkSeq2Seq(load_translator(packs.open_pack(folder, "translator")), device=device)


def open_policy(name: str, device: str = "cpu") -> TrainableSeq2Seq:
    """The model of this name, to learn.

    Raises:
        ConfigError: it cannot learn, or a package that it needs is not installed.
        ModelError: as `open_model`.
    """
    if "," in name:
        raise ConfigError(f"{name!r} is several models: a policy, which drafts and learns, is one")
    model = open_model(name, device)
    if not isinstance(model, TrainableSeq2Seq):
        raise ConfigError(
            f"{name} cannot learn: models of CTranslate2 have no loss; use it as the teacher or "
            "for drawing, and train what it was converted from, as hf:FOLDER"
        )
    return model


def weights_of(name: str) -> str:
    """A fingerprint of a model's files: another policy draws other samples."""
    if "," in name:
        return digest([weights_of(part) for part in name.split(",")])
    kind, folder, languages = _folder(name)
    if not kind:
        return digest((folder / packs.MANIFEST).read_text(encoding="utf-8"))
    files = sorted(path for path in folder.iterdir() if path.is_file())
    found = {}
    for path in files:
        facts = path.stat()
        found[path.name] = _digest_of(path, facts.st_size, facts.st_mtime_ns)
    return digest([kind, languages, found])


@lru_cache(maxsize=256)
def _digest_of(path: Path, size: int, changed_ns: int) -> str:
    """Of a file's content; size and time of change tell when it has to be read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def facts_of(name: str) -> Mapping[str, Any]:
    """What a model's folder says of how it came to be."""
    kind, folder, _ = _folder(name)
    pulled = (folder / packs.MANIFEST).is_file()
    fields = packs.open_pack(folder).fields if pulled or not kind else {}
    return {**fields, **read_facts(folder)} if kind else fields


def saved_name(policy: str, folder: Path) -> str:
    """The name of what a policy of this name saved to a folder."""
    return f"hf:{folder.resolve()}" if policy.startswith("hf:") else str(folder.resolve())
