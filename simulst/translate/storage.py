"""A translator pack on disk: weights in float16, the subword model, and the manifest.

model.safetensors      weights
vocabulary.model       SentencePiece
evidence.safetensors   learned evidence of acceptance, in float32; a pack may lack it
pack.json              languages, target unit, dimensions, checksums
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from simulst import glossary, packs
from simulst.config import Config
from simulst.errors import ModelError
from simulst.protocols import Translator
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.evidence import EvidenceHead
from simulst.translate.model import Dimensions, WaitkTransformer
from simulst.translate.opening import Place, locate, open_offline, place_of
from simulst.translate.terms import with_terms
from simulst.translate.vocabulary import Vocabulary

__all__ = [
    "EVIDENCE",
    "WEIGHTS",
    "load_translator",
    "open_translators",
    "save_evidence",
    "save_translator",
]

WEIGHTS = "model.safetensors"
PIECES = "vocabulary.model"
EVIDENCE = "evidence.safetensors"


def save_translator(
    folder: Path,
    model: WaitkTransformer,
    vocabulary: Vocabulary,
    source: str,
    target: str,
    fields: Mapping[str, Any] | None = None,
) -> None:
    """Write a pack that `load_translator` reads; an existing one is replaced.

    What an existing one had learnt of acceptance goes with its weights.

    Args:
        folder: made if it is not there; its name is the pack's name.
        source, target: ISO 639-1.
        fields: more facts for the manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: tensor.detach().cpu().to(torch.float16).contiguous()
        for name, tensor in model.state_dict().items()
    }
    safetensors.torch.save_file(weights, folder / WEIGHTS)
    (folder / PIECES).write_bytes(vocabulary.model)
    (folder / EVIDENCE).unlink(missing_ok=True)
    packs.write_manifest(
        folder,
        "translator",
        {
            "architecture": "wait-k transformer",
            "source": source,
            "target": target,
            "unit": vocabulary.unit,
            "dimensions": model.dim.as_dict(),
            "parameters": sum(p.numel() for p in model.parameters()),
            **(fields or {}),
        },
    )


def save_evidence(
    folder: Path, pack: packs.Pack, head: EvidenceHead, fields: Mapping[str, Any]
) -> None:
    """Put learned evidence into a pack, in place of what it may have had.

    Args:
        folder: of the new pack, made if it is not there; the pack's own changes that one.
        pack: whose weights the head was trained with.
        head: reads the states of these weights.
        fields: more facts on it for the manifest.
    """
    if folder.resolve() != pack.path.resolve():
        shutil.copytree(pack.path, folder, dirs_exist_ok=True)
    weights = {name: tensor.contiguous() for name, tensor in head.state_dict().items()}
    safetensors.torch.save_file(weights, folder / EVIDENCE)
    facts = {"inner": head.inner, "lookbacks": list(head.lookbacks), **fields}
    packs.write_manifest(folder, pack.kind, {**pack.fields, "evidence": facts})


def _load_evidence(pack: packs.Pack, width: int) -> EvidenceHead | None:
    """The pack's learned evidence, if it has any."""
    facts = pack.fields.get("evidence")
    if facts is None:
        return None
    head = EvidenceHead(width, facts["inner"], facts["lookbacks"])
    head.load_state_dict(safetensors.torch.load_file(pack.path / EVIDENCE))
    return head


def load_translator(pack: packs.Pack) -> WaitkTranslator:
    """Read a pack whose files have been checked.

    Raises:
        ModelError: the manifest lacks a field, or weights and dimensions disagree.
    """
    fields = pack.fields
    try:
        if fields["architecture"] != "wait-k transformer":
            raise ModelError(
                f"pack {pack.name} has architecture {fields['architecture']!r}; "
                "this simulst loads 'wait-k transformer'"
            )
        vocabulary = Vocabulary.load(pack.path / PIECES, fields["unit"])
        model = WaitkTransformer(Dimensions(**fields["dimensions"]))
        weights = safetensors.torch.load_file(pack.path / WEIGHTS)
        model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        languages = str(fields["source"]), str(fields["target"])
        evidence = _load_evidence(pack, model.dim.width)
    except (KeyError, TypeError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"pack {pack.name} does not hold together ({reason}): fetch or rebuild the pack"
        ) from error
    return WaitkTranslator(model, vocabulary, *languages, evidence)


def open_translators(
    config: Config, target: str
) -> tuple[Translator, Translator | None, dict[str, str]]:
    """The translator that the settings name or the language pair needs, and its verifier.

    Args:
        config: settings; `asr.language` is the source language.
        target: language to translate into, ISO 639-1.

    Returns:
        The translator, the verifier if it is another, and the names of both and of the glossary.

    Raises:
        ConfigError: a package that one needs is not installed, or the glossary cannot be used.
        ModelError: one is unknown or damaged, or does not serve the language pair.
    """
    torch.set_num_threads(config.translate.threads)
    source, wanted = config.asr.language, config.translate
    place = locate(wanted.pack) if wanted.pack else place_of(packs.find_pair(source, target))
    translator = _open(place, source, target)
    names = {"translator": place.label}
    terms = None
    if config.glossary:
        path = Path(config.glossary)
        terms = glossary.load(path, source).terms(target)
        translator = with_terms(translator, terms)
        names["glossary"] = f"{path.name} ({len(terms.terms)} terms, {terms.id})"
    if not wanted.verifier:
        return translator, None, names
    other = locate(wanted.verifier)
    verifier: Translator
    if other.form:
        verifier = open_offline(other, source, target)
    else:
        verifier = load_translator(packs.open_pack(other.folder, "translator"))
    if terms is not None:
        verifier = with_terms(verifier, terms)
    return translator, verifier, {**names, "verifier": other.label}


def _open(place: Place, source: str, target: str) -> Translator:
    if place.form:
        return open_offline(place, source, target)
    pack = packs.open_pack(place.folder, "translator")
    pair = pack.fields.get("source"), pack.fields.get("target")
    if pair != (source, target):
        raise ModelError(
            f"pack {pack.name} translates {pair[0]} to {pair[1]}, not {source} to {target}: "
            "name another pack, or leave translate.pack empty to choose by language"
        )
    return load_translator(pack)
