"""Translators by name, whatever they were made with.

    NAME, FOLDER                  a pack of simulst, also one that was pulled from the hub
    FOLDER                        a model of transformers or CTranslate2
    OWNER/NAME                    a model of the hub that is on this machine
    hf:FOLDER, hf:OWNER/NAME      the same, said to be one of transformers
    ct2:FOLDER                    ... of CTranslate2

Behind the last two @SOURCE-TARGET may name languages as the model does. Nothing is downloaded.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from simulst import packs
from simulst.errors import ModelError
from simulst.protocols import Translator
from simulst.translate.checkpoints import find_checkpoint, load_model
from simulst.translate.network import Network
from simulst.translate.offline import OfflineTranslator
from simulst.translate.readings import TransformersDecoder

__all__ = ["Place", "locate", "open_offline", "place_of"]

_NAME = re.compile(r"(hf|ct2):(.+?)(?:@(\w+)-(\w+))?")

FORMS = {"transformers": "hf", "ctranslate2": "ct2"}
"""Of the architectures that a manifest may name, those that are no wait-k Transformer."""


@dataclass(frozen=True, slots=True)
class Place:
    """A translator on this machine.

    Attributes:
        form: "hf", "ct2", or "" for a wait-k Transformer.
        folder: its files.
        label: what a log calls it.
        languages: source and target, where the name says them.
    """

    form: str
    folder: Path
    label: str
    languages: tuple[str, str] | None = None


def locate(name: str) -> Place:
    """Where the translator of a name lies, and what it was made with.

    Raises:
        ConfigError: it may be in the cache of transformers, which is not installed.
        ModelError: there is none.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return _unmarked(name)
    form, place, source, target = match.groups()
    if form == "hf":
        folder = find_checkpoint(place)
    else:
        folder = Path(place)
        if packs.has(place, "translator"):
            folder = packs.find(place, "translator").path
        elif not folder.is_dir():
            raise ModelError(f"{place} is no folder: give that of a model of CTranslate2")
    return Place(form, folder, _label(place, folder), (source, target) if source else None)


def _unmarked(name: str) -> Place:
    folder = Path(name)
    if os.sep in name and folder.is_dir() and not (folder / packs.MANIFEST).is_file():
        if (folder / "model.bin").is_file():
            return Place("ct2", folder, name)
        if (folder / "config.json").is_file():
            return Place("hf", folder, name)
    if packs.on_hub(name) and not packs.has(name, "translator"):
        folder = find_checkpoint(name)
        return Place("hf", folder, _label(name, folder))
    return place_of(packs.find(name, "translator"))


def place_of(pack: packs.Pack) -> Place:
    """Where a pack lies, and what it was made with."""
    form = FORMS.get(str(pack.fields.get("architecture")), "")
    return Place(form, pack.path, _label(pack.name, pack.path))


def _label(name: str, folder: Path) -> str:
    """The name, with the revision that was pulled."""
    revision = packs.revision_of(folder)
    return f"{name}@{revision[:12]}" if revision else name


def open_offline(place: Place, source: str, target: str) -> Translator:
    """A translator of whole sentences, to be used live.

    Args:
        place: its form is not "".
        source, target: ISO 639-1, or as the model names them.

    Raises:
        ConfigError: a package that it needs is not installed.
        ModelError: it is damaged, or does not serve the languages.
    """
    languages = place.languages or (source, target)
    if place.form == "ct2":
        from simulst.translate.converted import ConvertedDecoder
        from simulst.translate.ctranslate import load_converted

        converted = ConvertedDecoder(load_converted(place.folder, languages))
        return OfflineTranslator(converted, source, target)
    model, subwords = load_model(place.folder, languages)
    network = Network(model, subwords, torch.device("cpu"))
    return OfflineTranslator(TransformersDecoder(network), source, target)
