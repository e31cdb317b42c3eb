"""Translator packs on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulst import packs
from simulst.errors import ModelError
from simulst.protocols import Prefix, Request, Translator
from simulst.translate.evidence import EvidenceHead
from simulst.translate.storage import EVIDENCE, load_translator, save_evidence, save_translator
from tests.fakes import SENTENCES, expectant, translator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pack of the random translator."""
    path = tmp_path / "en-de"
    save_translator(path, translator().model, translator().vocabulary, "en", "de")
    return path


def rewrite(folder: Path, **fields: object) -> packs.Pack:
    """Change the manifest and open the pack again."""
    path = folder / packs.MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return packs.open_pack(folder, "translator")


def test_round_trip(folder: Path) -> None:
    """A saved translator drafts what the original drafts, to float16's precision."""
    loaded = load_translator(packs.open_pack(folder, "translator"))
    assert isinstance(loaded, Translator)
    request = Request(tuple(SENTENCES[0].split()[:4]), False, Prefix())
    [(ours, _)] = translator().draft([request], [1], [None])
    [(theirs, _)] = loaded.score([request], [ours])
    assert theirs.log_p == pytest.approx(ours.log_q, abs=0.1)
    assert (loaded.source_language, loaded.target_language) == ("en", "de")


def test_evidence_is_kept_with_its_weights(folder: Path, tmp_path: Path) -> None:
    """A pack with evidence expects what it was saved with; the one it came from has none."""
    plain, learned = packs.open_pack(folder, "translator"), expectant()
    assert learned.evidence is not None
    out = tmp_path / "more"
    save_evidence(out, plain, learned.evidence, {"note": "x"})
    pack = packs.open_pack(out, "translator")
    loaded = load_translator(pack)
    assert pack.fields["evidence"] == {"inner": 8, "lookbacks": [0, 1], "note": "x"}
    assert loaded.learned_lookbacks == (0, 1)
    request = Request(tuple(SENTENCES[0].split()[:4]), False, Prefix())
    [(draft, _)] = learned.draft([request], [2], [None])
    [(ours, _)], [(theirs, _)] = learned.score([request], [draft]), loaded.score([request], [draft])
    assert ours.expected and theirs.expected == pytest.approx(ours.expected, abs=0.2)
    [(bare, _)] = load_translator(plain).score([request], [draft])
    assert bare.expected is None
    assert plain.fields == {k: v for k, v in pack.fields.items() if k != "evidence"}


def test_evidence_can_be_put_into_its_own_pack(folder: Path) -> None:
    """The pack itself is changed, and new weights in it do away with the evidence of the old."""
    head = expectant().evidence
    assert head is not None
    save_evidence(folder, packs.open_pack(folder), head, {})
    assert load_translator(packs.open_pack(folder)).learned_lookbacks == (0, 1)
    save_translator(folder, translator(1).model, translator().vocabulary, "en", "de")
    assert load_translator(packs.open_pack(folder)).learned_lookbacks == ()
    assert not (folder / EVIDENCE).exists()


def test_evidence_of_another_size(folder: Path) -> None:
    """Evidence that does not fit the states of its pack is refused."""
    save_evidence(folder, packs.open_pack(folder), EvidenceHead(64, 8), {})
    with pytest.raises(ModelError, match="does not hold together"):
        load_translator(packs.open_pack(folder))


def test_weights_of_another_size(folder: Path) -> None:
    """A manifest whose dimensions disagree with the weights is refused."""
    dimensions = {**translator().model.dim.as_dict(), "width": 64}
    with pytest.raises(ModelError, match="does not hold together"):
        load_translator(rewrite(folder, dimensions=dimensions))


def test_unknown_architecture(folder: Path) -> None:
    """A pack of an architecture that is not known is refused by its name."""
    with pytest.raises(ModelError, match="'mamba'"):
        load_translator(rewrite(folder, architecture="mamba"))


def test_a_field_is_missing(folder: Path) -> None:
    """A manifest without dimensions is refused with the field's name."""
    path = folder / packs.MANIFEST
    manifest = json.loads(path.read_text())
    del manifest["dimensions"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="dimensions"):
        load_translator(packs.open_pack(folder, "translator"))
